//! A client that makes full handshakes for any name and checks that it got the certificate for it.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsConnector;

use crate::made::name;
use crate::support::deadline::within;

pub(crate) struct Visitor {
    address: SocketAddr,
    connector: TlsConnector,
}

impl Visitor {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let provider = default_provider();
        let witness = Witness(provider.signature_verification_algorithms);
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("the provider knows TLS 1.3")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(witness))
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        Self { address, connector: TlsConnector::from(Arc::new(config)) }
    }

    /// A handshake for the name of this number.
    pub(crate) async fn comes(&self, number: usize) {
        let stream = tokio::net::TcpStream::connect(self.address).await.expect("a listener");
        let name = ServerName::try_from(name(number)).expect("a host name");
        let mut stream =
            within("a handshake", self.connector.connect(name, stream)).await.expect("the right certificate");
        // The server has read all of the handshake when it is over.
        let _ = stream.shutdown().await;
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    }
}

/// Takes any certificate for the right name.
#[derive(Debug)]
struct Witness(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let leaf = rustls::server::ParsedCertificate::try_from(leaf)?;
        rustls::client::verify_server_name(&leaf, name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("only TLS 1.3 was offered".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
