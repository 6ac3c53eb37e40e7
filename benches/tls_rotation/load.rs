//! Clients that ask all the time.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::support::client::{Client, Version};
use crate::support::message::Request;
use crate::support::process::Process;

/// Requests of one version, over a connection that stays or over one each.
pub(crate) struct Load {
    pub(crate) process: Arc<Process>,
    pub(crate) version: Version,
    pub(crate) stays: bool,
}

/// What became of them.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) requests: u32,
    pub(crate) failures: u32,
    pub(crate) worst: Duration,
}

impl Load {
    pub(crate) async fn run(self, period: Duration, end: Instant) -> Tally {
        let mut tally = Tally::default();
        let mut turns = interval(period);
        turns.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut staying = None;
        while turns.tick().await < end {
            let began = Instant::now();
            let client = match staying.clone() {
                Some(client) => Ok(client),
                None => connect(&self.process, self.version, &Arc::default()).await,
            };
            tally.requests += 1;
            let answered = match &client {
                Ok(client) => client.send(Request::get("/")).await.status == 200,
                Err(_) => false,
            };
            tally.failures += u32::from(!answered);
            tally.worst = tally.worst.max(began.elapsed());
            // A connection that broke was counted, and is not asked again.
            staying = client.ok().filter(|_| self.stays && answered);
        }
        tally
    }
}

/// The certificate that a new connection is shown.
pub(crate) async fn shown(process: &Process, version: Version) -> Vec<u8> {
    let witness = Arc::new(Witness::default());
    connect(process, version, &witness).await.expect("a handshake");
    witness.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

async fn connect(process: &Process, version: Version, witness: &Arc<Witness>) -> io::Result<Client> {
    let mut tls = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("the provider knows TLS 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(witness) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    tls.resumption = Resumption::disabled();
    tls.alpn_protocols = vec![version.alpn().into()];
    let tls = Arc::new(tls);
    match version {
        Version::Http1 => Client::http1(process.address("https"), Some(tls)).await,
        Version::Http2 => Client::http2(process.address("https"), Some(tls)).await,
        Version::Http3 => Client::http3(process.address("http3"), tls).await,
    }
}

/// Believes everything, and remembers what it was shown.
#[derive(Debug, Default)]
struct Witness(Mutex<Vec<u8>>);

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = leaf.to_vec();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        // A certificate with the key of another would show here.
        let algorithms = default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider().signature_verification_algorithms.supported_schemes()
    }
}
