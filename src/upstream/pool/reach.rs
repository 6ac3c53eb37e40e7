//! The way to a host over TCP: the connection, and the TLS handshake where there is one.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::HandshakeKind;
use rustls::pki_types::UnixTime;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::eyeballs::connect;
use super::secured::{Secured, TlsSide};
use crate::http::Protocol;
use crate::tls::{self, Asked, ClientTls, Handshake};
use crate::upstream::Host;

/// A connection that stands.
pub(super) enum Reached {
    Clear(TcpStream),
    Secured(Box<Secured<TcpStream>>, Arc<TlsSide>),
}

impl Reached {
    /// This side's end of it.
    pub(super) fn local_address(&self) -> Option<SocketAddr> {
        match self {
            Self::Clear(io) => io.local_addr().ok(),
            Self::Secured(io, _) => io.local_address(),
        }
    }

    /// The other end of it.
    pub(super) fn remote_address(&self) -> Option<SocketAddr> {
        match self {
            Self::Clear(io) => io.peer_addr().ok(),
            Self::Secured(io, _) => io.remote_address(),
        }
    }

    /// Whether the handshake agreed on HTTP/2. In the clear there is nothing but to know it.
    pub(super) fn speaks_http2(&self) -> bool {
        match self {
            Self::Clear(_) => true,
            Self::Secured(io, _) => io.protocol() == Some(b"h2"),
        }
    }

    /// RFC 9113 §3.2: HTTP/2 is spoken only where it was agreed on.
    ///
    /// # Errors
    /// What was agreed on instead.
    pub(super) fn agreed_on_http2(self) -> Result<Self, Unreached> {
        let Self::Secured(io, _) = &self else { return Ok(self) };
        let instead = match io.protocol() {
            Some(b"h2") => return Ok(self),
            Some(protocol) => String::from_utf8_lossy(protocol).into_owned(),
            None => "no protocol".to_owned(),
        };
        let words = format!("the upstream agreed on {instead} by ALPN and not on h2");
        Err(Unreached { words: Some(words.replace(' ', "_")), error: io::Error::other(words) })
    }
}

/// Why there is none, and what logs say of it.
pub(super) struct Unreached {
    pub(super) error: io::Error,
    /// `None` where there is nothing to say but that it ended.
    pub(super) words: Option<String>,
}

/// Connects to `host` to speak `version`, and asks for `asked` where there is TLS.
pub(super) async fn reach(
    host: &Host,
    version: Protocol,
    tls: Option<&ClientTls>,
    asked: &Arc<Asked>,
) -> Result<Reached, Unreached> {
    let io = connect(&host.addresses).await;
    let io = io.map_err(|error| Unreached { words: Some(refused(&error)), error })?;
    // A request is written as soon as it is there; a refusal costs only speed.
    let _ = io.set_nodelay(true);
    let Some(tls) = tls else { return Ok(Reached::Clear(io)) };
    let stats = tls.stats();
    let handshake = host.handshake(version, tls, asked);
    let io = shake(io, handshake).await.map_err(|error| Unreached { words: stats.failed(&error), error })?;
    let (_, connection) = io.get_ref();
    let agreed = tls::facts(connection);
    stats.complete(&agreed, connection.handshake_kind() == Some(HandshakeKind::Resumed));
    let side = TlsSide::new(agreed, asked);
    Ok(Reached::Secured(Box::new(Secured::new(io, &side, stats)), side))
}

async fn shake(io: TcpStream, handshake: Handshake) -> io::Result<TlsStream<TcpStream>> {
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
