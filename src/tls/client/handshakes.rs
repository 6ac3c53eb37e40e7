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

/// One host's handshakes by what is asked for, the ones of the last [`NAMES`]: all workers share them.
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
