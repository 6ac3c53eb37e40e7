//! A gateway that reaches another by HTTP/3, which has the backend behind it.

use std::net::SocketAddr;

use crate::edge::{ALL, Edge};
use crate::support::backend::Backend;
use crate::support::certificates::Certificates;

/// Two gateways; clients come to the front.
pub(crate) struct Chain {
    pub(crate) front: Edge,
    pub(crate) back: Edge,
}

impl Chain {
    pub(crate) async fn start(backend: &Backend) -> Self {
        Self::with(backend, "").await
    }

    /// The same, with more fields for the connection manager of the back.
    pub(crate) async fn with(backend: &Backend, manager: &str) -> Self {
        Self::of(backend, "", manager).await
    }

    /// The same, with more fields for both.
    pub(crate) async fn of(backend: &Backend, front: &str, back: &str) -> Self {
        let back = Edge::with(backend, ALL, back).await;
        let front = Edge::in_front_of(&quic_cluster("backend", back.process.address("http3")), ALL, front).await;
        Self { front, back }
    }
}

/// A cluster with one host, reached by HTTP/3, its certificate verified.
pub(crate) fn quic_cluster(name: &str, address: SocketAddr) -> String {
    cluster(name, address, &trusted(&Certificates::of_this_run().authority), "")
}

/// The field of a TLS context that trusts an authority.
pub(crate) fn trusted(authority: &str) -> String {
    let authority = authority.replace('\n', "\\n");
    format!("common_tls_context: {{validation_context: {{trusted_ca: {{inline_string: \"{authority}\"}}}}}}")
}

/// A cluster with one host and these fields for its TLS context and its HTTP/3 options.
pub(crate) fn cluster(name: &str, address: SocketAddr, tls: &str, http3: &str) -> String {
    let (ip, port) = (address.ip(), address.port());
    // Only where nobody answers is it worth giving up early.
    let patience = if name == "unanswering" { "0.5s" } else { "20s" };
    format!(
        "  - name: {name}
    connect_timeout: {patience}
    transport_socket:
      name: envoy.transport_sockets.quic
      typed_config:
        \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.quic.v3.QuicUpstreamTransport
        upstream_tls_context: {{{tls}}}
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        \"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {{http3_protocol_options: {{{http3}}}}}
    load_assignment:
      cluster_name: {name}
      endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: \"{ip}\", port_value: {port}}}}}}}}}]}}]
"
    )
}
