//! A client that comes again: whether its session resumes.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, HandshakeKind};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::shown::{Over, Visitor};
use crate::edge::Edge;
use crate::support::client::{Client, Version};
use crate::support::deadline::within;
use crate::support::message::Request;
use crate::support::wire::tls;

/// How sessions are resumed: over which transport, and with which version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Tls12,
    Tls13,
    Quic,
}

impl By {
    pub(super) const ALL: [Self; 3] = [Self::Tls12, Self::Tls13, Self::Quic];

    fn over(self) -> Over {
        if self == Self::Quic { Over::Quic } else { Over::Tcp }
    }
}

/// A client with a memory.
pub(super) struct Guest {
    by: By,
    config: Arc<ClientConfig>,
}

impl Guest {
    pub(super) fn new(by: By) -> Self {
        Self::whose_clock_is_ahead(by, Duration::ZERO)
    }

    /// One that thinks that so much time has passed since its sessions began.
    fn whose_clock_is_ahead(by: By, ahead: Duration) -> Self {
        let versions = vec![if by == By::Tls12 { &TLS12 } else { &TLS13 }];
        let mut config = Visitor { versions, ..Visitor::default() }.believer(by.over());
        config.resumption = rustls::client::Resumption::default();
        config.alpn_protocols = vec![if by == By::Quic { b"h3".to_vec() } else { b"http/1.1".to_vec() }];
        config.time_provider = Arc::new(Ahead(ahead));
        Self { by, config: Arc::new(config) }
    }

    /// The same after a time.
    pub(super) fn after(&self, time: Duration) -> Self {
        let mut config = ClientConfig::clone(&self.config);
        config.time_provider = Arc::new(Ahead(time));
        Self { by: self.by, config: Arc::new(config) }
    }

    /// Comes, with what it remembers, and stays until it has new tickets. Whether its session was resumed.
    pub(super) async fn comes(&self, edge: &Edge) -> bool {
        if self.by != By::Quic {
            let stream = tls(edge.process.address("https"), Arc::clone(&self.config)).await;
            let mut stream = stream.expect("a handshake");
            let kind = stream.get_ref().1.handshake_kind();
            // With what is answered the tickets come.
            stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("sent");
            within("an answer", stream.read_u8()).await.expect("an answer");
            return kind == Some(HandshakeKind::Resumed);
        }
        let before = reused(edge).await;
        let client = Client::http3(edge.process.address("http3"), Arc::clone(&self.config)).await;
        let client = client.expect("a handshake");
        assert_eq!(client.send(Request::get("/")).await.status, 200);
        let reused = reused(edge).await - before;
        client.close().await;
        reused > 0
    }
}

/// Sessions that were resumed on any listener: nobody else is here.
async fn reused(edge: &Edge) -> i64 {
    let stats = edge.process.stats().await;
    stats.0.iter().filter(|(name, _)| name.ends_with("ssl.session_reused")).map(|(_, count)| count).sum()
}

#[derive(Debug)]
struct Ahead(Duration);

impl TimeProvider for Ahead {
    fn current_time(&self) -> Option<UnixTime> {
        let now = UnixTime::now().as_secs() + self.0.as_secs();
        Some(UnixTime::since_unix_epoch(Duration::from_secs(now)))
    }
}

/// A connection of that version by a client that believes everything and remembers nothing.
pub(super) async fn client(edge: &Edge, version: Version) -> Client {
    let over = if version == Version::Http3 { Over::Quic } else { Over::Tcp };
    let mut tls = Visitor::default().believer(over);
    tls.alpn_protocols = vec![version.alpn().into()];
    let tls = Arc::new(tls);
    let connected = match version {
        Version::Http1 => Client::http1(edge.process.address("https"), Some(tls)).await,
        Version::Http2 => Client::http2(edge.process.address("https"), Some(tls)).await,
        Version::Http3 => Client::http3(edge.process.address("http3"), tls).await,
    };
    connected.expect("a handshake")
}
