//! A context as it is now, and how it is made anew when one of its certificates or keys is another.
//!
//! A handshake takes one [`Generation`] and keeps it to its end: what it was shown, what its session depends on and who may
//! resume it belong together. [`Live`] holds the latest; taking it is one load of a pointer.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::crypto::CryptoProvider;
use rustls::server::{NoServerSessionStorage, ProducesTickets};
use rustls::{ServerConfig, SignatureScheme, SupportedProtocolVersion};

use super::Transport;
use super::certificate::{Certificate, CertificateFacts};
use super::choice::{Choice, Options};
use super::expiry::{Expirations, Listed};
use super::key_log::KeyLogFile;
use super::rotation::{self, ContextStats, Source};
use super::sessions::{LIFETIME, Scope, ScopedSessions, SessionStore, TimedSessions};
use super::tickets::{TicketKeys, Tickets};
use super::validation::{ClientVerifier, Clients, standing};
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::downstream_tls_context::OcspStaplePolicy;
use crate::observe::access_log::Certificate as Told;
use crate::observe::stats;

/// What one handshake needs, from its beginning to its end.
#[derive(Debug)]
pub struct Generation {
    /// For rustls, or for quinn to wrap.
    pub config: Arc<ServerConfig>,
    choice: Arc<Choice>,
    certificates: Vec<Arc<Certificate>>,
    keys: Option<Arc<TicketKeys>>,
    clients: Option<Arc<ClientVerifier>>,
}

impl Generation {
    /// The certificates of which one is shown to a client that asks for this name, in lower case, where any stands for it.
    pub(super) fn for_name(&self, name: &str) -> impl Iterator<Item = &Arc<Certificate>> {
        self.choice.places(name).iter().filter_map(|place| self.certificates.get(*place as usize))
    }

    /// What a client that asked for this name was shown, where that is certain.
    pub(super) fn told(&self, name: Option<&str>) -> Option<Arc<Told>> {
        self.choice.told(name)
    }

    /// For `/certs`.
    pub(super) fn certificates(&self) -> Vec<CertificateFacts> {
        self.certificates.iter().map(|certificate| certificate.facts.clone()).collect()
    }
}

/// What a context is made of.
#[derive(Clone, Debug)]
pub(super) struct Recipe {
    pub(super) template: Template,
    pub(super) certificates: Vec<Listed>,
    pub(super) schemes: Option<Arc<[SignatureScheme]>>,
    pub(super) policy: OcspStaplePolicy,
    pub(super) options: Options,
    pub(super) sessions: Sessions,
    /// What sessions depend on beside the certificates, and what clients are asked for.
    pub(super) scope: Scope,
    pub(super) clients: Clients,
}

/// All that does not change.
#[derive(Clone, Debug)]
pub(super) struct Template {
    pub(super) provider: Arc<CryptoProvider>,
    pub(super) versions: Vec<&'static SupportedProtocolVersion>,
    pub(super) alpn: Vec<Vec<u8>>,
    pub(super) ignore_client_order: bool,
    pub(super) key_log: Option<Arc<KeyLogFile>>,
}

impl Template {
    fn config(
        &self,
        clients: Option<&Arc<ClientVerifier>>,
        choice: &Arc<Choice>,
    ) -> Result<ServerConfig, rustls::Error> {
        let builder =
            ServerConfig::builder_with_provider(Arc::clone(&self.provider)).with_protocol_versions(&self.versions)?;
        let builder = match clients {
            Some(clients) => builder.with_client_cert_verifier(Arc::clone(clients) as _),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::clone(choice) as _);
        config.alpn_protocols.clone_from(&self.alpn);
        config.ignore_client_order = self.ignore_client_order;
        if let Some(key_log) = &self.key_log {
            config.key_log = Arc::clone(key_log) as _;
        }
        Ok(config)
    }
}

/// How sessions resume.
#[derive(Clone)]
pub(super) struct Sessions {
    pub(super) transport: Transport,
    /// By tickets.
    pub(super) stateless: bool,
    /// By what this process remembers.
    pub(super) stateful: bool,
    pub(super) keys: Option<Arc<Source<TicketKeys>>>,
    /// What seals tickets where no keys are configured.
    pub(super) own: Option<Arc<dyn ProducesTickets>>,
    pub(super) lifetime: Option<Duration>,
    /// Where the sessions of QUIC are remembered.
    pub(super) store: Option<Arc<SessionStore>>,
}

impl Recipe {
    /// Whether it may be made anew some time.
    pub(super) fn changes(&self) -> bool {
        let keys = self.sessions.keys.as_ref().is_some_and(|keys| keys.changes());
        let belief = self.clients.belief.as_ref().is_some_and(|belief| belief.changes());
        keys || belief || self.certificates.iter().any(|listed| listed.source.changes())
    }

    fn certificates(&self) -> Vec<Arc<Certificate>> {
        self.certificates.iter().map(|listed| listed.source.now()).collect()
    }

    /// How often what was read for it was refused.
    fn refused(&self) -> u64 {
        let keys = self.sessions.keys.as_ref().map_or(0, |keys| keys.refused());
        let belief = self.clients.belief.as_ref().map_or(0, |belief| belief.refused());
        self.certificates.iter().map(|listed| listed.source.refused()).sum::<u64>() + keys + belief
    }

    fn generation(&self, certificates: Vec<Arc<Certificate>>) -> Result<Generation, rustls::Error> {
        let choice = Arc::new(Choice::new(&certificates, self.schemes.as_ref(), self.policy, self.options));
        let keys = self.sessions.keys.as_ref().map(|keys| keys.now());
        let clients = self.clients.verifier();
        let mut scope = self.scope;
        // A client that resumes shows no certificate: it has shown one to somebody who asked the same, or was asked for none.
        match &clients {
            Some(clients) => clients.bind(&mut scope),
            None => scope.bind("client authentication", "none"),
        }
        for certificate in certificates.iter().flat_map(|certificate| &certificate.certified.cert) {
            scope.bind("certificate", certificate);
        }
        let mut config = self.template.config(clients.as_ref(), &choice)?;
        self.sessions.set(&mut config, scope, keys.as_ref());
        if let Some(clients) = &clients {
            // The certificate of before has to stand still.
            config.ticketer = Arc::new(standing(config.ticketer, clients));
            config.session_storage = Arc::new(standing(config.session_storage, clients));
        }
        Ok(Generation { config: Arc::new(config), choice, certificates, keys, clients })
    }

    /// Whether a generation is what would be made now, of these certificates.
    fn is_made(&self, now: &Generation, certificates: &[Arc<Certificate>]) -> bool {
        let keys = self.sessions.keys.as_ref().map(|keys| keys.now());
        let believed = self.clients.belief.as_ref().map(|belief| belief.now());
        let clients = match (&believed, &now.clients) {
            (Some(believed), Some(clients)) => clients.goes_by(believed),
            (Some(believed), None) => !believed.asks(),
            (None, clients) => clients.is_none(),
        };
        clients
            && certificates.len() == now.certificates.len()
            && certificates.iter().zip(&now.certificates).all(|(one, other)| Arc::ptr_eq(one, other))
            && keys.as_ref().zip(now.keys.as_ref()).is_none_or(|(one, other)| Arc::ptr_eq(one, other))
    }
}

impl Sessions {
    /// As Envoy: tickets are what "stateless" is about, and all that TLS 1.3 has on TCP; the sessions of TLS 1.2 that have no
    /// ticket are what "stateful" is about. On QUIC sessions are remembered, unless there are keys for tickets.
    fn set(&self, config: &mut ServerConfig, scope: Scope, keys: Option<&Arc<TicketKeys>>) {
        let configured = keys.map(|keys| Arc::clone(keys) as Arc<dyn ProducesTickets>);
        let seal = configured.or_else(|| self.own.clone()).filter(|_| self.stateless);
        let tickets = |seal: Arc<dyn ProducesTickets>| {
            // Keys that this process makes end by themselves.
            let most = Duration::from_secs(u64::from(seal.lifetime()));
            let lifetime = self.lifetime.unwrap_or(OF_TICKETS).min(most);
            Arc::new(Tickets::new(seal, scope, lifetime))
        };
        let lifetime = self.lifetime.unwrap_or(LIFETIME);
        config.session_storage = match (self.transport, &self.store) {
            (Transport::Tcp, _) if self.stateful => Arc::new(TimedSessions::new(lifetime)),
            // rustls accepts early data only for sessions that it stores itself: a session taken out once is gone, which is
            // also what stops a replay of the handshake (RFC 8446 §8.1).
            (Transport::Quic { resumption: true, .. }, Some(store)) => {
                Arc::new(ScopedSessions::new(store, scope, lifetime))
            }
            _ => Arc::new(NoServerSessionStorage {}),
        };
        let (resumes, early) = match self.transport {
            Transport::Tcp => (seal.is_some(), false),
            Transport::Quic { resumption, early_data } => (resumption, early_data && seal.is_none()),
        };
        if let Some(seal) = seal.filter(|_| resumes) {
            config.ticketer = tickets(seal);
        }
        if !resumes {
            config.send_tls13_tickets = 0;
        }
        // RFC 9001 §4.6.1: on QUIC the only size is all or nothing.
        config.max_early_data_size = if resumes && early { u32::MAX } else { 0 };
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { transport, stateless, stateful, keys, own, lifetime, store: _ } = self;
        f.debug_struct("Sessions")
            .field("transport", transport)
            .field("stateless", stateless)
            .field("stateful", stateful)
            .field("keys", keys)
            .field("own", &own.is_some())
            .field("lifetime", lifetime)
            .finish_non_exhaustive()
    }
}

/// A context that may change.
pub(super) struct Live {
    recipe: Mutex<Recipe>,
    now: ArcSwap<Generation>,
    stats: OnceLock<(ContextStats, Expirations)>,
    /// How many refusals of its sources have been counted.
    refused: Mutex<u64>,
}

impl Live {
    /// # Errors
    /// What rustls says of a context in which no handshake is possible.
    pub(super) fn new(recipe: Recipe) -> Result<Arc<Self>, rustls::Error> {
        let now = ArcSwap::from_pointee(recipe.generation(recipe.certificates())?);
        Ok(Arc::new(Self { recipe: Mutex::new(recipe), now, stats: OnceLock::new(), refused: Mutex::new(0) }))
    }

    /// For a handshake that begins.
    pub(super) fn now(&self) -> Arc<Generation> {
        self.now.load_full()
    }

    /// Changes what it is made of.
    pub(super) fn alter(&self, alter: impl FnOnce(&mut Recipe)) {
        let mut recipe = self.recipe.lock().unwrap_or_else(PoisonError::into_inner);
        alter(&mut recipe);
        self.take(recipe.generation(recipe.certificates()));
    }

    /// Takes what was made into use, if it was.
    fn take(&self, made: Result<Generation, rustls::Error>) -> bool {
        // It could be made of the same parameters before.
        made.map(|made| self.now.store(Arc::new(made)))
            .inspect_err(|error| tracing::error!(%error, "a TLS context cannot be made anew: it stays as it was"))
            .is_ok()
    }

    /// Counts in the scope of a listener from now on.
    pub(super) fn count(&self, scope: &stats::Scope) {
        let recipe = self.recipe.lock().unwrap_or_else(PoisonError::into_inner);
        let expirations = Expirations::new(scope, &recipe.certificates);
        expirations.tell(&self.now().certificates);
        // A context belongs to one listener.
        let _ = self.stats.set((ContextStats::new(scope), expirations));
    }

    fn count_refusals(&self, refusals: u64) {
        let mut counted = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((stats, _)) = self.stats.get() {
            stats.refused.add(refusals.saturating_sub(*counted));
        }
        *counted = refusals;
    }
}

impl rotation::Context for Live {
    fn refresh(&self) {
        let recipe = self.recipe.lock().unwrap_or_else(PoisonError::into_inner);
        self.count_refusals(recipe.refused());
        let mut certificates = recipe.certificates();
        if let Some(bare) = unstapled(&certificates, recipe.policy) {
            let path = &bare.facts.path;
            tracing::warn!(
                path,
                "a certificate without the staple that MUST_STAPLE asks for is not shown: the last good one stays"
            );
            // Whom to believe, and keys, are taken up all the same.
            certificates.clone_from(&self.now().certificates);
        }
        if recipe.is_made(&self.now(), &certificates) {
            return;
        }
        let taken = self.take(recipe.generation(certificates));
        if let Some((stats, expirations)) = self.stats.get().filter(|_| taken) {
            stats.updated.inc();
            expirations.tell(&self.now().certificates);
        }
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let recipe = self.recipe.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("Live").field("recipe", &*recipe).field("now", &self.now()).finish_non_exhaustive()
    }
}

/// A certificate that lacks the staple that the policy asks for.
pub(super) fn unstapled(certificates: &[Arc<Certificate>], policy: OcspStaplePolicy) -> Option<&Arc<Certificate>> {
    let bare = certificates.iter().find(|certificate| certificate.staple.is_none());
    bare.filter(|_| policy == OcspStaplePolicy::MustStaple)
}

/// How long a ticket is good where nobody says so: as long as the keys that this process makes.
const OF_TICKETS: Duration = Duration::from_secs(12 * 60 * 60);
