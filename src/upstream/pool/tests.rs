//! A pool whose places are all taken by connections that wait for other names.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{Attempt, Lease, Pools};
use crate::config::Report;
use crate::config::proto::envoy::config::core::v3::UpstreamHttpProtocolOptions;
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::UpstreamTlsContext;
use crate::drain::Drain;
use crate::http::{Body, Failure, Response};
use crate::observe::stats::Store;
use crate::tls::{self, Secrets, SslStats, Transport};
use crate::upstream::cluster::HostCounts;
use crate::upstream::{Cluster, ClusterId, ClusterStats, Clusters, Codec, Host, Http1, Limits, Naming, Versions};

/// An upstream under TLS that answers whatever comes.
pub(super) async fn upstream() -> SocketAddr {
    let made = rcgen::generate_simple_self_signed(["a.test".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let drain = Drain::default();
    drain.clone().spawn_service("upstream", async move {
        while let Ok((io, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            drain.spawn_service("connection", async move {
                let Ok(mut io) = acceptor.accept(io).await else { return };
                while io.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {
                    io.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
                }
            });
        }
    });
    address
}

/// A cluster with room for one connection, whose requests choose names.
fn narrow(address: SocketAddr) -> (Clusters, ClusterId) {
    let report = Report::new("test");
    let stats = Store::new().scope("cluster.narrow");
    let (context, secrets) = (UpstreamTlsContext::default(), Secrets::build(&[], &stats, report.at()));
    let tls = tls::client(&context, Transport::Tcp, &secrets, &SslStats::new(&stats), report.at()).unwrap();
    let by_request = UpstreamHttpProtocolOptions { auto_sni: true, ..UpstreamHttpProtocolOptions::default() };
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
        name: Arc::from("narrow"),
        connect_timeout: Duration::from_secs(20),
        versions: Versions::One(Codec::Http1(Http1 { tls: Some(tls), ..Http1::default() })),
        limits: Limits::default(),
        naming: Naming::build(&by_request, report.at()).unwrap(),
        max_connections: 1,
        max_requests: 1,
        max_pending_requests: 1,
        hosts: vec![Arc::new(host)],
        stats: ClusterStats::new(&stats, 1),
    });
    (clusters, id.unwrap())
}

async fn ask(pools: &Pools, id: ClusterId, name: &str) -> Result<(Response, Lease), Failure> {
    let request = http::Request::get("/").header("host", name).body(Body::Empty).unwrap();
    pools.pool(id).unwrap().send(request, &mut Attempt::default()).await
}

#[tokio::test]
async fn a_name_gets_the_place_of_a_connection_that_waits_for_another_but_not_of_one_that_is_used() {
    let (clusters, id) = narrow(upstream().await);
    let pools = Pools::new(&clusters, &Drain::default(), 0);
    for name in ["a.test", "b.test", "a.test"] {
        let (response, lease) = ask(&pools, id, name).await.unwrap();
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "ok", "{name}");
        lease.finish();
    }
    let stats = &clusters.iter().next().unwrap().stats;
    assert_eq!((stats.cx_total.value(), stats.cx_destroy_local.value(), stats.cx_overflow.value()), (3, 2, 0));
    let used = ask(&pools, id, "a.test").await.unwrap();
    assert!(matches!(ask(&pools, id, "b.test").await, Err(Failure::Overflow)));
    assert_eq!((stats.cx_total.value(), stats.cx_overflow.value()), (3, 1));
    drop(used);
}

#[tokio::test]
async fn a_tunnel_gets_the_place_of_a_connection_that_waits_for_the_same_name() {
    let (clusters, id) = narrow(upstream().await);
    let pools = Pools::new(&clusters, &Drain::default(), 0);
    let (response, lease) = ask(&pools, id, "a.test").await.unwrap();
    response.into_body().collect().await.unwrap();
    lease.finish();
    let fields = http::HeaderMap::from_iter([(http::header::HOST, http::HeaderValue::from_static("a.test"))]);
    let tunnel = pools.pool(id).unwrap().connect(&fields, &mut Attempt::default()).await;
    assert!(tunnel.is_ok(), "{:?}", tunnel.err());
}
