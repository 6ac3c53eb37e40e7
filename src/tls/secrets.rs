//! Secrets that TLS contexts refer to: by a name in the configuration, or in files of their own. And what of them may change.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use prost::Message as _;

use super::certificate::Certificate;
use super::expiry::Listed;
use super::rotation::{Context, Delivery, Material, Renewable, Rotation, SecretStats, Source};
use super::tickets::TicketKeys;
use super::validation::Trust;
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::secret::Type;
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::{CommonTlsContext, SdsSecretConfig, Secret};
use crate::config::{At, Invalid};
use crate::observe::stats::Scope;

/// The secrets of a configuration, by name.
#[derive(Debug)]
pub struct Secrets {
    held: HashMap<String, Result<Held, Invalid>>,
    /// Whether a name could not be read: any reference may mean that secret.
    nameless: bool,
    used: RefCell<HashSet<String>>,
    /// Those in files, each read once.
    delivered: RefCell<HashMap<Delivery, Held>>,
    /// What contexts describe themselves, by how they do: listeners on TCP and QUIC have the same, as a rule.
    described: RefCell<HashMap<Vec<u8>, Held>>,
    rotation: RefCell<Rotation>,
    stats: Scope,
}

/// A secret of any kind.
#[derive(Clone, Debug)]
pub(super) enum Held {
    Certificate(Arc<Source<Certificate>>),
    TicketKeys(Arc<Source<TicketKeys>>),
    Trust(Arc<Source<Trust>>),
}

/// A kind of secret that can be [`Held`].
pub(super) trait Kind: Material {
    fn hold(source: Arc<Source<Self>>) -> Held;

    /// `None` where it is of another kind.
    fn of_held(held: &Held) -> Option<&Arc<Source<Self>>>;
}

impl Kind for Certificate {
    fn hold(source: Arc<Source<Self>>) -> Held {
        Held::Certificate(source)
    }

    fn of_held(held: &Held) -> Option<&Arc<Source<Self>>> {
        match held {
            Held::Certificate(source) => Some(source),
            _ => None,
        }
    }
}

impl Kind for TicketKeys {
    fn hold(source: Arc<Source<Self>>) -> Held {
        Held::TicketKeys(source)
    }

    fn of_held(held: &Held) -> Option<&Arc<Source<Self>>> {
        match held {
            Held::TicketKeys(source) => Some(source),
            _ => None,
        }
    }
}

impl Kind for Trust {
    fn hold(source: Arc<Source<Self>>) -> Held {
        Held::Trust(source)
    }

    fn of_held(held: &Held) -> Option<&Arc<Source<Self>>> {
        match held {
            Held::Trust(source) => Some(source),
            _ => None,
        }
    }
}

impl Secrets {
    /// Builds the secrets of the field `secrets` of the message at `at`. All faults are reported, and what refers to a
    /// faulty secret is not reported as dangling. What is delivered in files is counted below `stats`, the root of all names.
    #[must_use]
    pub fn build(list: &[Secret], stats: &Scope, at: At<'_>) -> Self {
        let mut secrets = Self {
            held: HashMap::new(),
            nameless: list.is_empty() && at.field("secrets").is_tainted(),
            used: RefCell::default(),
            delivered: RefCell::default(),
            described: RefCell::default(),
            rotation: RefCell::default(),
            stats: stats.clone(),
        };
        for (at, written) in at.items("secrets", list) {
            let held = match &written.r#type {
                Some(Type::TlsCertificate(written)) => {
                    secrets.own::<Certificate>(written, at.field(Certificate::FIELD)).map(Held::Certificate)
                }
                Some(Type::SessionTicketKeys(written)) => {
                    secrets.own::<TicketKeys>(written, at.field(TicketKeys::FIELD)).map(Held::TicketKeys)
                }
                Some(Type::ValidationContext(written)) => {
                    secrets.own::<Trust>(written, at.field(Trust::FIELD)).map(Held::Trust)
                }
                Some(_) => Err(at.not_implemented()),
                None => Err(at.error("needs a `tls_certificate`, a `validation_context` or `session_ticket_keys`")),
            };
            if written.name.is_empty() {
                secrets.nameless = true;
                at.field("name").error("a secret needs a name to be referred to");
            } else if secrets.held.insert(written.name.clone(), held).is_some() {
                at.field("name").error(format_args!("there is another secret named `{}`", written.name));
            }
        }
        secrets
    }

    /// Remarks on secrets that nothing refers to; `at` is the place of the message with the field `secrets`.
    pub fn lint(&self, list: &[Secret], at: At<'_>) {
        let used = self.used.borrow();
        for (at, written) in at.items("secrets", list).filter(|(_, written)| !used.contains(&written.name)) {
            at.field("name").lint(format_args!("nothing refers to the secret `{}`", written.name));
        }
    }

    /// What of all this may change while the process runs.
    #[must_use]
    pub fn into_rotation(self) -> Rotation {
        self.rotation.into_inner()
    }

    /// The certificates of a `CommonTlsContext`, its own before those that it refers to.
    pub(super) fn certificates(&self, common: &CommonTlsContext, at: At<'_>) -> Result<Vec<Listed>, Invalid> {
        let own = at.each("tls_certificates", &common.tls_certificates, |at, written| {
            Ok(Listed { secret: None, source: self.own(written, at)? })
        });
        let configs = &common.tls_certificate_sds_secret_configs;
        let named = at.each("tls_certificate_sds_secret_configs", configs, |at, written| {
            Ok(Listed { secret: Some(written.name.as_str().into()), source: self.named(written, at)? })
        });
        Ok([own?, named?].concat())
    }

    /// What a context, or a secret of the configuration, describes itself.
    pub(super) fn own<M: Kind>(&self, written: &M::Written, at: At<'_>) -> Result<Arc<Source<M>>, Invalid> {
        let description = [M::FIELD.as_bytes(), &written.encode_to_vec()].concat();
        let known = self.described.borrow().get(&description).and_then(M::of_held).map(Arc::clone);
        if let Some(known) = known {
            return Ok(known);
        }
        // One that is faulty is told of wherever it stands.
        let source = self.watched(Source::written(written, at)?);
        self.described.borrow_mut().insert(description, M::hold(Arc::clone(&source)));
        Ok(source)
    }

    /// The secret that a context refers to.
    pub(super) fn named<M: Kind>(&self, written: &SdsSecretConfig, at: At<'_>) -> Result<Arc<Source<M>>, Invalid> {
        if written.sds_config.is_some() {
            return self.delivered(written, at);
        }
        self.used.borrow_mut().insert(written.name.clone());
        match self.held.get(&written.name) {
            Some(held) => of_kind(held.as_ref().map_err(|invalid| *invalid)?, &written.name, at),
            None if self.nameless => Err(at.given_up()),
            None => Err(self.dangling(&written.name, at)),
        }
    }

    fn dangling(&self, name: &str, at: At<'_>) -> Invalid {
        let mut known: Vec<_> = self.held.keys().map(String::as_str).collect();
        known.sort_unstable();
        at.field("name").dangling("secret", name, known.into_iter())
    }

    /// A secret in a file of its own.
    fn delivered<M: Kind>(&self, written: &SdsSecretConfig, at: At<'_>) -> Result<Arc<Source<M>>, Invalid> {
        let Some(config) = &written.sds_config else { return Err(at.given_up()) };
        let at_config = at.field("sds_config");
        let delivery = Delivery::new(&written.name, config, at_config)?;
        let known = self.delivered.borrow().get(&delivery).cloned();
        if let Some(held) = known {
            return of_kind(&held, &written.name, at);
        }
        let stats = SecretStats::new(&self.stats, &written.name);
        let source = Source::delivered(&delivery, stats, at_config.field("path_config_source.path"))?;
        let source = self.watched(source);
        self.delivered.borrow_mut().insert(delivery, M::hold(Arc::clone(&source)));
        Ok(source)
    }

    fn watched<M: Material>(&self, source: Arc<Source<M>>) -> Arc<Source<M>> {
        if source.changes() {
            self.rotation.borrow_mut().source(Arc::clone(&source) as Arc<dyn Renewable>);
        }
        source
    }

    /// Has something made anew when one of its sources changes: what it is made of has to be here before it.
    pub(super) fn rotate<C: Context + 'static>(&self, context: &Arc<C>) {
        self.rotation.borrow_mut().context(Arc::clone(context) as _);
    }
}

fn of_kind<M: Kind>(held: &Held, name: &str, at: At<'_>) -> Result<Arc<Source<M>>, Invalid> {
    M::of_held(held).map(Arc::clone).ok_or_else(|| {
        let needed = M::NAME;
        at.field("name").error(format_args!("the secret `{name}` is of another kind: it is to be {needed}"))
    })
}
