//! Secrets that stand in the configuration under a name, for TLS contexts to refer to.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::certificate::{Certificate, load};
use super::validation::{Validation, of_secret};
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::secret::Type;
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::{
    CertificateValidationContext, SdsSecretConfig, Secret,
};
use crate::config::{At, Invalid};

/// The secrets of a configuration, by name.
#[derive(Debug, Default)]
pub struct Secrets {
    by_name: HashMap<String, Result<Known, Invalid>>,
    /// Whether a name could not be read: any reference may mean that secret.
    nameless: bool,
    used: RefCell<HashSet<String>>,
}

/// What a secret is.
#[derive(Clone, Debug)]
enum Known {
    Certificate(Box<Certificate>),
    /// As it was written, too: with others it makes another one.
    Validation(Box<CertificateValidationContext>, Arc<Validation>),
}

impl Secrets {
    /// Builds the secrets of the field `secrets` of the message at `at`. All faults are reported, and what refers to a
    /// faulty secret is not reported as dangling.
    #[must_use]
    pub fn build(list: &[Secret], at: At<'_>) -> Self {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let mut secrets = Self { nameless: list.is_empty() && at.field("secrets").is_tainted(), ..Self::default() };
        for (at, written) in at.items("secrets", list) {
            let known = match &written.r#type {
                Some(Type::TlsCertificate(certificate)) => load(certificate, &provider, at.field("tls_certificate"))
                    .map(|certificate| Known::Certificate(Box::new(certificate))),
                Some(Type::ValidationContext(context)) => of_secret(context, at.field("validation_context"))
                    .map(|built| Known::Validation(Box::new(context.clone()), built)),
                Some(_) => Err(at.not_implemented()),
                None => Err(at.error("needs a `tls_certificate` or a `validation_context`")),
            };
            if written.name.is_empty() {
                secrets.nameless = true;
                at.field("name").error("a secret needs a name to be referred to");
            } else if secrets.by_name.insert(written.name.clone(), known).is_some() {
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
        match self.known(written, at)? {
            Known::Certificate(certificate) => Ok((**certificate).clone()),
            Known::Validation(..) => Err(other_kind(written, "a validation context", "a certificate", at)),
        }
    }

    /// The validation context that a context refers to, as it was written and as it was built.
    pub(super) fn validation(
        &self,
        written: &SdsSecretConfig,
        at: At<'_>,
    ) -> Result<(&CertificateValidationContext, &Arc<Validation>), Invalid> {
        match self.known(written, at)? {
            Known::Validation(context, built) => Ok((context, built)),
            Known::Certificate(_) => Err(other_kind(written, "a certificate", "a validation context", at)),
        }
    }

    fn known(&self, written: &SdsSecretConfig, at: At<'_>) -> Result<&Known, Invalid> {
        self.used.borrow_mut().insert(written.name.clone());
        match self.by_name.get(&written.name) {
            Some(known) => known.as_ref().map_err(|invalid| *invalid),
            None if self.nameless => Err(at.given_up()),
            None => {
                let mut known: Vec<_> = self.by_name.keys().map(String::as_str).collect();
                known.sort_unstable();
                Err(at.field("name").dangling("secret", &written.name, known.into_iter()))
            }
        }
    }
}

fn other_kind(written: &SdsSecretConfig, is: &str, needed: &str, at: At<'_>) -> Invalid {
    at.field("name").error(format_args!("the secret `{}` is {is}: this takes {needed}", written.name))
}
