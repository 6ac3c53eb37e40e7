//! The probe's TLS: whom it trusts, what it offers, and what came out of a handshake.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, CommonState, DigitallySignedStruct, Error, NamedGroup, RootCertStore, SignatureScheme,
    client::{
        Resumption, WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    version,
};
use serde::Serialize;

use super::{
    certificate::Certificate,
    error::ProbeError,
    fault::TlsFault,
    usage::UsageError,
    witness::{Seen, Witness},
};

/// Whose certificates are accepted.
#[derive(Debug)]
pub(super) enum Trust {
    /// Those that lead to one of these roots.
    Roots(Arc<RootCertStore>),
    /// All (`--insecure`).
    Anything,
}

/// What a handshake agreed on.
#[derive(Clone, Debug, Serialize)]
pub(super) struct TlsFacts {
    pub(super) version: String,
    /// Unknown over QUIC when the server sends no ticket.
    pub(super) cipher_suite: Option<String>,
    pub(super) key_exchange: Option<String>,
    pub(super) alpn: Option<String>,
    /// Whether the certificate was verified against trusted roots.
    pub(super) verified: bool,
    pub(super) certificate: Option<Certificate>,
}

impl Trust {
    /// The roots in `file`, or the system's.
    pub(super) fn roots(file: Option<&Path>) -> Result<Self, UsageError> {
        let mut roots = RootCertStore::empty();
        let Some(path) = file else {
            let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            return if added == 0 { Err(UsageError::NoSystemRoots) } else { Ok(Self::Roots(roots.into())) };
        };
        let in_file = |source| UsageError::CaFile { path: path.to_owned(), source };
        for certificate in CertificateDer::pem_file_iter(path).map_err(in_file)? {
            // What webpki cannot use as a root is left out; a file with nothing else is an error.
            let _ = roots.add(certificate.map_err(in_file)?);
        }
        if roots.is_empty() { Err(UsageError::NoRoot { path: path.to_owned() }) } else { Ok(Self::Roots(roots.into())) }
    }

    fn verifier(&self, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, ProbeError> {
        match self {
            Self::Roots(roots) => {
                let builder = WebPkiServerVerifier::builder_with_provider(Arc::clone(roots), Arc::clone(provider));
                match builder.build() {
                    Ok(verifier) => Ok(verifier),
                    Err(error) => Err(tls_error(Error::General(error.to_string()))),
                }
            }
            Self::Anything => Ok(Arc::new(AcceptAnything { provider: Arc::clone(provider) })),
        }
    }
}

/// For TCP: TLS 1.3 and 1.2, offering `alpn`.
pub(super) fn tcp_config(trust: &Trust, alpn: &[&[u8]]) -> Result<(Arc<ClientConfig>, Arc<Witness>), ProbeError> {
    let (config, witness) = config(trust, alpn, &[&version::TLS13, &version::TLS12])?;
    Ok((Arc::new(config), witness))
}

/// For QUIC: TLS 1.3 only (RFC 9001 §4.2), `h3`, with 0-RTT where the server allows it.
pub(super) fn quic_config(trust: &Trust) -> Result<(Arc<ClientConfig>, Arc<Witness>), ProbeError> {
    let (mut config, witness) = config(trust, &[b"h3"], &[&version::TLS13])?;
    config.enable_early_data = true;
    Ok((Arc::new(config), witness))
}

fn config(
    trust: &Trust,
    alpn: &[&[u8]],
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> Result<(ClientConfig, Arc<Witness>), ProbeError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let witness = Arc::new(Witness::new(trust.verifier(&provider)?));
    let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).map_err(tls_error)?;
    let verifier: Arc<Witness> = Arc::clone(&witness);
    let mut config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    let sessions: Arc<Witness> = Arc::clone(&witness);
    config.resumption = Resumption::store(sessions);
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    Ok((config, witness))
}

/// The host as certificates name it.
pub(super) fn server_name(host: &str) -> Result<ServerName<'static>, UsageError> {
    ServerName::try_from(host.to_owned()).map_err(|_| UsageError::ServerName { host: host.to_owned() })
}

impl TlsFacts {
    /// Of a connection over TCP.
    pub(super) fn of_stream(state: &CommonState, trust: &Trust) -> Self {
        Self {
            version: match state.protocol_version() {
                Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2".into(),
                _ => "TLSv1.3".into(),
            },
            cipher_suite: state.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite())),
            key_exchange: state.negotiated_key_exchange_group().map(|group| group_name(group.name())),
            alpn: state.alpn_protocol().map(|protocol| String::from_utf8_lossy(protocol).into()),
            verified: matches!(trust, Trust::Roots(_)),
            certificate: state.peer_certificates().and_then(|chain| Certificate::of(chain.first()?)),
        }
    }

    /// Of a QUIC connection, from what the witness saw and what the connection gives.
    pub(super) fn of_quic(seen: &Seen, alpn: Option<&[u8]>, leaf: Option<&CertificateDer<'_>>, trust: &Trust) -> Self {
        Self {
            version: "TLSv1.3".into(),
            cipher_suite: seen.suite.map(|suite| format!("{suite:?}")),
            key_exchange: seen.group.map(group_name),
            alpn: alpn.map(|protocol| String::from_utf8_lossy(protocol).into()),
            verified: matches!(trust, Trust::Roots(_)),
            certificate: leaf.and_then(Certificate::of),
        }
    }
}

fn group_name(group: NamedGroup) -> String {
    format!("{group:?}")
}

fn tls_error(error: Error) -> ProbeError {
    ProbeError::Tls(TlsFault::Rustls(error))
}

/// `--insecure`: any certificate will do, but the server must hold its key.
#[derive(Debug)]
struct AcceptAnything {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AcceptAnything {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
