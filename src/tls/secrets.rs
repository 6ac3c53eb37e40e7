//! Secrets that stand in the configuration under a name, for TLS contexts to refer to.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use super::certificate::{Certificate, load};
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::secret::Type;
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::{SdsSecretConfig, Secret};
use crate::config::{At, Invalid};

/// The secrets of a configuration, by name.
#[derive(Debug, Default)]
pub struct Secrets {
    certificates: HashMap<String, Result<Certificate, Invalid>>,
    /// Whether a name could not be read: any reference may mean that secret.
    nameless: bool,
    used: RefCell<HashSet<String>>,
}

impl Secrets {
    /// Builds the secrets of the field `secrets` of the message at `at`. All faults are reported, and what refers to a
    /// faulty secret is not reported as dangling.
    #[must_use]
    pub fn build(list: &[Secret], at: At<'_>) -> Self {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let mut secrets = Self { nameless: list.is_empty() && at.field("secrets").is_tainted(), ..Self::default() };
        for (at, written) in at.items("secrets", list) {
            let certificate = match &written.r#type {
                Some(Type::TlsCertificate(certificate)) => load(certificate, &provider, at.field("tls_certificate")),
                Some(_) => Err(at.not_implemented()),
                None => Err(at.error("needs a `tls_certificate`")),
            };
            if written.name.is_empty() {
                secrets.nameless = true;
                at.field("name").error("a secret needs a name to be referred to");
            } else if secrets.certificates.insert(written.name.clone(), certificate).is_some() {
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

    /// The certificate that a context refers to.
    pub(super) fn certificate(&self, written: &SdsSecretConfig, at: At<'_>) -> Result<Certificate, Invalid> {
        self.used.borrow_mut().insert(written.name.clone());
        match self.certificates.get(&written.name) {
            Some(certificate) => certificate.clone(),
            None if self.nameless => Err(at.given_up()),
            None => {
                Err(at.field("name").dangling("secret", &written.name, self.certificates.keys().map(String::as_str)))
            }
        }
    }
}
