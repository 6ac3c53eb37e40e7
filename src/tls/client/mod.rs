//! An `UpstreamTlsContext` as it runs, over TCP and over QUIC.
//!
//! [`ClientTls`] is the context. A pool asks it what a connection has to ask for ([`Asked`]); [`Handshakes`] of the host then
//! makes the configuration of the handshake, and remembers the sessions that came of earlier ones.

mod asked;
mod handshakes;
mod identity;
mod proof;
mod sessions;
mod stats;

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerifier;

use self::proof::Proof;
use super::Transport;
use super::expiry::Told;
use super::params::params;
use super::secrets::Secrets;
use super::server::{alpn, key_log};
use super::validation::{Belief, UpstreamVerifier};
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::{CommonTlsContext, UpstreamTlsContext};
use crate::config::{At, Invalid};

pub use asked::Asked;
pub use handshakes::{Handshake, Handshakes};
pub use stats::SslStats;

/// What handshakes with upstreams need.
#[derive(Clone, Debug)]
pub struct ClientTls {
    /// Without what depends on the name that is asked for.
    config: Arc<ClientConfig>,
    /// Likewise.
    proof: Proof,
    /// The name that is asked for where nothing else says one; `None` asks for none.
    sni: Option<Arc<str>>,
    /// A host's own name is asked for.
    auto_host_sni: bool,
    /// The certificate has to stand for the name that was asked for.
    auto_sni_san_validation: bool,
    /// Sessions that are kept of a host for a name.
    max_session_keys: usize,
    /// Whether anything of a certificate is verified.
    verifies: bool,
}

impl ClientTls {
    /// What a connection asks for that is opened for `wanted`, to a host of that name (which may be empty).
    #[must_use]
    pub fn asked(&self, wanted: Wanted<'_>, hostname: &str) -> Asked {
        let of_request = wanted.sni.and_then(asked::sni);
        let of_host = || asked::sni(hostname).filter(|_| self.auto_host_sni);
        Asked::new(of_request.or_else(of_host).or_else(|| self.sni.clone()), wanted.san)
    }

    /// Whether anything of a certificate is verified.
    #[must_use]
    pub fn verifies(&self) -> bool {
        self.verifies
    }

    /// The same for connections over TCP that offer these protocols: see [`protocols`].
    #[must_use]
    pub fn offering(&self, protocols: Vec<Vec<u8>>) -> Self {
        let mut config = ClientConfig::clone(&self.config);
        config.alpn_protocols = protocols;
        Self { config: Arc::new(config), ..self.clone() }
    }

    /// The same for connections on which of all versions of HTTP only this one is spoken.
    #[must_use]
    pub fn only(&self, protocol: &str) -> Self {
        let of_http = |name: &[u8]| name == b"h2" || name == b"http/1.1";
        let others = self.config.alpn_protocols.iter().filter(|name| !of_http(name)).cloned();
        self.offering(others.chain([protocol.as_bytes().to_vec()]).collect())
    }

    /// What is counted of its handshakes.
    #[must_use]
    pub fn stats(&self) -> &SslStats {
        &self.proof.stats
    }
}

/// What a request wants of the connection that it goes on, as its cluster has it read from the request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// The name to ask for; what is none, or an address, says nothing.
    pub sni: Option<&'a str>,
    /// The name or address that the certificate has to stand for.
    pub san: Option<&'a str>,
}

/// Builds a context for `transport`. Over TCP it offers no protocol yet: see [`ClientTls::offering`].
///
/// # Errors
/// [`Invalid`] where it cannot be built; all faults are reported.
pub fn client(
    written: &UpstreamTlsContext,
    transport: Transport,
    secrets: &Secrets,
    stats: &SslStats,
    at: At<'_>,
) -> Result<ClientTls, Invalid> {
    let sni = sni(&written.sni, at.field("sni"));
    let common_at = at.field("common_tls_context");
    let absent = CommonTlsContext::default();
    let common = written.common_tls_context.as_ref().unwrap_or(&absent);
    let belief = Belief::of_context(common.validation_context_type.as_ref(), secrets, common_at);
    let params = params(common.tls_params.as_ref(), transport, common_at.field("tls_params"));
    let alpn = match transport {
        Transport::Tcp => Ok(Vec::new()),
        Transport::Quic { .. } => alpn(&common.alpn_protocols, transport, common_at.field("alpn_protocols")),
    };
    let identity = identity::identity(common, secrets, common_at);
    let key_log = key_log(common.key_log.as_ref(), common_at.field("key_log"));
    let (belief, params, alpn, sni) = (belief?, params?, alpn?, sni?);
    let (identity, key_log) = (identity?, key_log?);
    let verifies = belief.as_ref().is_some_and(|belief| belief.now().verifies());
    if !verifies {
        if written.auto_sni_san_validation {
            return Err(at.field("auto_sni_san_validation").error(NEEDS_AUTHORITY));
        }
        at.lint(
            "nothing of the upstream's certificate is verified: anyone on the way may answer in its place unless \
             `common_tls_context.validation_context.trusted_ca` is set",
        );
    }
    let context: Arc<dyn ServerCertVerifier> = Arc::new(UpstreamVerifier::new(belief, Arc::clone(&params.provider)));
    let identity = identity.map(|listed| {
        let shown = identity::shown(&listed.source, params.schemes.as_ref());
        let changes = listed.source.changes();
        let told = Told::new(listed, stats.scope());
        if changes {
            secrets.rotate(&told);
        }
        shown
    });
    let proof =
        Proof { context: Arc::clone(&context), names: Vec::new(), schemes: params.schemes, stats: stats.clone() };
    let builder = ClientConfig::builder_with_provider(params.provider)
        .with_protocol_versions(&params.versions)
        .map_err(|error| common_at.error(format_args!("no handshake is possible: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(context);
    let mut config = match identity {
        Some(identity) => builder.with_client_cert_resolver(identity),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = alpn;
    config.resumption = Resumption::disabled();
    if let Some(key_log) = key_log {
        config.key_log = Arc::new(key_log);
    }
    Ok(ClientTls {
        config: Arc::new(config),
        proof,
        sni,
        auto_host_sni: written.auto_host_sni,
        auto_sni_san_validation: written.auto_sni_san_validation,
        max_session_keys: written.max_session_keys.unwrap_or(MAX_SESSION_KEYS) as usize,
        verifies,
    })
}

fn sni(written: &str, at: At<'_>) -> Result<Option<Arc<str>>, Invalid> {
    if written.is_empty() {
        return Ok(None);
    }
    match asked::sni(written) {
        None => Err(at.error("is no name that a TLS handshake can ask for: it takes a host name without port")),
        sni => Ok(sni),
    }
}

/// What connections over TCP offer to what is spoken to in these protocols, by their names in ALPN. A protocol that is not
/// spoken to the cluster is not offered: an upstream that agreed on it would not be understood (RFC 7301 §3.2).
///
/// # Errors
/// [`Invalid`] where what is written cannot be offered.
pub fn protocols(written: &UpstreamTlsContext, spoken: &[&str], at: At<'_>) -> Result<Vec<Vec<u8>>, Invalid> {
    let written = written.common_tls_context.as_ref().map_or(&[][..], |common| &common.alpn_protocols);
    let at = at.field("common_tls_context");
    let at = at.field("alpn_protocols");
    let mut offered = Vec::new();
    for (at, name) in at.items("", written) {
        match name.as_str() {
            "h2" | "h3" if !spoken.contains(&name.as_str()) => not_spoken(name, spoken, at),
            "http/1.1" if spoken == ["h2"] => not_spoken(name, spoken, at),
            // That is for QUIC.
            "h3" => {}
            _ if name.is_empty() || name.len() > 255 => {
                // RFC 7301 §3.1: the length of a name is one byte, and not 0.
                return Err(at.error(format_args!("has {} bytes: the name of a protocol has 1 to 255", name.len())));
            }
            _ => offered.push(name.clone().into_bytes()),
        }
    }
    // As Envoy offers by default, what is spoken. RFC 9113 §3.2: HTTP/2 is spoken only where it was agreed on.
    if offered.is_empty() || (spoken == ["h2"] && !offered.iter().any(|name| name == b"h2")) {
        offered.extend(spoken.iter().filter(|name| **name != "h3").map(|name| name.as_bytes().to_vec()));
    }
    Ok(offered)
}

fn not_spoken(name: &str, spoken: &[&str], at: At<'_>) {
    let spoken = match spoken {
        ["h2"] => "HTTP/2 is",
        [_, ..] if spoken.contains(&"h2") => "HTTP/2 and HTTP/1.1 are",
        _ => "HTTP/1.1 is",
    };
    at.no_effect(format_args!("`{name}` has no effect: {spoken} spoken to this cluster"));
}

/// What is wrong where a name is to be verified and nobody is trusted.
pub const NEEDS_AUTHORITY: &str = "needs `common_tls_context.validation_context.trusted_ca`: a name says nothing in a certificate that anyone may have made";

/// Envoy's default `max_session_keys`.
const MAX_SESSION_KEYS: u32 = 1;
