//! Clients that use the address of somebody else: what goes there is at most three times what came from there (RFC 9000 §8.1).

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Endpoint, TransportConfig};
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio::net::UdpSocket;

use crate::edge::Edge;
use crate::settings::quic::{client, resumable};
use crate::support::backend::Backend;
use crate::support::certificates::{authority_parameters, roots};
use crate::support::client::Version;
use crate::support::deadline::{until, within};
use crate::support::message::Request;

/// A gateway with one worker whose certificates have more than 6 KiB, and the authority that vouches for them.
async fn with_long_certificates(backend: &Backend, options: &str) -> (Edge, String) {
    let issuer = CertifiedIssuer::self_signed(authority_parameters(), KeyPair::generate().expect("a key"));
    let issuer = issuer.expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let names = ["localhost".to_owned()].into_iter().chain((0..160).map(|number| format!("{number:060}.test")));
    let certificate = CertificateParams::new(names.collect::<Vec<_>>()).expect("names");
    let certificate = certificate.signed_by(&key, &issuer).expect("a certificate");
    assert!(certificate.der().len() > 6 << 10, "{} bytes", certificate.der().len());
    let inline = |pem: &str| format!("{{inline_string: {}}}", serde_json::Value::from(pem));
    let edge = Edge::altered(
        backend,
        &[
            ("{filename: \"${dir}/server.crt\"}", &inline(&certificate.pem())),
            ("{filename: \"${dir}/server.key\"}", &inline(&key.serialize_pem())),
            ("quic_options: {}}", &format!("quic_options: {options}}}\n    listener_filters: [{MANY_HALF_OPEN}]")),
        ],
    )
    .await;
    (edge, issuer.pem())
}

/// A client whose first flight is one datagram of so many bytes.
pub(crate) fn brief(authority: &str, size: u16) -> ClientConfig {
    let groups = vec![aws_lc_rs::kx_group::X25519];
    let provider = Arc::new(CryptoProvider { kx_groups: groups, ..aws_lc_rs::default_provider() });
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3")
        .with_root_certificates(roots(authority))
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h3".to_vec()];
    let mut configuration = ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).expect("TLS 1.3")));
    let mut transport = TransportConfig::default();
    transport.initial_mtu(size).min_mtu(size);
    configuration.transport_config(Arc::new(transport));
    configuration
}

/// The first datagrams of a client that nobody answers.
async fn first_flight(configuration: ClientConfig, datagrams: usize) -> Vec<Vec<u8>> {
    let catch = socket().await;
    let connecting = client().0.connect_with(configuration, address(&catch), "localhost").expect("an address");
    let mut flight = Vec::new();
    while flight.len() < datagrams {
        flight.push(within("a first flight", receive(&catch)).await);
    }
    drop(connecting);
    flight
}

pub(crate) async fn socket() -> UdpSocket {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a UDP socket")
}

pub(crate) fn address(socket: &UdpSocket) -> SocketAddr {
    socket.local_addr().expect("its address")
}

pub(crate) async fn receive(socket: &UdpSocket) -> Vec<u8> {
    let mut datagram = vec![0; 2048];
    let length = socket.recv(&mut datagram).await.expect("a datagram");
    datagram.truncate(length);
    datagram
}

/// What has come to a socket: bytes of datagrams.
pub(crate) fn received(socket: &UdpSocket) -> usize {
    std::iter::from_fn(|| socket.try_recv(&mut [0; 2048]).ok()).sum()
}

/// Waits until no handshake is under way any more, and what was sent at its end has been sent.
async fn over(edge: &Edge, handshakes: usize) {
    let handshakes = i64::try_from(handshakes).expect("a few");
    let failed = async || edge.process.stats().await.of("listener.127.0.0.1_0.downstream_pre_cx_timeout");
    until("the end of the handshakes", async || (failed().await == handshakes).then_some(())).await;
    // Whatever was to be sent went before this.
    for _ in 0..2 {
        let connection = client().0.connect_with(client().1, edge.process.address("http3"), "localhost");
        drop(within("an answer", connection.expect("an address")).await);
    }
}

#[tokio::test]
async fn rfc9000_8_1_an_address_gets_at_most_three_times_what_came_from_it() {
    let backend = Backend::echo().await;
    let (edge, authority) = with_long_certificates(&backend, "{crypto_handshake_timeout: 3s}").await;
    let gateway = edge.process.address("http3");
    let mut clients = Vec::new();
    for size in SIZES {
        let initial = first_flight(brief(&authority, size), 1).await.remove(0);
        assert_eq!(initial.len(), usize::from(size));
        let socket = socket().await;
        socket.send_to(&initial, gateway).await.expect("sent");
        clients.push((initial.len(), socket));
    }
    over(&edge, clients.len()).await;
    let mut most = 0.0_f64;
    for (size, socket) in &clients {
        let got = received(socket);
        assert!(got <= 3 * size, "{got} bytes for {size}");
        // The flight is longer than that: what is missing is less than a datagram.
        assert!(got + 1452 > 3 * size, "{got} bytes for {size}");
        most = most.max(f64::from(u32::try_from(got).expect("few")) / f64::from(u32::try_from(*size).expect("few")));
    }
    let dropped = async || edge.process.stats().await.of("listener.127.0.0.1_0.quic.amplification_dropped");
    let dropped = until("what was never sent", async || Some(dropped().await).filter(|count| *count > 0)).await;
    println!("sizes: {}, at most {most:.4} times what was sent, datagrams never sent: {dropped}", clients.len());
}

#[tokio::test]
async fn rfc9000_8_1_what_comes_from_elsewhere_makes_no_room() {
    let backend = Backend::echo().await;
    let (edge, authority) = with_long_certificates(&backend, "{crypto_handshake_timeout: 2s}").await;
    let gateway = edge.process.address("http3");
    let initial = first_flight(brief(&authority, 1200), 1).await.remove(0);
    let [victim, elsewhere] = [socket().await, socket().await];
    victim.send_to(&initial, gateway).await.expect("sent");
    until("an answer", async || victim.try_recv(&mut [0; 2048]).ok()).await;
    // quinn counts whatever has the id of the connection.
    for _ in 0..20 {
        elsewhere.send_to(&initial, gateway).await.expect("sent");
    }
    over(&edge, 1).await;
    let got = received(&victim);
    // One datagram was looked at above.
    assert!(got <= 2 * 1200, "{got} bytes more");
    assert_eq!(received(&elsewhere), 0);
}

#[tokio::test]
async fn rfc9000_8_1_long_certificates_pass_after_the_client_has_answered() {
    let backend = Backend::echo().await;
    let (edge, authority) = with_long_certificates(&backend, "{}").await;
    let endpoint = Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).expect("a UDP socket");
    for size in [1200, 1201, 1250, 1300, 1399, 1452] {
        let connecting = endpoint.connect_with(brief(&authority, size), edge.process.address("http3"), "localhost");
        let connection = within("a QUIC handshake", connecting.expect("an address")).await.expect("a connection");
        within("the control stream", connection.accept_uni()).await.expect("the connection stands");
    }
}

#[tokio::test]
async fn rfc9000_9_3_early_data_from_elsewhere_moves_no_handshake() {
    let backend = Backend::echo().await;
    let edge = Edge::altered(&backend, &[("quic_options: {}", "quic_options: {crypto_handshake_timeout: 2s}")]).await;
    let gateway = edge.process.address("http3");
    let (endpoint, configuration) = resumable(&edge).await;
    let [between, here, elsewhere] = [socket().await, socket().await, socket().await];
    let connecting = endpoint.connect_with(configuration, address(&between), "localhost").expect("an address");
    let Ok((connection, _)) = connecting.into_0rtt() else { panic!("no ticket") };
    let mut stream = within("a stream", connection.open_uni()).await.expect("a stream in early data");
    within("early data", stream.write_all(&[0; 8192])).await.expect("taken");
    let (mut from_here, mut from_elsewhere) = (0, 0);
    while from_elsewhere < 3 {
        let datagram = within("early data", receive(&between)).await;
        // RFC 9000 §17.2.3: 0-RTT, by itself. RFC 9287 §3: the bit 0x40 says nothing.
        if datagram.first().is_some_and(|first| first & 0xb0 == 0x90) {
            elsewhere.send_to(&datagram, gateway).await.expect("sent");
            from_elsewhere += 1;
        } else {
            here.send_to(&datagram, gateway).await.expect("sent");
            from_here += datagram.len();
        }
    }
    over(&edge, 1).await;
    let got = received(&here);
    assert!(0 < got && got <= 3 * from_here, "{got} bytes for {from_here}");
    assert_eq!(received(&elsewhere), 0);
    let served = edge.client(Version::Http3).await;
    assert_eq!(served.send(Request::get("/")).await.status, 200);
}

/// Bytes of a first flight: the least that QUIC allows to the most of a path of Ethernet with IPv6.
const SIZES: std::ops::RangeInclusive<u16> = 1200..=1452;

/// So that no handshake here begins with a Retry.
const MANY_HALF_OPEN: &str = "{name: limits, typed_config: {\"@type\": type.googleapis.com/quicgate.extensions.filters.listener.handshake_limits.v1.HandshakeLimits, half_open_before_retry: 1000}}";
