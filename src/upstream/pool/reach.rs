//! The way to a host over TCP: the connection, and the TLS handshake where there is one.

use std::io;
use std::sync::Arc;

use rustls::HandshakeKind;
use rustls::pki_types::UnixTime;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::secured::{Secured, TlsSide};
use crate::tls::{self, Asked, ClientTls};
use crate::upstream::Host;

/// A connection that stands.
pub(super) enum Reached {
    Clear(TcpStream),
    Secured(Box<Secured<TcpStream>>, Arc<TlsSide>),
}

/// Why there is none, and what logs say of it.
pub(super) struct Unreached {
    pub(super) error: io::Error,
    /// `None` where there is nothing to say but that it ended.
    pub(super) words: Option<String>,
}

/// Connects to `host`, and asks for `asked` where there is TLS.
pub(super) async fn reach(host: &Host, tls: Option<&ClientTls>, asked: &Arc<Asked>) -> Result<Reached, Unreached> {
    let io = TcpStream::connect(host.address).await;
    let io = io.map_err(|error| Unreached { words: Some(refused(&error)), error })?;
    // A request is written as soon as it is there; a refusal costs only speed.
    let _ = io.set_nodelay(true);
    let Some(tls) = tls else { return Ok(Reached::Clear(io)) };
    let stats = tls.stats();
    let io = handshake(io, host, tls, asked).await.map_err(|error| Unreached { words: stats.failed(&error), error })?;
    let (_, connection) = io.get_ref();
    let agreed = tls::facts(connection);
    stats.complete(&agreed, connection.handshake_kind() == Some(HandshakeKind::Resumed));
    let side = TlsSide::new(agreed, asked);
    Ok(Reached::Secured(Box::new(Secured::new(io, &side, stats)), side))
}

async fn handshake(
    io: TcpStream,
    host: &Host,
    tls: &ClientTls,
    asked: &Arc<Asked>,
) -> io::Result<TlsStream<TcpStream>> {
    let handshake = host.handshake(tls, asked);
    let connector = TlsConnector::from(Arc::clone(&handshake.config));
    let io = connector.connect(handshake.server_name.clone(), io).await?;
    let (_, connection) = io.get_ref();
    if connection.handshake_kind() == Some(HandshakeKind::Resumed) {
        let chain = connection.peer_certificates().unwrap_or_default();
        handshake.verify_again(chain, UnixTime::now()).map_err(io::Error::other)?;
    }
    Ok(io)
}

/// The system's words as Envoy prints them: one token, without the number.
fn refused(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or(&text);
    format!("delayed connect error: {words}").replace(' ', "_")
}
