//! Handshakes with one host of a cluster, and what is remembered of them for the next.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

use super::proof::Proof;
use super::sessions::Sessions;
use super::{Asked, ClientTls};

/// What a handshake with one host needs.
#[derive(Clone, Debug)]
pub struct Handshake {
    /// For rustls, or for quinn to wrap.
    pub config: Arc<ClientConfig>,
    /// The name that is asked for, or the host's address, for which none is.
    pub server_name: ServerName<'static>,
    proof: Arc<Proof>,
}

impl Handshake {
    /// Verifies the certificate of a session that was resumed as that of a full handshake is: it may have expired since.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn verify_again(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> Result<(), rustls::Error> {
        let (leaf, intermediates) = chain.split_first().ok_or(rustls::Error::NoCertificatesPresented)?;
        self.proof.verify_server_cert(leaf, intermediates, &self.server_name, &[], now).map(drop)
    }
}

/// One host's handshakes by what is asked for, those of the last 64 names: all workers share them.
#[derive(Debug, Default)]
pub struct Handshakes {
    /// The one that was used last comes last.
    known: Mutex<VecDeque<(Arc<Asked>, Handshake)>>,
}

impl Handshakes {
    /// A handshake with the host at `host` that asks for `asked`.
    pub fn of(&self, tls: &ClientTls, asked: &Arc<Asked>, host: IpAddr) -> Handshake {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let place = known.iter().position(|(name, _)| name == asked);
        if let Some(found) = place.and_then(|place| known.remove(place)) {
            let handshake = found.1.clone();
            known.push_back(found);
            return handshake;
        }
        let handshake = tls.handshake(asked, host);
        // Names may be the clients' choice: no more of them are remembered than these.
        while known.len() >= NAMES {
            known.pop_front();
        }
        known.push_back((Arc::clone(asked), handshake.clone()));
        handshake
    }
}

impl ClientTls {
    /// A handshake that remembers nothing yet.
    fn handshake(&self, asked: &Asked, host: IpAddr) -> Handshake {
        let sni = asked.sni().filter(|_| self.auto_sni_san_validation);
        let proof =
            Arc::new(Proof { names: asked.san().into_iter().chain(sni).cloned().collect(), ..self.proof.clone() });
        let mut config = ClientConfig::clone(&self.config);
        // Sessions hold on to the verifier that their certificate has satisfied; rustls resumes none under another.
        config.dangerous().set_certificate_verifier(Arc::<Proof>::clone(&proof));
        config.resumption = Resumption::store(Arc::new(Sessions::new(self.max_session_keys)));
        Handshake { config: Arc::new(config), server_name: asked.server_name(host), proof }
    }
}

/// Names of one host whose sessions are kept.
const NAMES: usize = 64;

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use rcgen::{CertificateParams, KeyPair, date_time_ymd};
    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;
    use rustls::crypto::aws_lc_rs::default_provider;

    use super::*;
    use crate::observe::stats::Store;
    use crate::tls::{SslStats, Wanted};

    const HOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    /// A certificate for `a.test` that is valid in 2030.
    fn certificate() -> CertificateDer<'static> {
        let mut parameters = CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
        parameters.not_before = date_time_ymd(2030, 1, 1);
        parameters.not_after = date_time_ymd(2031, 1, 1);
        parameters.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    /// A context that trusts one certificate.
    fn context(trusted: &CertificateDer<'static>, stats: &SslStats) -> ClientTls {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.clone()).unwrap();
        let provider = Arc::new(default_provider());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_webpki_verifier(Arc::clone(&verifier))
            .with_no_client_auth();
        ClientTls {
            config: Arc::new(config),
            proof: Proof { context: verifier, names: Vec::new(), schemes: None, stats: stats.clone() },
            sni: None,
            auto_host_sni: false,
            auto_sni_san_validation: false,
            max_session_keys: 1,
            verifies: true,
        }
    }

    fn asked(tls: &ClientTls, name: &str) -> Arc<Asked> {
        Arc::new(tls.asked(Wanted { sni: Some(name), san: None }, ""))
    }

    #[test]
    fn who_asks_for_the_same_has_the_same_sessions_as_long_as_the_name_is_remembered() {
        let tls = context(&certificate(), &SslStats::new(&Store::new().scope("cluster.a")));
        let handshakes = Handshakes::default();
        let of = |name: &str| handshakes.of(&tls, &asked(&tls, name), HOST).config;
        let first = of("first.test");
        assert!(Arc::ptr_eq(&first, &of("FIRST.test")));
        assert!(!Arc::ptr_eq(&first, &of("other.test")));
        for number in 0..NAMES - 1 {
            of(&format!("{number}.test"));
            assert!(Arc::ptr_eq(&first, &of("first.test")), "what is used stays");
        }
        for number in 0..NAMES {
            of(&format!("{number}.test"));
        }
        assert_eq!(handshakes.known.lock().unwrap().len(), NAMES);
        assert!(!Arc::ptr_eq(&first, &of("first.test")));
    }

    #[test]
    fn rfc8446_4_6_1_a_session_proves_no_more_than_its_certificate_still_does() {
        let store = Store::new();
        let stats = SslStats::new(&store.scope("cluster.a"));
        let certificate = certificate();
        let tls = context(&certificate, &stats);
        let year = |year: u64| UnixTime::since_unix_epoch(Duration::from_secs((year - 1970) * 31_557_600 + 86_400));
        let handshake = Handshakes::default().of(&tls, &asked(&tls, "a.test"), HOST);
        assert_eq!(handshake.verify_again(std::slice::from_ref(&certificate), year(2030)), Ok(()));
        for (chain, now) in [(vec![certificate], year(2031)), (Vec::new(), year(2030))] {
            assert!(handshake.verify_again(&chain, now).is_err());
        }
    }
}
