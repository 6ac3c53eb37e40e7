//! `ssl.fail_verify_*`: why certificates were not believed.

use crate::observe::stats::{Counter, Scope};

use super::refusal::Refusal;

/// The counters of one listener.
#[derive(Clone, Debug)]
pub struct VerifyStats {
    error: Counter,
    san: Counter,
    hash: Counter,
}

impl VerifyStats {
    /// `ssl` is the scope that Envoy gives that name.
    #[must_use]
    pub fn new(ssl: &Scope) -> Self {
        Self {
            error: ssl.counter("fail_verify_error"),
            san: ssl.counter("fail_verify_san"),
            hash: ssl.counter("fail_verify_cert_hash"),
        }
    }

    pub(super) fn count(&self, refusal: &Refusal) {
        match refusal {
            Refusal::Names(_) => self.san.inc(),
            Refusal::Pins => self.hash.inc(),
            _ => self.error.inc(),
        }
    }
}
