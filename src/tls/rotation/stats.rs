//! What is counted of rotation, under Envoy's names.

use std::time::SystemTime;

use crate::observe::stats::{Counter, Gauge, Scope};

/// `sds.<secret>.*`
#[derive(Debug)]
pub(in crate::tls) struct SecretStats {
    attempt: Counter,
    success: Counter,
    /// The file could not be read.
    failure: Counter,
    /// A file that the secret names could not be used, though the secret itself has not changed.
    key_rotation_failed: Counter,
    /// Milliseconds of the Unix time.
    update_time: Gauge,
}

impl SecretStats {
    /// Of the secret `name`; `root` is the root of all names.
    pub(in crate::tls) fn new(root: &Scope, name: &str) -> Self {
        let scope = root.scope(&format!("sds.{name}"));
        Self {
            attempt: scope.counter("update_attempt"),
            success: scope.counter("update_success"),
            failure: scope.counter("update_rejected"),
            key_rotation_failed: scope.counter("key_rotation_failed"),
            update_time: scope.gauge("update_time"),
        }
    }

    /// It is in use from now on.
    pub(super) fn in_use(&self) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.update_time.set(u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
    }

    /// The secret was read, from another file than before if it is `new`.
    pub(super) fn read(&self, good: bool, new: bool) {
        match (good, new) {
            (true, true) => {
                self.attempt.inc();
                self.success.inc();
            }
            (false, true) => {
                self.attempt.inc();
                self.failure.inc();
            }
            (true, false) => {}
            (false, false) => self.key_rotation_failed.inc(),
        }
    }
}

/// `listener.<address>.server_ssl_socket_factory.*`, and when the certificates of the listener end.
#[derive(Debug)]
pub(in crate::tls) struct ContextStats {
    /// `ssl_context_update_by_sds`: how often other certificates or keys were taken into use.
    pub(in crate::tls) updated: Counter,
    /// `key_rotation_failed`: how often they were refused, and the last good ones kept. Envoy has it for secrets only.
    pub(in crate::tls) refused: Counter,
}

impl ContextStats {
    /// `scope` is the listener's.
    pub(in crate::tls) fn new(scope: &Scope) -> Self {
        let scope = scope.scope("server_ssl_socket_factory");
        Self { updated: scope.counter("ssl_context_update_by_sds"), refused: scope.counter("key_rotation_failed") }
    }
}
