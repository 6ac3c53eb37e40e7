//! A certificate authority made for this run, and what clients need to trust it.

use std::sync::{Arc, OnceLock};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme, SupportedProtocolVersion,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};

/// The authority of this test run, and the certificate of every program under test.
pub(crate) struct Certificates {
    /// PEM of the authority's own certificate.
    pub(crate) authority: String,
    /// PEM of a certificate for `localhost`, `a.test` and `127.0.0.1`.
    pub(crate) certificate: String,
    /// PEM of its private key.
    pub(crate) key: String,
}

impl Certificates {
    /// Made at the first call, then shared by all tests of this process.
    pub(crate) fn of_this_run() -> &'static Self {
        static MADE: OnceLock<Certificates> = OnceLock::new();
        MADE.get_or_init(Self::make)
    }

    fn make() -> Self {
        let authority_key = KeyPair::generate().expect("a key for the authority");
        let authority =
            CertifiedIssuer::self_signed(authority_parameters(), authority_key).expect("a self-signed authority");
        let key = KeyPair::generate().expect("a key for the server");
        let names = ["localhost", "a.test", "127.0.0.1"].map(str::to_owned).to_vec();
        let certificate = CertificateParams::new(names)
            .and_then(|parameters| parameters.signed_by(&key, &authority))
            .expect("a certificate for localhost");
        Self { authority: authority.pem(), certificate: certificate.pem(), key: key.serialize_pem() }
    }

    /// PEM of the certificate of another authority, which has the same name and signed nothing.
    pub(crate) fn of_another_authority() -> String {
        Self::make().authority
    }

    /// A certificate that vouches for itself, as `openssl req -x509` makes it: PEM of it as authority, certificate and key.
    pub(crate) fn of_itself(ends: i32) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut parameters = authority_parameters();
        parameters.key_usages = Vec::new();
        parameters.not_after = rcgen::date_time_ymd(ends, 1, 1);
        let certificate = parameters.self_signed(&key).expect("a self-signed certificate").pem();
        Self { authority: certificate.clone(), certificate, key: key.serialize_pem() }
    }

    /// A client that trusts the authority and offers these protocols.
    pub(crate) fn client(&self, alpn: &[&str]) -> Arc<ClientConfig> {
        self.client_of(rustls::DEFAULT_VERSIONS, alpn)
    }

    /// The same, for these versions of TLS only.
    pub(crate) fn client_of(&self, versions: &[&'static SupportedProtocolVersion], alpn: &[&str]) -> Arc<ClientConfig> {
        client_trusting(roots(&self.authority), versions, alpn)
    }

    /// A client that trusts another authority, given as PEM, and offers these protocols.
    pub(crate) fn client_trusting(authority: &str, alpn: &[&str]) -> Arc<ClientConfig> {
        client_trusting(roots(authority), rustls::DEFAULT_VERSIONS, alpn)
    }

    /// A client that believes any certificate, whatever name it asks for.
    pub(crate) fn credulous_client(alpn: &[&str]) -> ClientConfig {
        let mut client = Arc::unwrap_or_clone(Self::distrustful_client(alpn));
        client.dangerous().set_certificate_verifier(Arc::new(Believer));
        client
    }

    /// A client that trusts nobody: it refuses the server's certificate.
    pub(crate) fn distrustful_client(alpn: &[&str]) -> Arc<ClientConfig> {
        client_trusting(RootCertStore::empty(), rustls::DEFAULT_VERSIONS, alpn)
    }
}

/// Believes whatever certificate it is shown.
#[derive(Debug)]
struct Believer;

impl ServerCertVerifier for Believer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// What an authority for tests is.
pub(crate) fn authority_parameters() -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, "test authority");
    parameters
}

/// The certificates of an authority, given as PEM.
pub(crate) fn roots(authority: &str) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(authority.as_bytes()).expect("the PEM of an authority");
    roots.add(authority).expect("the certificate of an authority");
    roots
}

fn client_trusting(
    roots: RootCertStore,
    versions: &[&'static SupportedProtocolVersion],
    alpn: &[&str],
) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut client = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .expect("the provider supports TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    client.alpn_protocols = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    Arc::new(client)
}
