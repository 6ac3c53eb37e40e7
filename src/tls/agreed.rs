//! What handshakes agreed on, counted.

use super::{CIPHERS, GROUPS, VERSIONS};
use crate::observe::access_log::Tls;
use crate::observe::stats::{Counter, Scope};

/// `ssl.versions.*`, `ssl.ciphers.*`, `ssl.curves.*` of a listener or a cluster.
#[derive(Clone, Debug)]
pub struct Agreed(Vec<(&'static str, Counter)>);

impl Agreed {
    /// `ssl` is the scope of that name.
    #[must_use]
    pub fn new(ssl: &Scope) -> Self {
        let names = [("versions", VERSIONS), ("ciphers", CIPHERS), ("curves", GROUPS)];
        let counters = names.iter().flat_map(|(kind, names)| {
            let scope = ssl.scope(kind);
            names.iter().map(move |name| (*name, scope.counter(name)))
        });
        Self(counters.collect())
    }

    /// One more handshake has agreed on these.
    pub fn count(&self, tls: &Tls) {
        for agreed in [tls.version, tls.cipher, tls.group].into_iter().flatten() {
            if let Some((_, counter)) = self.0.iter().find(|(name, _)| *name == agreed) {
                counter.inc();
            }
        }
    }
}
