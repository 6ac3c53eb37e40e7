//! A `DownstreamTlsContext` as it runs: rustls's server configuration.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::Transport;
use super::certificate::CertificateFacts;
use super::choice::Options;
use super::expiry::Listed;
use super::key_log::KeyLogFile;
use super::live::{Generation, Live, Recipe, Sessions, Template, unstapled};
use super::params::params;
use super::rotation::Source;
use super::secrets::Secrets;
use super::sessions::{Scope, SessionStore};
use super::shown::Shown;
use super::tickets::{self, TicketKeys};
use super::validation::{Belief, Clients, VerifyStats};
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::{
    CommonTlsContext, DownstreamTlsContext, TlsKeyLog, downstream_tls_context::OcspStaplePolicy,
    downstream_tls_context::SessionTicketKeysType,
};
use crate::config::{At, Invalid, duration};
use crate::observe::access_log::Certificate as Told;
use crate::observe::stats;

/// What handshakes on a listener need.
#[derive(Clone, Debug)]
pub struct ServerTls {
    live: Arc<Live>,
    /// What its sessions depend on beside the certificates. Whoever knows of more binds it before [`Self::remember`].
    pub scope: Scope,
    clients: Clients,
}

impl ServerTls {
    /// For a handshake that begins: with the certificates that are in use now.
    #[must_use]
    pub fn now(&self) -> Arc<Generation> {
        self.live.now()
    }

    /// The certificates that are in use now, for `/certs`.
    #[must_use]
    pub fn certificates(&self) -> Vec<CertificateFacts> {
        self.now().certificates()
    }

    /// What a client is shown that asks for this name; `None` where no certificate stands for it.
    #[must_use]
    pub fn shown(&self, name: &str) -> Option<Shown> {
        Shown::to(name, &self.live)
    }

    /// What a client that asked for this name was shown, for logs, where that is certain.
    #[must_use]
    pub fn told(&self, server_name: Option<&str>) -> Option<Arc<Told>> {
        self.now().told(server_name)
    }

    /// Counts there which clients are refused for their certificates.
    pub fn count_in(&self, stats: &VerifyStats) {
        self.clients.count_in(stats);
    }

    /// Lets the clients of a QUIC listener resume, where the context lets them: their sessions are kept in `store`, or in
    /// tickets where there are keys for them, under all that was bound to the scope.
    pub fn remember(&mut self, store: &Arc<SessionStore>) {
        let scope = self.scope;
        self.live.alter(|recipe| {
            recipe.scope = scope;
            recipe.sessions.store = Some(Arc::clone(store));
        });
    }

    /// Counts what changes in the scope of a listener.
    pub fn count(&self, scope: &stats::Scope) {
        self.live.count(scope);
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
    let belief = believed(common, written, secrets, context);
    let params = params(common.tls_params.as_ref(), transport, at.field("tls_params"));
    let certificates = certificates(common, secrets, at);
    let alpn = alpn(&common.alpn_protocols, transport, at.field("alpn_protocols"));
    let key_log = key_log(common.key_log.as_ref(), at.field("key_log"));
    let sessions = sessions(written, transport, secrets, context);
    let (params, certificates, alpn, key_log) = (params?, certificates?, alpn?, key_log?);
    let (sessions, belief) = (sessions?, belief?);
    stapled(&certificates, policy, at)?;
    let clients = Clients {
        belief,
        required: written.require_client_certificate.unwrap_or(false),
        provider: Arc::clone(&params.provider),
        stats: Arc::default(),
    };
    let scope = scope(&alpn);
    let template = Template {
        provider: params.provider,
        versions: params.versions,
        alpn,
        ignore_client_order: !written.prefer_client_ciphers,
        key_log: key_log.map(Arc::new),
    };
    let schemes = params.schemes;
    let recipe = Recipe { template, certificates, schemes, policy, options, sessions, scope, clients: clients.clone() };
    let changes = recipe.changes();
    let live = Live::new(recipe)
        .map_err(|error| at.field("tls_params").error(format_args!("no handshake is possible: {error}")))?;
    if changes {
        secrets.rotate(&live);
    }
    Ok(ServerTls { live, scope, clients })
}

/// Whether the sessions of a context are in tickets under keys that are configured.
#[must_use]
pub fn has_ticket_keys(written: &DownstreamTlsContext) -> bool {
    use SessionTicketKeysType::{SessionTicketKeys, SessionTicketKeysSdsSecretConfig};
    matches!(written.session_ticket_keys_type, Some(SessionTicketKeys(_) | SessionTicketKeysSdsSecretConfig(_)))
}

/// Whom clients are verified by. Whoever has to show a certificate has to be told whose are believed.
fn believed(
    common: &CommonTlsContext,
    written: &DownstreamTlsContext,
    secrets: &Secrets,
    at: At<'_>,
) -> Result<Option<Arc<Belief>>, Invalid> {
    let required = written.require_client_certificate.unwrap_or(false);
    let at_common = at.field("common_tls_context");
    let belief = Belief::of_context(common.validation_context_type.as_ref(), secrets, at_common)?;
    if required && !belief.as_ref().is_some_and(|belief| belief.now().asks()) {
        // Envoy would serve everybody.
        return Err(at.field("require_client_certificate").error_with_hint(
            "asks for certificates, and nothing says which are believed",
            "set `common_tls_context.validation_context.trusted_ca`",
        ));
    }
    Ok(belief)
}

/// What TLS itself makes sessions depend on, beside the certificates and what clients are asked for.
fn scope(alpn: &[Vec<u8>]) -> Scope {
    let mut scope = Scope::default();
    for protocol in alpn {
        scope.bind("protocol", protocol);
    }
    scope
}

/// The certificates of a context, its own before those that it refers to.
fn certificates(common: &CommonTlsContext, secrets: &Secrets, at: At<'_>) -> Result<Vec<Listed>, Invalid> {
    let all = secrets.certificates(common, at)?;
    if all.is_empty() {
        return Err(at.field("tls_certificates").error("a server needs a certificate"));
    }
    Ok(all)
}

/// Whether every certificate has the staple that the policy asks for.
fn stapled(certificates: &[Listed], policy: OcspStaplePolicy, at: At<'_>) -> Result<(), Invalid> {
    let certificates: Vec<_> = certificates.iter().map(|listed| listed.source.now()).collect();
    match unstapled(&certificates, policy) {
        Some(bare) => Err(at.field("tls_certificates").error(format_args!(
            "`ocsp_staple_policy: MUST_STAPLE` asks for an `ocsp_staple` with every certificate: that in `{}` has none",
            bare.facts.path
        ))),
        None => Ok(()),
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

/// How sessions resume.
fn sessions(
    written: &DownstreamTlsContext,
    transport: Transport,
    secrets: &Secrets,
    at: At<'_>,
) -> Result<Sessions, Invalid> {
    use SessionTicketKeysType as Keys;
    let keys = match &written.session_ticket_keys_type {
        Some(Keys::SessionTicketKeys(written)) => secrets.own(written, at.field("session_ticket_keys")).map(Some),
        Some(Keys::SessionTicketKeysSdsSecretConfig(written)) => {
            secrets.named(written, at.field("session_ticket_keys_sds_secret_config")).map(Some)
        }
        Some(Keys::DisableStatelessSessionResumption(_)) | None => Ok(None),
    };
    let stateless = !matches!(written.session_ticket_keys_type, Some(Keys::DisableStatelessSessionResumption(true)));
    let stateful = !written.disable_stateful_session_resumption;
    let lifetime = lifetime(written, at);
    let own = match transport {
        // The keys rotate by themselves. Failing to make them only costs resumption.
        Transport::Tcp if stateless => rustls::crypto::aws_lc_rs::Ticketer::new().ok(),
        Transport::Tcp => None,
        Transport::Quic { .. } => {
            let fields = [
                ("disable_stateless_session_resumption", stateless),
                ("disable_stateful_session_resumption", stateful),
            ];
            for (field, _) in fields.into_iter().filter(|(_, resumes)| !resumes) {
                at.field(field).no_effect(format_args!(
                    "`{field}` has no effect on QUIC: `enable_resumption: false` and `enable_early_data: false` beside `downstream_tls_context` have"
                ));
            }
            None
        }
    };
    let keys: Option<Arc<Source<TicketKeys>>> = keys?;
    Ok(Sessions { transport, stateless, stateful, keys, own, lifetime, store: None })
}

/// How long sessions may be resumed, where that is said.
fn lifetime(written: &DownstreamTlsContext, at: At<'_>) -> Option<Duration> {
    let lifetime = duration(written.session_timeout.as_ref()?);
    // As in OpenSSL, where it stands for the default.
    let lifetime = Some(Duration::from_secs(lifetime.as_secs())).filter(|lifetime| !lifetime.is_zero());
    let most = Duration::from_secs(u64::from(tickets::MOST));
    if lifetime.is_some_and(|lifetime| lifetime > most) {
        at.field("session_timeout").lint("sessions of TLS 1.3 last for seven days at most");
    }
    lifetime
}
