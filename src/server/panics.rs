//! What becomes of an edge where something below quinn panics: a socket that panics when it receives [`TRAP`] stands for it.

use std::io::{self, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use quinn::crypto::rustls::QuicClientConfig;
use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncTimer, AsyncUdpSocket, Connection, Endpoint, Runtime, TokioRuntime, UdpPoller};

use super::boot;
use super::workers::Workers;
use crate::config::{Leniency, Source};
use crate::listener::Kind;

/// tokio, with sockets that panic.
#[derive(Debug)]
struct Trapped;

impl Runtime for Trapped {
    fn new_timer(&self, at: Instant) -> Pin<Box<dyn AsyncTimer>> {
        TokioRuntime.new_timer(at)
    }

    fn spawn(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>) {
        TokioRuntime.spawn(task);
    }

    fn wrap_udp_socket(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        Ok(Arc::new(TrappedSocket(TokioRuntime.wrap_udp_socket(socket)?)))
    }
}

#[derive(Debug)]
struct TrappedSocket(Arc<dyn AsyncUdpSocket>);

impl AsyncUdpSocket for TrappedSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Arc::clone(&self.0).create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.0.try_send(transmit)
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let received = self.0.poll_recv(context, buffers, metas);
        if let Poll::Ready(Ok(count)) = received {
            let sprung =
                buffers.iter().zip(&*metas).take(count).any(|(buffer, meta)| buffer[..meta.len].ends_with(TRAP));
            assert!(!sprung, "on purpose");
        }
        received
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    fn max_receive_segments(&self) -> usize {
        self.0.max_receive_segments()
    }
}

/// An edge with two workers, and what a client needs.
struct Rig {
    built: boot::Built,
    workers: Workers,
    address: SocketAddr,
    client: Endpoint,
}

impl Rig {
    fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let indented = |pem: String| pem.replace('\n', "\\n");
        let (certificate, key) = (indented(made.cert.pem()), indented(made.signing_key.serialize_pem()));
        let text = EDGE.replace("CERTIFICATE", &certificate).replace("KEY", &key);
        let mut built = boot::build(&[Source::Text { name: "edge".to_owned(), text }], Leniency::default(), 2).unwrap();
        let listener = built.listeners.first_mut().and_then(Arc::get_mut).unwrap();
        let Kind::Quic(settings) = &mut listener.kind else { panic!("a QUIC listener") };
        settings.runtime = Arc::new(Trapped);
        let bound = built.listeners[0].bind(2).unwrap();
        let workers = Workers::start(bound.workers, &built.clusters).unwrap();

        let mut roots = rustls::RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap();
        let mut tls = tls.with_root_certificates(roots).with_no_client_auth();
        tls.alpn_protocols = vec![b"h3".to_vec()];
        let mut client = Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        client.set_default_client_config(quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap())));
        Self { built, workers, address: bound.addresses[0], client }
    }

    async fn connections(&self) -> Vec<Connection> {
        let mut connections = Vec::new();
        for _ in 0..CLIENTS {
            connections.push(within(self.client.connect(self.address, "localhost").unwrap()).await.unwrap());
        }
        connections
    }

    /// Waits until a counter of the listener has this value.
    async fn reaches(&self, name: &str, value: u64) {
        while self.counted(name) < value {
            tokio::task::yield_now().await;
        }
        assert_eq!(self.counted(name), value);
    }

    fn counted(&self, name: &str) -> u64 {
        let address = self.built.listeners[0].addresses[0].to_string().replace(':', "_");
        self.built.stats.scope(&format!("listener.{address}")).counter(name).value()
    }
}

async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), what).await.expect("it takes too long")
}

/// Whether a request is answered on it.
async fn is_served(connection: &Connection) -> bool {
    let Ok((mut driver, mut requests)) = h3::client::new(h3_quinn::Connection::new(connection.clone())).await else {
        return false;
    };
    let asked = async {
        let mut stream =
            requests.send_request(http::Request::get("https://localhost/").body(()).unwrap()).await.ok()?;
        stream.finish().await.ok()?;
        stream.recv_response().await.ok()
    };
    let answer = tokio::select! {
        answer = asked => answer,
        _ = std::future::poll_fn(|cx| driver.poll_close(cx)) => None,
    };
    answer.is_some_and(|answer| answer.status() == http::StatusCode::OK)
}

#[tokio::test]
async fn a_panic_below_an_endpoint_costs_a_datagram_and_nobody_notices() {
    let rig = Rig::new();
    for round in 1..=3 {
        let connections = rig.connections().await;
        let trap = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        trap.send_to(&[[0x40].as_slice(), &rand::random::<[u8; 8]>(), TRAP].concat(), rig.address).unwrap();
        within(rig.reaches("quic.panics", round)).await;
        for connection in &connections {
            assert!(within(is_served(connection)).await, "round {round}: {:?}", connection.close_reason());
            connection.close(0x100_u32.into(), b"");
        }
    }
    assert_eq!(within(rig.workers.drain(Duration::from_secs(20))).await, 0);
}

const CLIENTS: usize = 24;

const TRAP: &[u8] = b"this is a trap";

const EDGE: &str = r#"
static_resources:
  listeners:
  - address: {socket_address: {protocol: UDP, address: 127.0.0.1, port_value: 0}}
    udp_listener_config: {quic_options: {}}
    filter_chains:
    - transport_socket:
        name: quic
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.quic.v3.QuicDownstreamTransport
          downstream_tls_context:
            common_tls_context:
              tls_certificates:
              - {certificate_chain: {inline_string: "CERTIFICATE"}, private_key: {inline_string: "KEY"}}
      filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: edge
          codec_type: HTTP3
          http_filters:
          - name: router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - {name: all, domains: ["*"], routes: [{match: {prefix: /}, direct_response: {status: 200}}]}
"#;
