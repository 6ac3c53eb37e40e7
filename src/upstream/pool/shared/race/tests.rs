//! When HTTP/3 that has failed is tried again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::ALT_SVC;
use http::{HeaderMap, Version};
use quinn::crypto::rustls::QuicServerConfig;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::PrivateKeyDer;

use crate::config::Report;
use crate::config::proto::envoy::config::core::v3::AlternateProtocolsCacheOptions;
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::UpstreamTlsContext;
use crate::drain::Drain;
use crate::http::Body;
use crate::observe::stats::Store;
use crate::quic;
use crate::tls::{self, Secrets, SslStats, Transport};
use crate::upstream::alternatives::Caches;
use crate::upstream::cluster::HostCounts;
use crate::upstream::pool::tests::upstream;
use crate::upstream::pool::{Attempt, Pools};
use crate::upstream::{
    Alternatives, Cluster, ClusterId, ClusterStats, Clusters, Host, Http1, Http2, Http3, Limits, Naming, Origin, Trust,
    Versions,
};

/// HTTP/3 at this address, which answers 200 whatever comes.
fn serve_quic(address: SocketAddr) {
    let made = rcgen::generate_simple_self_signed(["a.test".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h3".to_vec()];
    let config = quinn::ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(config).unwrap()));
    let endpoint = quinn::Endpoint::server(config, address).unwrap();
    let drain = Drain::default();
    drain.clone().spawn_service("upstream", async move {
        while let Some(incoming) = endpoint.accept().await {
            let Ok(connection) = incoming.await else { continue };
            drain.spawn_service("connection", async move {
                // RFC 9114 §6.2.1: a control stream with empty SETTINGS.
                let mut control = connection.open_uni().await.unwrap();
                control.write_all(&[0, 4, 0]).await.unwrap();
                while let Ok((mut sender, mut receiver)) = connection.accept_bi().await {
                    drop(receiver.read_to_end(4096).await);
                    // HEADERS with the static entry 25 of QPACK: 200.
                    sender.write_all(&[1, 3, 0, 0, 0xd9]).await.unwrap();
                    sender.finish().unwrap();
                }
            });
        }
    });
}

/// A cluster with one host that is served by TCP, and has announced HTTP/3 at the same port.
fn both(address: SocketAddr) -> (Clusters, ClusterId, Arc<Alternatives>) {
    let report = Report::new("test");
    let at = report.at();
    let stats = Store::new().scope("cluster.both");
    let (context, secrets, ssl) =
        (UpstreamTlsContext::default(), Secrets::build(&[], &stats, at), SslStats::new(&stats));
    let tcp = tls::client(&context, Transport::Tcp, &secrets, &ssl, at).unwrap();
    let over_quic = Transport::Quic { resumption: false, early_data: false };
    let tls = tls::client(&context, over_quic, &secrets, &ssl, at).unwrap();
    let options = AlternateProtocolsCacheOptions { name: "learnt".to_owned(), ..Default::default() };
    let alternatives = Caches::default().cache(&options, at).unwrap();
    let fields: HeaderMap = [(ALT_SVC, format!("h3=\":{}\"", address.port()).parse().unwrap())].into_iter().collect();
    alternatives.learn(&Origin::Address(address), &fields, Instant::now());
    let http2 = Http2 { tls: Some(tcp.clone()), max_streams: 1, ..Http2::default() };
    let host = Host {
        address,
        addresses: vec![address],
        hostname: String::new(),
        weight: 1,
        locality: Default::default(),
        counts: HostCounts::default(),
        asked: Arc::default(),
        handshakes: Default::default(),
    };
    let mut clusters = Clusters::default();
    let id = clusters.add(Cluster {
        name: Arc::from("both"),
        connect_timeout: Duration::from_secs(20),
        versions: Versions::Announced {
            http1: Http1 { tls: Some(tcp), ..Http1::default() },
            http2,
            http3: Box::new(Http3 { upstream: quic::upstream(&tls, None, at).unwrap(), qpack: false }),
            alternatives: Arc::clone(&alternatives),
        },
        limits: Limits::default(),
        naming: Naming::default(),
        max_connections: 8,
        max_requests: 8,
        max_pending_requests: 8,
        hosts: vec![Arc::new(host)],
        stats: ClusterStats::new(&stats, 1),
    });
    (clusters, id.unwrap(), alternatives)
}

/// What was spoken for a request.
async fn spoken(pools: &Pools, id: ClusterId) -> Version {
    let request = http::Request::get("https://a.test/").header("host", "a.test").body(Body::Empty).unwrap();
    let mut attempt = Attempt::default();
    let (_, lease) = pools.pool(id).unwrap().send(request, &mut attempt).await.unwrap();
    drop(lease);
    attempt.version.unwrap()
}

#[tokio::test]
async fn what_has_failed_is_tried_again_after_its_time_and_a_connection_that_works_is_used_all_the_while() {
    let address = upstream().await;
    serve_quic(address);
    let (clusters, id, alternatives) = both(address);
    let stats = &clusters.iter().next().unwrap().stats;
    let health = Arc::clone(&alternatives.find(&Origin::Address(address), Instant::now()).unwrap().health);
    let pools = Pools::new(&clusters, &Drain::default(), 0);
    // It has failed now: nobody tries it.
    assert!(health.failed(Instant::now(), 0.0));
    for _ in 0..3 {
        assert_eq!(spoken(&pools, id).await, Version::HTTP_11);
    }
    assert_eq!(stats.cx_http3_total.value(), 0);
    // It has failed some time ago: it is tried beside TCP, and serves once it stands.
    health.works();
    assert!(health.failed(Instant::now().checked_sub(Duration::from_secs(301)).unwrap(), 0.0));
    assert_eq!(health.trust(Instant::now()), Trust::Doubtful);
    while spoken(&pools, id).await != Version::HTTP_3 {}
    assert_eq!((health.trust(Instant::now()), stats.cx_http3_total.value()), (Trust::Good, 1));
    // It fails for another worker: this one goes on.
    assert!(health.failed(Instant::now(), 0.0));
    assert_eq!(spoken(&pools, id).await, Version::HTTP_3);
    let other = Pools::new(&clusters, &Drain::default(), 0);
    assert_eq!(spoken(&other, id).await, Version::HTTP_11);
    assert_eq!((stats.cx_http3_total.value(), stats.http3_broken.value()), (1, 0));
}
