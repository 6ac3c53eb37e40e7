//! Handshakes in which what is configured of TLS panics.

use std::net::Ipv4Addr;
use std::sync::Arc;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ConnectionError, Endpoint};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::*;
use crate::observe::stats::Store;

/// Shows a certificate, but panics for one name.
#[derive(Debug)]
struct Trapped(Arc<CertifiedKey>);

impl ResolvesServerCert for Trapped {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        assert_ne!(hello.server_name(), Some("trap.test"), "on purpose");
        Some(Arc::clone(&self.0))
    }
}

#[tokio::test]
async fn a_panic_in_a_handshake_costs_that_handshake() {
    let names = ["localhost", "trap.test"].map(str::to_owned).to_vec();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let key = default_provider().key_provider.load_private_key(key).unwrap();
    let key = Arc::new(CertifiedKey::new(vec![made.cert.der().clone()], key));
    let versions = &[&rustls::version::TLS13];
    let tls = rustls::ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Trapped(key)));
    let store = Store::new();
    let scope = store.scope("listener.x");
    let inner = QuicServerConfig::try_from(tls).unwrap();
    let watched = Watched::new(inner, EarlyDataStats::new(&scope), Panics::new(&scope));
    let here = (Ipv4Addr::LOCALHOST, 0).into();
    let server = Endpoint::server(quinn::ServerConfig::with_crypto(Arc::new(watched)), here).unwrap();

    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut client = Endpoint::client(here).unwrap();
    client.set_default_client_config(quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap())));

    for (name, stands) in [("trap.test", false), ("localhost", true)] {
        let connecting = client.connect(server.local_addr().unwrap(), name).unwrap();
        let accepting = async { server.accept().await.unwrap().await };
        let (connected, accepted) = tokio::join!(connecting, accepting);
        assert_eq!((connected.is_ok(), accepted.is_ok()), (stands, stands), "{name}");
        if let Err(error) = connected {
            let ConnectionError::ConnectionClosed(close) = &error else { panic!("{error}") };
            assert_eq!(close.error_code, TransportErrorCode::INTERNAL_ERROR);
        }
        assert_eq!(scope.counter("quic.panics").value(), 1, "{name}");
    }
}
