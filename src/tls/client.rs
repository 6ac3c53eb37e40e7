//! An `UpstreamTlsContext` as it runs: rustls's client configuration.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use super::Transport;
use super::params::params;
use super::server::alpn;
use super::validation::{self, UpstreamVerifier, Validation};
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::{
    CommonTlsContext, UpstreamTlsContext, common_tls_context::ValidationContextType,
};
use crate::config::{At, Invalid};

/// What a handshake with an upstream needs.
#[derive(Clone, Debug)]
pub struct ClientTls {
    /// For rustls, or for quinn to wrap.
    pub config: Arc<ClientConfig>,
    /// The name that is asked for; `None` asks for none.
    pub sni: Option<Arc<str>>,
}

/// Builds a context for `transport`.
///
/// # Errors
/// [`Invalid`] where it cannot be built; all faults are reported.
pub fn client(written: &UpstreamTlsContext, transport: Transport, at: At<'_>) -> Result<ClientTls, Invalid> {
    let sni = sni(&written.sni, at.field("sni"));
    let common_at = at.field("common_tls_context");
    let absent = CommonTlsContext::default();
    let common = written.common_tls_context.as_ref().unwrap_or(&absent);
    for (field, is_set) in [
        ("tls_certificates", !common.tls_certificates.is_empty()),
        ("tls_certificate_sds_secret_configs", !common.tls_certificate_sds_secret_configs.is_empty()),
    ] {
        if is_set {
            return Err(common_at.beyond::<CommonTlsContext>(field));
        }
    }
    let validation = validation(common, common_at);
    let params = params(common.tls_params.as_ref(), transport, common_at.field("tls_params"));
    let alpn = alpn(&common.alpn_protocols, transport, common_at.field("alpn_protocols"));
    let (validation, params, alpn, sni) = (validation?, params?, alpn?, sni?);
    let provider = params.provider;
    if !validation.as_ref().is_some_and(|validation| validation.verifies()) {
        at.lint(
            "nothing of the upstream's certificate is verified: anyone on the way may answer in its place unless \
             `common_tls_context.validation_context.trusted_ca` is set",
        );
    }
    let verifier = UpstreamVerifier::new(validation, Arc::clone(&provider));
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&params.versions)
        .map_err(|error| common_at.error(format_args!("no handshake is possible: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = alpn;
    Ok(ClientTls { config: Arc::new(config), sni })
}

fn sni(written: &str, at: At<'_>) -> Result<Option<Arc<str>>, Invalid> {
    if written.is_empty() {
        return Ok(None);
    }
    match ServerName::try_from(written) {
        Ok(_) => Ok(Some(Arc::from(written))),
        Err(_) => Err(at.error("is no name that a TLS handshake can ask for: it takes a host name without port")),
    }
}

/// What the upstream's certificate is held against; `None` where nothing is verified.
fn validation(common: &CommonTlsContext, at: At<'_>) -> Result<Option<Arc<Validation>>, Invalid> {
    match &common.validation_context_type {
        Some(ValidationContextType::ValidationContext(context)) => {
            validation::of_message(context, at.field("validation_context")).map(Some)
        }
        Some(ValidationContextType::ValidationContextSdsSecretConfig(_)) => {
            Err(at.beyond::<CommonTlsContext>("validation_context_sds_secret_config"))
        }
        Some(ValidationContextType::CombinedValidationContext(_)) => {
            Err(at.beyond::<CommonTlsContext>("combined_validation_context"))
        }
        // The walk has refused the others.
        Some(_) => Err(at.given_up()),
        None => Ok(None),
    }
}
