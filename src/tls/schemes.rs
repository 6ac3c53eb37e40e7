//! A key that signs with some algorithms only, as `signature_algorithms` says.

use std::sync::Arc;

use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::sign::{Signer, SigningKey};
use rustls::{SignatureAlgorithm, SignatureScheme};

/// A key, and what it may sign with.
#[derive(Debug)]
struct Limited {
    key: Arc<dyn SigningKey>,
    allowed: Arc<[SignatureScheme]>,
}

/// The same key where anything is `allowed`.
pub(super) fn limited(key: Arc<dyn SigningKey>, allowed: Option<&Arc<[SignatureScheme]>>) -> Arc<dyn SigningKey> {
    match allowed {
        Some(allowed) => Arc::new(Limited { key, allowed: Arc::clone(allowed) }),
        None => key,
    }
}

impl SigningKey for Limited {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        // As many as there are algorithms: few.
        let both: Vec<_> = self.allowed.iter().copied().filter(|scheme| offered.contains(scheme)).collect();
        // In the order that is configured, the first that the key can.
        both.iter().find_map(|scheme| self.key.choose_scheme(&[*scheme]))
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        self.key.public_key()
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.key.algorithm()
    }
}
