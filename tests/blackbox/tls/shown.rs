//! What a server shows in its handshake to clients of every kind, over TCP and over QUIC.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use quinn::Endpoint;
use quinn::crypto::rustls::QuicClientConfig;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme, SupportedProtocolVersion};
use tokio_rustls::TlsConnector;

use crate::edge::Edge;
use crate::support::deadline::within;

/// What a client can, and what it asks for.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    /// `None` asks for no name.
    pub(crate) name: Option<&'static str>,
    pub(crate) schemes: Vec<SignatureScheme>,
    pub(crate) provider: CryptoProvider,
    pub(crate) versions: Vec<&'static SupportedProtocolVersion>,
}

/// What it saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    pub(crate) leaf: Vec<u8>,
    pub(crate) chain: usize,
    pub(crate) staple: Vec<u8>,
    /// With what the server signed.
    pub(crate) scheme: Option<SignatureScheme>,
    /// TLS over TCP only: quinn does not say.
    pub(crate) suite: Option<rustls::CipherSuite>,
    pub(crate) group: Option<rustls::NamedGroup>,
}

/// Where TLS is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    Tcp,
    Quic,
}

pub(crate) const BOTH: [Over; 2] = [Over::Tcp, Over::Quic];

impl Default for Visitor {
    fn default() -> Self {
        let provider = default_provider();
        let schemes = provider.signature_verification_algorithms.supported_schemes();
        Self { name: Some("localhost"), schemes, provider, versions: rustls::DEFAULT_VERSIONS.to_vec() }
    }
}

impl Visitor {
    pub(crate) fn asking_for(name: Option<&'static str>) -> Self {
        Self { name, ..Self::default() }
    }

    /// One that takes only signatures of RSA.
    pub(crate) fn of_rsa(name: Option<&'static str>) -> Self {
        let schemes = vec![SignatureScheme::RSA_PSS_SHA256, SignatureScheme::RSA_PKCS1_SHA256];
        Self { name, schemes, ..Self::default() }
    }

    /// What it is shown; `None` where there is no handshake.
    pub(crate) async fn visit(&self, edge: &Edge, over: Over) -> Option<Shown> {
        let witness = Arc::new(Witness { visitor: self.clone(), seen: Mutex::default() });
        let config = self.config(&witness, over);
        let agreed = match over {
            Over::Tcp => self.over_tcp(edge.process.address("https"), config).await?,
            Over::Quic => self.over_quic(edge.process.address("http3"), config).await?,
        };
        let seen = witness.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Some(Shown { suite: agreed.0, group: agreed.1, ..seen })
    }

    /// A client that believes everything.
    pub(crate) fn believer(&self, over: Over) -> ClientConfig {
        self.config(&Arc::new(Witness { visitor: self.clone(), seen: Mutex::default() }), over)
    }

    fn config(&self, witness: &Arc<Witness>, over: Over) -> ClientConfig {
        let versions = if over == Over::Tcp { self.versions.as_slice() } else { &[&rustls::version::TLS13] };
        let mut config = ClientConfig::builder_with_provider(Arc::new(self.provider.clone()))
            .with_protocol_versions(versions)
            .expect("a client that can do something")
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(witness) as Arc<dyn ServerCertVerifier>)
            .with_no_client_auth();
        config.enable_sni = self.name.is_some();
        config.resumption = Resumption::disabled();
        config.alpn_protocols = vec![if over == Over::Tcp { b"h2".to_vec() } else { b"h3".to_vec() }];
        config
    }

    async fn over_tcp(&self, address: SocketAddr, config: ClientConfig) -> Option<Agreed> {
        let stream = tokio::net::TcpStream::connect(address).await.expect("a listener");
        let name = ServerName::try_from(self.name.unwrap_or("localhost")).expect("a host name");
        let connecting = TlsConnector::from(Arc::new(config)).connect(name, stream);
        let stream = within("a TLS handshake", connecting).await.ok()?;
        let (_, tls) = stream.get_ref();
        let group = tls.negotiated_key_exchange_group().map(rustls::crypto::SupportedKxGroup::name);
        Some((tls.negotiated_cipher_suite().map(|suite| suite.suite()), group))
    }

    async fn over_quic(&self, address: SocketAddr, config: ClientConfig) -> Option<Agreed> {
        let config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(config).ok()?));
        let endpoint = Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).expect("a UDP socket");
        let connecting = endpoint.connect_with(config, address, self.name.unwrap_or("localhost")).ok()?;
        let connection = within("a QUIC handshake", connecting).await.ok()?;
        // A server that refuses the client's last flight says so after the client believed in the handshake.
        connection.close(0x100_u32.into(), b"");
        Some((None, None))
    }
}

type Agreed = (Option<rustls::CipherSuite>, Option<rustls::NamedGroup>);

/// Believes everything and remembers it.
#[derive(Debug)]
struct Witness {
    visitor: Visitor,
    seen: Mutex<Shown>,
}

impl Witness {
    fn signed(&self, signed: &DigitallySignedStruct) -> HandshakeSignatureValid {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).scheme = Some(signed.scheme);
        HandshakeSignatureValid::assertion()
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        staple: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        (seen.leaf, seen.chain, seen.staple) = (leaf.to_vec(), 1 + rest.len(), staple.to_vec());
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(self.signed(signed))
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(self.signed(signed))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.visitor.schemes.clone()
    }
}
