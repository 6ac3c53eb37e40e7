//! TLS towards HTTP/1.1 upstreams: who they are, what they are asked for, what they are shown, and what goes wrong.

mod believed;
mod exchanges;
mod failures;
mod identity;
mod names;

mod server;
mod sessions;

use std::net::SocketAddr;

use crate::edge::{ALL, Edge, cluster};
use crate::support::certificates::Certificates;

/// A cluster with one host and these fields in its `UpstreamTlsContext`.
pub(crate) fn secured(name: &str, address: SocketAddr, tls: &str) -> String {
    altered(name, address, tls, "", "")
}

/// The same with more fields in its HTTP options, and of its endpoint.
fn altered(name: &str, address: SocketAddr, tls: &str, options: &str, endpoint: &str) -> String {
    let tls = if tls.is_empty() { String::new() } else { format!(", {tls}") };
    let socket = format!(
        "    transport_socket:
      name: envoy.transport_sockets.tls
      typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext{tls}}}
    load_assignment:
"
    );
    let explicit = "        explicit_http_config:";
    cluster(name, &address.to_string())
        .replace("    load_assignment:\n", &socket)
        .replace(explicit, &format!("{options}{explicit}"))
        .replace("endpoint: {", &format!("endpoint: {{{endpoint}"))
}

/// The field of a TLS context that trusts an authority, with more fields beside it.
fn trusting(authority: &str, more: &str) -> String {
    let authority = authority.replace('\n', "\\n");
    format!("common_tls_context: {{{more}validation_context: {{trusted_ca: {{inline_string: \"{authority}\"}}}}}}")
}

/// The same for the authority of this run.
pub(crate) fn trusted() -> String {
    trusting(&Certificates::of_this_run().authority, "")
}

/// An edge whose access log also tells of the TLS of the upstream.
async fn edge(clusters: &str, routes: &str) -> Edge {
    let yaml = Edge::yaml_in_front_of(clusters, routes);
    let more = "upstream: \"%UPSTREAM_HOST%\"
                  tls: \"%UPSTREAM_TLS_VERSION% %UPSTREAM_TLS_CIPHER% %UPSTREAM_TLS_GROUP%\"
                  name: \"%UPSTREAM_SERVER_NAME%\"
                  reason: \"%UPSTREAM_TRANSPORT_FAILURE_REASON%\"";
    let yaml = yaml.replace("upstream: \"%UPSTREAM_HOST%\"", more);
    Edge::of(&yaml).await
}

/// The same with everything to the cluster `backend`.
async fn in_front_of(clusters: &str) -> Edge {
    edge(clusters, ALL).await
}
