//! A `DownstreamTlsContext` as it runs: rustls's server configuration.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::NoServerSessionStorage;

use super::Transport;
use super::certificate::{Certificate, CertificateFacts, load};
use super::choice::{Choice, Options};
use super::key_log::KeyLogFile;
use super::params::params;
use super::secrets::Secrets;
use super::sessions::{Scope, ScopedSessions, SessionStore};
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::{
    CommonTlsContext, DownstreamTlsContext, TlsKeyLog, common_tls_context::ValidationContextType,
    downstream_tls_context, downstream_tls_context::OcspStaplePolicy,
};
use crate::config::{At, Invalid};

/// What a handshake on a listener needs.
#[derive(Clone, Debug)]
pub struct ServerTls {
    /// For rustls, or for quinn to wrap.
    pub config: Arc<ServerConfig>,
    /// For `/certs`.
    pub certificates: Vec<CertificateFacts>,
    /// What its sessions depend on. Whoever knows of more binds it before [`Self::remember`].
    pub scope: Scope,
}

impl ServerTls {
    /// Lets the clients of a QUIC listener resume, where the context lets them: their sessions are kept in `store`, under all
    /// that was bound to the scope.
    pub fn remember(&mut self, store: &Arc<SessionStore>) {
        // rustls accepts early data only for sessions that it stores itself: a session taken out once is gone, which is also
        // what stops a replay of the handshake (RFC 8446 §8.1).
        let sessions = ScopedSessions::new(store, self.scope);
        Arc::make_mut(&mut self.config).session_storage = Arc::new(sessions);
    }
}

/// Builds a context for `transport`.
///
/// # Errors
/// [`Invalid`] where it cannot be built; all faults are reported.
pub fn server(
    written: &DownstreamTlsContext,
    transport: Transport,
    secrets: &Secrets,
    at: At<'_>,
) -> Result<ServerTls, Invalid> {
    let context = at;
    let options = Options {
        require_sni: written.require_sni.unwrap_or(false),
        full_scan: written.full_scan_certs_on_sni_mismatch.unwrap_or(false),
    };
    let policy = written.ocsp_staple_policy();
    let common = at.required("common_tls_context", written.common_tls_context.as_ref())?;
    let at = at.field("common_tls_context");
    if let Some(ValidationContextType::ValidationContext(_)) = common.validation_context_type {
        return Err(at.beyond::<CommonTlsContext>("validation_context"));
    }
    let params = params(common.tls_params.as_ref(), transport, at.field("tls_params"));
    let certificates = certificates(common, secrets, at);
    let alpn = alpn(&common.alpn_protocols, transport, at.field("alpn_protocols"));
    let key_log = key_log(common.key_log.as_ref(), at.field("key_log"));
    let (params, certificates, alpn, key_log) = (params?, certificates?, alpn?, key_log?);
    stapled(&certificates, policy, at)?;
    let scope = scope(&certificates, &alpn);
    let facts = certificates.iter().map(|certificate| certificate.facts.clone()).collect();
    let choice = Choice::new(&certificates, params.schemes.as_ref(), policy, options);
    let builder = ServerConfig::builder_with_provider(params.provider)
        .with_protocol_versions(&params.versions)
        .map_err(|error| at.field("tls_params").error(format_args!("no handshake is possible: {error}")))?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::new(choice));
    config.alpn_protocols = alpn;
    config.ignore_client_order = !written.prefer_client_ciphers;
    if let Some(key_log) = key_log {
        config.key_log = Arc::new(key_log);
    }
    sessions(&mut config, written, transport, context);
    Ok(ServerTls { config: Arc::new(config), certificates: facts, scope })
}

/// What TLS itself makes sessions depend on.
fn scope(certificates: &[Certificate], alpn: &[Vec<u8>]) -> Scope {
    let mut scope = Scope::default();
    // A client that resumes shows no certificate: it was asked for none.
    scope.bind("client authentication", "none");
    for certificate in certificates.iter().flat_map(|certificate| &certificate.chain) {
        scope.bind("certificate", certificate);
    }
    for protocol in alpn {
        scope.bind("protocol", protocol);
    }
    scope
}

/// The certificates of a context, its own before those that it refers to.
fn certificates(common: &CommonTlsContext, secrets: &Secrets, at: At<'_>) -> Result<Vec<Certificate>, Invalid> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let own = at.each("tls_certificates", &common.tls_certificates, |at, written| load(written, &provider, at));
    let configs = &common.tls_certificate_sds_secret_configs;
    let named = at.each("tls_certificate_sds_secret_configs", configs, |at, written| secrets.certificate(written, at));
    let all = [own?, named?].concat();
    if all.is_empty() {
        return Err(at.field("tls_certificates").error("a server needs a certificate"));
    }
    Ok(all)
}

/// Whether every certificate has the staple that the policy asks for.
fn stapled(certificates: &[Certificate], policy: OcspStaplePolicy, at: At<'_>) -> Result<(), Invalid> {
    let bare = certificates.iter().find(|certificate| certificate.staple.is_none());
    match bare {
        Some(bare) if policy == OcspStaplePolicy::MustStaple => Err(at.field("tls_certificates").error(format_args!(
            "`ocsp_staple_policy: MUST_STAPLE` asks for an `ocsp_staple` with every certificate: that in `{}` has none",
            bare.facts.path
        ))),
        _ => Ok(()),
    }
}

/// Where the secrets of connections are logged.
pub(super) fn key_log(written: Option<&TlsKeyLog>, at: At<'_>) -> Result<Option<KeyLogFile>, Invalid> {
    let Some(written) = written else { return Ok(None) };
    let path = Path::new(&written.path);
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(missing) = directory.filter(|directory| !directory.is_dir()) {
        let message = format!("there is no directory `{}`: make it, or name another file", missing.display());
        return Err(at.field("path").error(message));
    }
    at.lint("whoever can read this file can read every connection: it is for debugging, not for an edge that serves");
    Ok(Some(KeyLogFile::new(path)))
}

/// The protocols that a context offers on `transport`.
pub(super) fn alpn(written: &[String], transport: Transport, at: At<'_>) -> Result<Vec<Vec<u8>>, Invalid> {
    if transport == Transport::Tcp {
        return at.each("", written, |at, name| match name.len() {
            // RFC 7301 §3.1: the length of a name is one byte.
            0..=255 => {
                if !matches!(name.as_str(), "h2" | "http/1.1" | "http/1.0") {
                    at.no_effect(format_args!("{name:?} has no effect on TCP: h2 and http/1.1 are served there"));
                }
                Ok(name.clone().into_bytes())
            }
            length => Err(at.error(format_args!("has {length} bytes: the name of a protocol has at most 255"))),
        });
    }
    if written.iter().any(|name| name != "h3") {
        at.no_effect("on QUIC only `h3` has an effect");
    }
    Ok(vec![b"h3".to_vec()])
}

/// How sessions resume. As Envoy: tickets are what "stateless" is about, and all that TLS 1.3 has on TCP; the sessions of TLS
/// 1.2 that have no ticket are what "stateful" is about. On QUIC neither has an effect.
fn sessions(config: &mut ServerConfig, written: &DownstreamTlsContext, transport: Transport, at: At<'_>) {
    use downstream_tls_context::SessionTicketKeysType::DisableStatelessSessionResumption as Disable;
    let stateless = !matches!(written.session_ticket_keys_type, Some(Disable(true)));
    let stateful = !written.disable_stateful_session_resumption;
    match transport {
        Transport::Tcp => {
            if stateless {
                // The keys rotate by themselves. Failing to make them only costs resumption.
                if let Ok(ticketer) = rustls::crypto::aws_lc_rs::Ticketer::new() {
                    config.ticketer = ticketer;
                }
            } else {
                config.send_tls13_tickets = 0;
            }
            if !stateful {
                config.session_storage = Arc::new(NoServerSessionStorage {});
            }
        }
        Transport::Quic { resumption, early_data } => {
            let fields = [
                ("disable_stateless_session_resumption", stateless),
                ("disable_stateful_session_resumption", stateful),
            ];
            for (field, _) in fields.into_iter().filter(|(_, resumes)| !resumes) {
                at.field(field).no_effect(format_args!(
                    "`{field}` has no effect on QUIC: `enable_resumption: false` and `enable_early_data: false` beside `downstream_tls_context` have"
                ));
            }
            // Until `ServerTls::remember`.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            if !resumption {
                config.send_tls13_tickets = 0;
            }
            // RFC 9001 §4.6.1: on QUIC the only size is all or nothing.
            config.max_early_data_size = if resumption && early_data { u32::MAX } else { 0 };
        }
    }
}
