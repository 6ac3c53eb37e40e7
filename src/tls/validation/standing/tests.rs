//! Handshakes in memory, by a clock of our own.

use std::sync::Mutex;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs::{Ticketer, default_provider};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::server::{NoServerSessionStorage, ServerSessionMemoryCache};
use rustls::{
    ClientConfig, ClientConnection, Connection, DigitallySignedStruct, HandshakeKind, ServerConfig, ServerConnection,
    SignatureScheme, SupportedProtocolVersion, version,
};

use super::*;
use crate::config::Report;
use crate::config::proto::envoy::config::core::v3::{DataSource, data_source::Specifier};
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::CertificateValidationContext;
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::common_tls_context::ValidationContextType;
use crate::observe::stats::Store;
use crate::tls::Secrets;
use crate::tls::validation::{Belief, Clients};

/// Seconds of the year 2020.
#[derive(Debug, Default)]
struct Clock(Mutex<u64>);

impl Clock {
    fn set(&self, seconds: u64) {
        *self.0.lock().unwrap() = seconds;
    }
}

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        let since = 1_577_836_800 + *self.0.lock().unwrap();
        Some(UnixTime::since_unix_epoch(Duration::from_secs(since)))
    }
}

/// Believes everything.
#[derive(Debug)]
struct Credulous;

impl ServerCertVerifier for Credulous {
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
        default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// Where sessions are.
#[derive(Clone, Copy, Debug)]
enum Kept {
    InTickets,
    InStore,
}

struct Stage {
    clock: Arc<Clock>,
    server: Arc<ServerConfig>,
    /// With a certificate that ends with January.
    client: Arc<ClientConfig>,
}

impl Stage {
    fn new(version: &'static SupportedProtocolVersion, kept: Kept) -> Self {
        let clock = Arc::new(Clock::default());
        let provider = Arc::new(default_provider());
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.not_before = date_time_ymd(2019, 1, 1);
        let authority = CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
        let sign = |month| {
            let key = KeyPair::generate().unwrap();
            let mut parameters = CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
            parameters.not_before = date_time_ymd(2019, 1, 1);
            parameters.not_after = date_time_ymd(2020, month, 1);
            let certificate = parameters.signed_by(&key, &authority).unwrap();
            (vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        };
        let trusted = DataSource { specifier: Some(Specifier::InlineString(authority.pem())), ..DataSource::default() };
        let written =
            CertificateValidationContext { trusted_ca: Some(trusted), ..CertificateValidationContext::default() };
        let report = Report::new("test");
        let secrets = Secrets::build(&[], &Store::new().scope(""), report.at());
        let written = ValidationContextType::ValidationContext(written);
        let belief = Belief::of_context(Some(&written), &secrets, report.at()).unwrap();
        let clients = Clients { belief, required: true, provider: Arc::clone(&provider), stats: Arc::default() };
        let verifier = clients.verifier().unwrap();
        let (chain, key) = sign(12);
        let mut server = ServerConfig::builder_with_details(Arc::clone(&provider), Arc::clone(&clock) as Arc<_>)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_client_cert_verifier(Arc::clone(&verifier) as Arc<_>)
            .with_single_cert(chain, key)
            .unwrap();
        let clock_of = |clock: &Arc<Clock>| Arc::clone(clock) as Arc<dyn TimeProvider>;
        match kept {
            Kept::InTickets => {
                let sessions = Ticketer::new().unwrap();
                server.ticketer = Arc::new(Standing { clock: clock_of(&clock), ..standing(sessions, &verifier) });
                server.session_storage = Arc::new(NoServerSessionStorage {});
            }
            Kept::InStore => {
                let sessions: Arc<dyn StoresServerSessions> = ServerSessionMemoryCache::new(32);
                server.session_storage =
                    Arc::new(Standing { clock: clock_of(&clock), ..standing(sessions, &verifier) });
            }
        }
        let (chain, key) = sign(2);
        let client = ClientConfig::builder_with_details(provider, Arc::clone(&clock) as Arc<_>)
            .with_protocol_versions(&[version])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Credulous))
            .with_client_auth_cert(chain, key)
            .unwrap();
        Self { clock, server: Arc::new(server), client: Arc::new(client) }
    }

    /// The kind of a handshake, or what the server says of it.
    fn handshake(&self) -> Result<HandshakeKind, rustls::Error> {
        let name = ServerName::try_from("a.test").unwrap();
        let mut client = Connection::from(ClientConnection::new(Arc::clone(&self.client), name).unwrap());
        let mut server = Connection::from(ServerConnection::new(Arc::clone(&self.server)).unwrap());
        while client.wants_write() || server.wants_write() {
            pass(&mut client, &mut server)?;
            // What a client says of a server that refuses it is no news.
            let _ = pass(&mut server, &mut client);
        }
        Ok(server.handshake_kind().unwrap())
    }
}

fn pass(from: &mut Connection, to: &mut Connection) -> Result<(), rustls::Error> {
    let mut bytes = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut bytes).unwrap();
    }
    let mut bytes = bytes.as_slice();
    while !bytes.is_empty() {
        to.read_tls(&mut bytes).unwrap();
        to.process_new_packets()?;
    }
    Ok(())
}

#[test]
fn rfc8446_4_6_1_a_session_is_taken_up_while_the_certificate_stands_and_not_longer() {
    for version in [&version::TLS12, &version::TLS13] {
        for kept in [Kept::InTickets, Kept::InStore] {
            let stage = Stage::new(version, kept);
            let case = format!("{version:?} {kept:?}");
            assert_eq!(stage.handshake(), Ok(HandshakeKind::Full), "{case}");
            stage.clock.set(60);
            assert_eq!(stage.handshake(), Ok(HandshakeKind::Resumed), "{case}");
            // An hour before its end a new session begins, which would outlive it.
            stage.clock.set(DAY * 31 - 3600);
            stage.handshake().unwrap();
            stage.clock.set(DAY * 31 - 1800);
            assert_eq!(stage.handshake(), Ok(HandshakeKind::Resumed), "{case}");
            stage.clock.set(DAY * 31 + 1800);
            let refused = rustls::Error::InvalidCertificate(rustls::CertificateError::Expired);
            assert_eq!(stage.handshake(), Err(refused), "{case}");
        }
    }
}

const DAY: u64 = 86_400;

#[test]
fn what_is_no_session_is_not_taken_up() {
    let session = |chain: &[u8]| {
        let head = [&[0][..], &[3, 4, 0x13, 1], &[2, 9, 9], &[1]].concat();
        [head.as_slice(), chain, &[0], &[0, 0], &[0; 12]].concat()
    };
    assert_eq!(chain_in(&session(&[0])), Some(Vec::new()));
    let chain = [1, 0, 0, 9, 0, 0, 2, 7, 7, 0, 0, 1, 8];
    assert_eq!(chain_in(&session(&chain)).unwrap().len(), 2);
    let whole = session(&chain);
    for length in 0..whole.len() {
        assert_eq!(chain_in(&whole[..length]), None, "{length}");
    }
    assert_eq!(chain_in(&[whole.as_slice(), &[0]].concat()), None);
    assert_eq!(chain_in(&session(&[2])), None);
}
