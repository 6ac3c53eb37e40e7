//! A `DownstreamTlsContext` as it runs: rustls's server configuration.

use std::sync::Arc;

use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, SupportedProtocolVersion, version};

use super::Transport;
use super::certificate::{CertificateFacts, load};
use super::secrets::Secrets;
use super::sessions::{Scope, ScopedSessions, SessionStore};
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::{
    CommonTlsContext, DownstreamTlsContext, TlsParameters, common_tls_context::ValidationContextType,
    downstream_tls_context, tls_parameters::TlsProtocol,
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
    let common = at.required("common_tls_context", written.common_tls_context.as_ref())?;
    let at = at.field("common_tls_context");
    if let Some(ValidationContextType::ValidationContext(_)) = common.validation_context_type {
        return Err(at.beyond::<CommonTlsContext>("validation_context"));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let inline = at.each("tls_certificates", &common.tls_certificates, |at, written| load(written, &provider, at));
    let configs = &common.tls_certificate_sds_secret_configs;
    let named = at.each("tls_certificate_sds_secret_configs", configs, |at, written| secrets.certificate(written, at));
    let versions = versions(common.tls_params.as_ref(), transport, at.field("tls_params"));
    let alpn = alpn(&common.alpn_protocols, transport, at.field("alpn_protocols"));
    let (keys, certificates): (Vec<_>, Vec<_>) = [inline?, named?].concat().into_iter().unzip();
    if keys.len() > 1 {
        return Err(at.beyond::<CommonTlsContext>("tls_certificates"));
    }
    let Some(key) = keys.into_iter().next() else {
        return Err(at.field("tls_certificates").error("a server needs a certificate"));
    };
    let alpn = alpn?;
    let scope = scope(&key, &alpn);
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions?)
        .map_err(|error| at.field("tls_params").error(format_args!("no handshake is possible: {error}")))?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::new(FirstCertificate(key)));
    config.alpn_protocols = alpn;
    sessions(&mut config, written, transport, context);
    Ok(ServerTls { config: Arc::new(config), certificates, scope })
}

/// What TLS itself makes sessions depend on.
fn scope(key: &CertifiedKey, alpn: &[Vec<u8>]) -> Scope {
    let mut scope = Scope::default();
    // A client that resumes shows no certificate: it was asked for none.
    scope.bind("client authentication", "none");
    for certificate in &key.cert {
        scope.bind("certificate", certificate);
    }
    for protocol in alpn {
        scope.bind("protocol", protocol);
    }
    scope
}

/// The versions of TLS that a context allows on `transport`.
pub(super) fn versions(
    params: Option<&TlsParameters>,
    transport: Transport,
    at: At<'_>,
) -> Result<Vec<&'static SupportedProtocolVersion>, Invalid> {
    let auto = TlsProtocol::TlsAuto;
    let (min, max) =
        params.map_or((auto, auto), |p| (p.tls_minimum_protocol_version(), p.tls_maximum_protocol_version()));
    for (field, value) in [("tls_minimum_protocol_version", min), ("tls_maximum_protocol_version", max)] {
        if matches!(value, TlsProtocol::TlSv10 | TlsProtocol::TlSv11) {
            return Err(at.field(field).not_implemented());
        }
    }
    if matches!(transport, Transport::Quic { .. }) {
        // RFC 9001 §4.2: QUIC needs TLS 1.3.
        if max == TlsProtocol::TlSv12 {
            return Err(at
                .field("tls_maximum_protocol_version")
                .error("QUIC needs TLS 1.3: leave the maximum out or set TLSv1_3"));
        }
        return Ok(vec![&version::TLS13]);
    }
    if min == TlsProtocol::TlSv13 && max == TlsProtocol::TlSv12 {
        return Err(at.field("tls_minimum_protocol_version").error("is above `tls_maximum_protocol_version`"));
    }
    let mut versions = Vec::new();
    if min != TlsProtocol::TlSv13 {
        versions.push(&version::TLS12);
    }
    if max != TlsProtocol::TlSv12 {
        versions.push(&version::TLS13);
    }
    Ok(versions)
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

/// One certificate for every name. Choosing by SNI comes with several certificates a context.
#[derive(Debug)]
struct FirstCertificate(Arc<CertifiedKey>);

impl ResolvesServerCert for FirstCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}
