//! A local CA of the test's own, and servers' TLS configurations under it.

use std::{sync::Arc, time::SystemTime};

use quicgate::server::local_ca::{self, LocalCa, Names};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

/// Made new for each test.
pub(crate) struct Identity {
    _dir: tempfile::TempDir,
    pub(crate) ca: LocalCa,
}

impl Identity {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ca = local_ca::ensure(dir.path(), &Names::loopback(), SystemTime::now()).unwrap();
        Self { _dir: dir, ca }
    }

    /// The CA's file, for `--cacert`.
    pub(crate) fn ca_file(&self) -> &str {
        self.ca.ca_cert.to_str().unwrap()
    }

    /// A server with the leaf, offering `alpn`, changed by `change`.
    pub(crate) fn server_config(&self, alpn: &[&str], change: impl FnOnce(&mut ServerConfig)) -> Arc<ServerConfig> {
        let builder = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into());
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        self.finish(builder, alpn, change)
    }

    /// The same with TLS 1.2 only.
    pub(crate) fn tls12_config(&self, alpn: &[&str]) -> Arc<ServerConfig> {
        let builder = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into());
        let builder = builder.with_protocol_versions(&[&rustls::version::TLS12]).unwrap();
        self.finish(builder, alpn, |_| {})
    }

    fn finish(
        &self,
        builder: rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier>,
        alpn: &[&str],
        change: impl FnOnce(&mut ServerConfig),
    ) -> Arc<ServerConfig> {
        let chain = vec![CertificateDer::from_pem_file(&self.ca.leaf_cert).unwrap()];
        let key = PrivateKeyDer::from_pem_file(&self.ca.leaf_key).unwrap();
        let mut config = builder.with_no_client_auth().with_single_cert(chain, key).unwrap();
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        change(&mut config);
        Arc::new(config)
    }
}
