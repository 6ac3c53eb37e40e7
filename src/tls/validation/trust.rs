//! A validation context that the configuration or a secret describes, and what it was built to.

use super::Shared;
use super::build::build;
use crate::config::proto::envoy::config::core::v3::{DataSource, WatchedDirectory};
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::CertificateValidationContext;
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::secret::Type;
use crate::config::{At, Invalid};
use crate::tls::rotation::Material;

/// A context, complete or not.
#[derive(Debug)]
pub(in crate::tls) struct Trust {
    /// With others it makes another one.
    pub(super) written: CertificateValidationContext,
    pub(super) built: Shared,
}

impl Material for Trust {
    type Written = CertificateValidationContext;

    const FIELD: &'static str = "validation_context";
    const NAME: &'static str = "a validation context";

    fn of(secret: &Type) -> Option<&CertificateValidationContext> {
        match secret {
            Type::ValidationContext(written) => Some(written),
            _ => None,
        }
    }

    fn load(written: &CertificateValidationContext, at: At<'_>) -> Result<Self, Invalid> {
        Ok(Self { written: written.clone(), built: build(written, at)? })
    }

    fn files(written: &CertificateValidationContext) -> (Vec<&DataSource>, Option<&WatchedDirectory>) {
        let sources = [&written.trusted_ca, &written.crl];
        (sources.into_iter().flatten().collect(), written.watched_directory.as_ref())
    }
}
