//! When the certificates of a context end: `ssl.certificate.<name>.expiration_unix_time_seconds`, in Envoy's names.
//!
//! A certificate that is a secret has the secret's name. All others have one name, as in Envoy; where several certificates
//! of a context have the same, the gauge tells of the one that ends first.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use super::certificate::Certificate;
use super::rotation::{Context, Source};
use crate::observe::stats::{Gauge, Scope};

/// A certificate that a context refers to.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    /// Of the secret; `None` for one that the context has itself.
    pub(super) secret: Option<Arc<str>>,
    pub(super) source: Arc<Source<Certificate>>,
}

/// The gauges of a context.
#[derive(Debug)]
pub(super) struct Expirations {
    /// Each with the places of its certificates.
    gauges: Vec<(Gauge, Vec<usize>)>,
}

impl Expirations {
    /// `scope` is that of the listener or cluster.
    pub(super) fn new(scope: &Scope, certificates: &[Listed]) -> Self {
        let scope = scope.scope("ssl.certificate");
        let mut named: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (place, Listed { secret, .. }) in certificates.iter().enumerate() {
            named.entry(secret.as_deref().unwrap_or(UNNAMED)).or_default().push(place);
        }
        let gauge = |name: &str| scope.scope(name).gauge("expiration_unix_time_seconds");
        Self { gauges: named.into_iter().map(|(name, places)| (gauge(name), places)).collect() }
    }

    /// Tells of these, in the order in which they are listed.
    pub(super) fn tell(&self, certificates: &[Arc<Certificate>]) {
        for (gauge, places) in &self.gauges {
            let ends = places.iter().filter_map(|place| certificates.get(*place)).map(|one| one.facts.expires).min();
            let seconds = ends.and_then(|ends| ends.duration_since(SystemTime::UNIX_EPOCH).ok());
            gauge.set(seconds.map_or(0, |seconds| seconds.as_secs()));
        }
    }
}

/// The certificate that a cluster shows, told of anew when it is another.
#[derive(Debug)]
pub(super) struct Told {
    listed: Listed,
    expirations: Expirations,
}

impl Told {
    /// `scope` is the cluster's.
    pub(super) fn new(listed: Listed, scope: &Scope) -> Arc<Self> {
        let expirations = Expirations::new(scope, std::slice::from_ref(&listed));
        let told = Arc::new(Self { listed, expirations });
        told.refresh();
        told
    }
}

impl Context for Told {
    fn refresh(&self) {
        self.expirations.tell(&[self.listed.source.now()]);
    }
}

/// What Envoy calls all certificates that have no name: it makes one of the digest of nothing.
const UNNAMED: &str = "unnamed_cert_e3b0c442";
