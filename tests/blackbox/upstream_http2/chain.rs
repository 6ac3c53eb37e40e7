//! A gateway that reaches another by HTTP/2, which has the backend behind it.

use std::net::SocketAddr;

use crate::edge::{ALL, Edge};
use crate::support::backend::Backend;
use crate::support::certificates::Certificates;
use crate::upstream_http3::chain::trusted;

/// Two gateways; clients come to the front.
pub(crate) struct Chain {
    pub(crate) front: Edge,
    pub(crate) back: Edge,
}

impl Chain {
    pub(crate) async fn start(backend: &Backend) -> Self {
        Self::with(backend, "", "").await
    }

    /// The same, with more fields for the connection manager of the back, and these options of the cluster.
    pub(crate) async fn with(backend: &Backend, manager: &str, http2: &str) -> Self {
        let back = Edge::with(backend, ALL, manager).await;
        let cluster = secured("backend", back.process.address("https"), http2);
        let front = Edge::in_front_of(&cluster, ALL, "").await;
        Self { front, back }
    }
}

/// A cluster with one host in the clear, reached by HTTP/2 with these options.
pub(crate) fn clear(name: &str, address: SocketAddr, http2: &str) -> String {
    cluster(name, address, "", &explicit(http2))
}

/// The same under TLS, its certificate verified.
pub(crate) fn secured(name: &str, address: SocketAddr, http2: &str) -> String {
    let trusted = trusted(&Certificates::of_this_run().authority);
    cluster(name, address, &tls(&trusted), &explicit(http2))
}

/// The HTTP options of a cluster of HTTP/2 with these of its own.
pub(crate) fn explicit(http2: &str) -> String {
    format!("explicit_http_config: {{http2_protocol_options: {{{http2}}}}}")
}

/// A transport socket of TLS with these fields of its context.
pub(crate) fn tls(context: &str) -> String {
    format!(
        "    transport_socket:
      name: envoy.transport_sockets.tls
      typed_config:
        \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
        {context}
"
    )
}

/// A cluster with one host, this transport socket and these HTTP options.
pub(crate) fn cluster(name: &str, address: SocketAddr, socket: &str, options: &str) -> String {
    let (ip, port) = (address.ip(), address.port());
    format!(
        "  - name: {name}
    connect_timeout: 20s
{socket}    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        \"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        {options}
    load_assignment:
      cluster_name: {name}
      endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: \"{ip}\", port_value: {port}}}}}}}}}]}}]
"
    )
}
