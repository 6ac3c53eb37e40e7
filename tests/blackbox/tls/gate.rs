//! A gateway that asks its clients for certificates, and clients that show one.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::papers::Paper;
use crate::edge::cluster;
use crate::support::backend::Backend;
use crate::support::certificates::{Certificates, roots};
use crate::support::client::{Client, Version};
use crate::support::message::{Reply, Request};
use crate::support::process::Process;
use crate::support::program::Gateway;

/// A pair of listeners, on TCP and on QUIC, that are configured alike: `<name>-tcp`, `<name>-quic`.
#[derive(Clone, Debug, Default)]
pub(super) struct Door {
    pub(super) name: &'static str,
    /// Fields of its `DownstreamTlsContext`.
    pub(super) tls: String,
    /// Fields of its `CommonTlsContext`.
    pub(super) common: String,
    /// Fields of its connection manager.
    pub(super) manager: String,
}

impl Door {
    /// One with this `validation_context`.
    pub(super) fn with(name: &'static str, required: bool, context: &str) -> Self {
        let tls = format!("require_client_certificate: {required}");
        Self { name, tls, common: format!("validation_context: {{{context}}}"), ..Self::default() }
    }

    fn listener(&self, is_quic: bool) -> String {
        let Self { name, tls, common, manager } = self;
        let certificates = "tls_certificates: [{certificate_chain: {filename: \"${dir}/server.crt\"}, private_key: {filename: \"${dir}/server.key\"}}]";
        let joined = |fields: &str| if fields.is_empty() { String::new() } else { format!("{fields}, ") };
        let (tls, common, manager) = (joined(tls), joined(common), joined(manager));
        let alpn = if is_quic { "" } else { "alpn_protocols: [h2, http/1.1], " };
        let context = format!("{tls}common_tls_context: {{{alpn}{common}{certificates}}}");
        let sockets = "type.googleapis.com/envoy.extensions.transport_sockets";
        let (over, protocol, udp, codec, socket) = if is_quic {
            let options = "    udp_listener_config: {quic_options: {}}\n";
            let socket =
                format!("\"@type\": {sockets}.quic.v3.QuicDownstreamTransport, downstream_tls_context: {{{context}}}");
            ("quic", "protocol: UDP, ", options, "codec_type: HTTP3, ", socket)
        } else {
            ("tcp", "", "", "", format!("\"@type\": {sockets}.tls.v3.DownstreamTlsContext, {context}"))
        };
        let log = |path: &str, format: &str| {
            format!(
                "access_log: [{{name: file, typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog, path: \"${{dir}}/{path}\", log_format: {{json_format: {{listener: {name}-{over}, {format}}}}}}}}}]"
            )
        };
        let connections = log("connections.log", "reason: \"%DOWNSTREAM_TRANSPORT_FAILURE_REASON%\"");
        let requests = log("access.log", REQUEST);
        format!(
            "  - name: {name}-{over}
    stat_prefix: {name}-{over}
    address: {{socket_address: {{{protocol}address: 127.0.0.1, port_value: 0}}}}
{udp}    {connections}
    filter_chains:
    - transport_socket: {{name: tls, typed_config: {{{socket}}}}}
      filters:
      - name: http
        typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager, stat_prefix: edge, {codec}{manager}{requests}, http_filters: [{{name: router, typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}}}], route_config: {{virtual_hosts: [{{name: all, domains: [\"*\"], routes: [{{match: {{prefix: /}}, route: {{cluster: backend}}}}]}}]}}}}
"
        )
    }
}

/// A running gateway with such doors, in front of a backend that echoes.
pub(super) struct Gate {
    pub(super) process: Process,
    pub(super) backend: Backend,
}

impl Gate {
    pub(super) async fn start(doors: &[Door]) -> Self {
        Self::with_secrets(doors, "").await
    }

    /// The same with these items of `secrets`.
    pub(super) async fn with_secrets(doors: &[Door], secrets: &str) -> Self {
        let backend = Backend::echo().await;
        let yaml = yaml(doors, secrets, &backend);
        Self { process: Gateway::start(&yaml).await, backend }
    }

    /// The name of the listener of a door for a version.
    pub(super) fn listener(door: &str, version: Version) -> String {
        format!("{door}-{}", if version == Version::Http3 { "quic" } else { "tcp" })
    }

    /// Sends a request on a connection of its own; `None` where none is served.
    pub(super) async fn ask(
        &self,
        door: &str,
        version: Version,
        tls: &Arc<ClientConfig>,
        request: Request,
    ) -> Option<Reply> {
        let address = self.process.address(&Self::listener(door, version));
        let tls = Arc::clone(tls);
        let connected = match version {
            Version::Http1 => Client::http1(address, Some(tls)).await,
            Version::Http2 => Client::http2(address, Some(tls)).await,
            Version::Http3 => Client::http3(address, tls).await,
        };
        let client = connected.ok()?;
        let reply = client.send(request).await;
        client.close().await;
        (reply.status != 0).then_some(reply)
    }
}

/// The configuration of such doors.
pub(super) fn yaml(doors: &[Door], secrets: &str, backend: &Backend) -> String {
    let listeners: String = doors.iter().flat_map(|door| [false, true].map(|is_quic| door.listener(is_quic))).collect();
    let clusters = cluster("backend", &backend.address().to_string());
    let secrets = if secrets.is_empty() { String::new() } else { format!("  secrets:\n{secrets}") };
    format!("static_resources:\n{secrets}  listeners:\n{listeners}  clusters:\n{clusters}")
}

/// A client that shows this, and keeps the sessions that it is given.
pub(super) fn client(paper: Option<&Paper>, version: Version) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider supports TLS 1.3")
        .with_root_certificates(roots(&Certificates::of_this_run().authority));
    let mut client = match paper {
        None => builder.with_no_client_auth(),
        Some(paper) => {
            let chain = CertificateDer::pem_slice_iter(paper.chain.as_bytes()).collect::<Result<_, _>>();
            let key = PrivateKeyDer::from_pem_slice(paper.key.as_bytes());
            builder.with_client_auth_cert(chain.expect("certificates"), key.expect("a key")).expect("a pair")
        }
    };
    client.alpn_protocols = vec![version.alpn().as_bytes().to_vec()];
    Arc::new(client)
}

/// What is logged of a request.
const REQUEST: &str = "\"subject\": \"%DOWNSTREAM_PEER_SUBJECT%\", \
    \"issuer\": \"%DOWNSTREAM_PEER_ISSUER%\", \
    \"serial\": \"%DOWNSTREAM_PEER_SERIAL%\", \
    \"hash\": \"%DOWNSTREAM_PEER_FINGERPRINT_256%\", \
    \"uri\": \"%DOWNSTREAM_PEER_URI_SAN%\", \
    \"dns\": \"%DOWNSTREAM_PEER_DNS_SAN%\", \
    \"ip\": \"%DOWNSTREAM_PEER_IP_SAN%\", \
    \"email\": \"%DOWNSTREAM_PEER_EMAIL_SAN%\", \
    \"other\": \"%DOWNSTREAM_PEER_OTHERNAME_SAN%\", \
    \"from\": \"%DOWNSTREAM_PEER_CERT_V_START%\", \
    \"until\": \"%DOWNSTREAM_PEER_CERT_V_END(%Y)%\", \
    \"cert\": \"%DOWNSTREAM_PEER_CERT%\", \
    \"serials\": \"%DOWNSTREAM_PEER_CHAIN_SERIALS%\", \
    \"hashes\": \"%DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256%\", \
    \"own\": \"%DOWNSTREAM_LOCAL_DNS_SAN%\", \
    \"own ip\": \"%DOWNSTREAM_LOCAL_IP_SAN%\", \
    \"own subject\": \"%DOWNSTREAM_LOCAL_SUBJECT%\", \
    \"own uri\": \"%DOWNSTREAM_LOCAL_URI_SAN%\"";
