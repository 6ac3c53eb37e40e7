//! Where a session resumes, and where it does not.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Endpoint, VarInt};
use rustls::client::{ClientSessionStore, Resumption, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::ServerName;
use rustls::{HandshakeKind, NamedGroup};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::client::Early;
use super::{counted, until_handshakes};
use crate::edge::Edge;
use crate::settings::quic::{client, resumable};
use crate::support::backend::Backend;
use crate::support::certificates::Certificates;
use crate::support::client::Version;
use crate::support::deadline::{until, within};
use crate::support::message::Request;
use crate::support::program::Gateway;

/// What came of a client that came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resumed {
    /// Its handshake was as long as the first one, or failed.
    Not,
    WithoutEarlyData,
    WithEarlyData,
}

/// A client of `http3` that comes back to `listener`.
async fn comes_back(edge: &Edge, listener: &str) -> Resumed {
    let handshakes = counted(edge, "ssl.handshake").await;
    let (endpoint, configuration) = resumable(edge).await;
    until_handshakes(edge, handshakes + 1).await;
    let before = counted(edge, "ssl.session_reused").await;
    let connecting = endpoint.connect_with(configuration, edge.process.address(listener), "localhost");
    let (connection, accepted) = match connecting.expect("an address").into_0rtt() {
        Ok((connection, accepted)) => (connection, within("the end of the handshake", accepted).await),
        Err(connecting) => (within("the end of the handshake", connecting).await.expect("a connection"), false),
    };
    if connection.close_reason().is_some() {
        return Resumed::Not;
    }
    until_handshakes(edge, handshakes + 2).await;
    match (counted(edge, "ssl.session_reused").await - before, accepted) {
        (0, false) => Resumed::Not,
        (1, false) => Resumed::WithoutEarlyData,
        (1, true) => Resumed::WithEarlyData,
        other => panic!("resumed and accepted: {other:?}"),
    }
}

#[tokio::test]
async fn sessions_resume_where_that_is_enabled() {
    let backend = Backend::echo().await;
    for (fields, resumed) in [
        ("", Resumed::WithEarlyData),
        ("enable_resumption: true", Resumed::WithEarlyData),
        ("enable_early_data: false", Resumed::WithoutEarlyData),
        ("enable_resumption: false\n          enable_early_data: false", Resumed::Not),
    ] {
        let context = "          downstream_tls_context:";
        let edge = Edge::altered(&backend, &[(context, &format!("          {fields}\n{context}"))]).await;
        assert_eq!(comes_back(&edge, "http3").await, resumed, "{fields}");
        let asked = counted(&edge, "quic.early_data_accepted").await + counted(&edge, "quic.early_data_rejected").await;
        assert_eq!(asked, i64::from(resumed == Resumed::WithEarlyData), "{fields}");
    }
}

#[tokio::test]
async fn rfc9000_7_4_1_a_session_resumes_only_where_the_same_is_in_force() {
    let backend = Backend::echo().await;
    let manager = "          codec_type: HTTP3\n";
    let http3 = |options: &str| format!("{manager}          http3_protocol_options: {{{options}}}\n");
    let quic = |limit: &str| format!("quic_options: {{quic_protocol_options: {{{limit}}}}}");
    let stranger = Certificates::of_itself(2099);
    let inline = |text: &str| format!("{{inline_string: {text:?}}}");
    let certificate = [
        ("{filename: \"${dir}/server.crt\"}", inline(&stranger.certificate)),
        ("{filename: \"${dir}/server.key\"}", inline(&stranger.key)),
    ];
    let options = "quic_options: {}";
    for (changes, resumed) in [
        (vec![], Resumed::WithEarlyData),
        // What a session does not depend on.
        (vec![("stat_prefix: edge", "stat_prefix: other".to_owned())], Resumed::WithEarlyData),
        (vec![(options, quic("max_concurrent_streams: 99"))], Resumed::Not),
        (vec![(options, quic("initial_stream_window_size: 65536"))], Resumed::Not),
        (vec![(options, quic("initial_connection_window_size: 65536"))], Resumed::Not),
        (vec![(manager, http3("allow_extended_connect: true"))], Resumed::Not),
        (vec![(manager, http3("disable_qpack: true"))], Resumed::Not),
        (vec![(manager, http3("quic_protocol_options: {max_concurrent_streams: 99}"))], Resumed::Not),
        (vec![(manager, format!("{manager}          max_request_headers_kb: 30\n"))], Resumed::Not),
        (certificate.to_vec(), Resumed::Not),
    ] {
        let changes: Vec<_> = changes.iter().map(|(from, to)| (*from, to.as_str())).collect();
        let edge = Edge::beside(&Gateway::program(), &backend, &changes).await;
        assert_eq!(comes_back(&edge, "other").await, resumed, "{changes:?}");
        assert_eq!(comes_back(&edge, "http3").await, Resumed::WithEarlyData, "{changes:?}");
        let rejected = counted(&edge, "quic.early_data_rejected").await;
        assert_eq!(rejected, i64::from(resumed == Resumed::Not), "{changes:?}");
    }
}

/// Keeps the ticket that came last, for whatever transport it came over.
#[derive(Debug, Default)]
struct LastTicket {
    ticket: Mutex<Option<Tls13ClientSessionValue>>,
}

impl LastTicket {
    fn ticket(&self) -> std::sync::MutexGuard<'_, Option<Tls13ClientSessionValue>> {
        self.ticket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn until_there(&self) {
        until("a ticket", async || self.ticket().is_some().then_some(())).await;
    }
}

impl ClientSessionStore for LastTicket {
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        None
    }

    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {}

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _: ServerName<'static>, ticket: Tls13ClientSessionValue) {
        *self.ticket() = Some(ticket);
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.ticket().take()
    }
}

/// A client of both transports with one place for tickets.
struct Both {
    tls: Arc<rustls::ClientConfig>,
    tickets: Arc<LastTicket>,
    endpoint: Endpoint,
    quic: ClientConfig,
}

impl Both {
    fn new() -> Self {
        let tickets = Arc::<LastTicket>::default();
        let mut tls = Arc::unwrap_or_clone(Certificates::of_this_run().client(&["h3", "http/1.1"]));
        tls.resumption = Resumption::store(Arc::clone(&tickets) as Arc<dyn ClientSessionStore>);
        tls.enable_early_data = true;
        let tls = Arc::new(tls);
        let quic = ClientConfig::new(Arc::new(QuicClientConfig::try_from(Arc::clone(&tls)).expect("TLS 1.3")));
        Self { tls, tickets, endpoint: client().0, quic }
    }

    /// Asks over TCP, with the ticket that there is; whether it was taken, and whether early data was offered.
    async fn over_tcp(&self, address: SocketAddr) -> (bool, bool) {
        let offers = self.tickets.ticket().is_some();
        let stream = TcpStream::connect(address).await.expect("a TCP connection");
        let name = ServerName::try_from("localhost").expect("a name");
        let mut early = false;
        let connecting = TlsConnector::from(Arc::clone(&self.tls))
            .connect_with(name, stream, |tls| early = tls.early_data().is_some());
        let mut stream = within("a TLS handshake", connecting).await.expect("a connection");
        assert!(!offers || self.tickets.ticket().is_none(), "the ticket was not offered");
        // With what is answered the tickets come.
        stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("sent");
        within("an answer", stream.read_u8()).await.expect("an answer");
        self.tickets.until_there().await;
        (stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed), early)
    }

    /// The same over QUIC, where only the gateway knows.
    async fn over_quic(&self, edge: &Edge) -> bool {
        let before = counted(edge, "ssl.session_reused").await;
        let handshakes = counted(edge, "ssl.handshake").await;
        let connecting = self.endpoint.connect_with(self.quic.clone(), edge.process.address("http3"), "localhost");
        let connection = within("a QUIC handshake", connecting.expect("an address")).await.expect("a connection");
        until_handshakes(edge, handshakes + 1).await;
        within("the first stream", connection.accept_uni()).await.expect("the connection stands");
        self.tickets.until_there().await;
        counted(edge, "ssl.session_reused").await > before
    }
}

#[tokio::test]
async fn a_session_of_tcp_is_none_of_quic() {
    let backend = Backend::echo().await;
    let edge = Edge::start(&backend, crate::edge::ALL).await;
    let both = Both::new();
    let tcp = edge.process.address("https");
    // Each is offered the ticket that came last.
    assert_eq!(both.over_tcp(tcp).await, (false, false));
    assert_eq!(both.over_tcp(tcp).await, (true, false), "and nothing is early on TCP");
    assert!(!both.over_quic(&edge).await, "a ticket of TCP");
    assert!(both.over_quic(&edge).await, "its own");
    assert!(!both.over_tcp(tcp).await.0, "a session of QUIC");
    assert_eq!(both.over_tcp(tcp).await, (true, false));
}

#[tokio::test]
async fn a_client_that_resumed_may_resume_again() {
    let backend = Backend::echo().await;
    let edge = Edge::start(&backend, crate::edge::ALL).await;
    let (endpoint, configuration) = resumable(&edge).await;
    for turn in 0..5 {
        let mut early = Early::resume(&endpoint, configuration.clone(), edge.process.address("http3")).await;
        assert_eq!(early.get("/").await.read().await.0, 200);
        early.close();
        assert!(early.accepted.await, "{turn}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_at_once_has_had_its_handshake() {
    let backend = Backend::echo().await;
    let edge = Edge::start(&backend, crate::edge::ALL).await;
    for _ in 0..50 {
        let (endpoint, configuration) = client();
        let connecting = endpoint.connect_with(configuration, edge.process.address("http3"), "localhost");
        let connection = within("a QUIC handshake", connecting.expect("an address")).await.expect("a connection");
        connection.close(VarInt::from_u32(0x100), b"");
        within("the last words", endpoint.wait_idle()).await;
    }
    until_handshakes(&edge, 50).await;
    assert_eq!(counted(&edge, "ssl.connection_error").await, 0);
}

#[tokio::test]
async fn what_was_agreed_is_logged_and_counted_on_quic_as_on_tcp() {
    let backend = Backend::echo().await;
    let method = "method: \"%REQ(:METHOD)%\"";
    let agreed = "agreed: \"%DOWNSTREAM_TLS_VERSION% %DOWNSTREAM_TLS_CIPHER%\"";
    let edge = Edge::altered(&backend, &[(method, &format!("{method}\n                  {agreed}"))]).await;
    for version in [Version::Http2, Version::Http3] {
        assert_eq!(edge.client(version).await.send(Request::get("/")).await.status, 200);
    }
    let lines = edge.process.log("access.log").lines(2).await;
    assert!(lines.iter().all(|line| line["agreed"] == "TLSv1.3 TLS_AES_256_GCM_SHA384"), "{lines:?}");
    for name in ["versions.TLSv1.3", "ciphers.TLS_AES_256_GCM_SHA384", "curves.X25519MLKEM768", "handshake"] {
        assert_eq!(counted(&edge, &format!("ssl.{name}")).await, 2, "{name}");
    }
}
