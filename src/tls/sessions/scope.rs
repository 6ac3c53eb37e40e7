//! What a session depends on beside itself.

use std::fmt;

use rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;

use super::shard::Key;

/// A digest of everything that was in force when a session began and has to be in force when it resumes.
///
/// Two listeners of one scope resume each other's sessions, others never do. Each floor binds what it knows: `tls` the
/// certificates, the protocols and who is asked for a certificate; `quic` its limits; `hcm` the settings of HTTP/3. What
/// is bound later, or in another order, is another scope.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Scope([u8; 32]);

impl Scope {
    /// Makes sessions depend on a fact: its name, and what it is here.
    pub fn bind(&mut self, fact: &str, value: impl AsRef<[u8]>) {
        let length = |part: &[u8]| (part.len() as u64).to_be_bytes();
        let (fact, value) = (fact.as_bytes(), value.as_ref());
        // With their lengths, no two facts can be read as two others.
        self.0 = sha256(&[&self.0, &length(fact), fact, &length(value), value]);
    }

    /// The same for a number.
    pub fn bind_number(&mut self, fact: &str, value: u64) {
        self.bind(fact, value.to_be_bytes());
    }

    /// The digest.
    pub(in crate::tls) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Where the session of that identity stands in the store.
    pub(super) fn key(&self, id: &[u8]) -> Key {
        sha256(&[&self.0, id])
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[expect(clippy::expect_used, reason = "that suite is of TLS 1.3, and its hash is SHA-256: RFC 8446 §B.4")]
fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let suite = TLS13_AES_128_GCM_SHA256.tls13().expect("a suite of TLS 1.3");
    let mut hash = suite.common.hash_provider.start();
    for part in parts {
        hash.update(part);
    }
    hash.finish().as_ref().try_into().expect("32 bytes")
}
