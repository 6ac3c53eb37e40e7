//! TLS on TCP and on QUIC: the same settings, the same answers.

mod believed;
mod certificates;
mod clients;
mod contexts;
mod gate;
mod guest;
mod half_open;
mod misdirected;
pub(crate) mod papers;
mod params;
mod rotation;
mod shown;
mod tickets;
mod told;

use crate::edge::Edge;
use crate::support::backend::Backend;

/// An edge with more fields in its two `DownstreamTlsContext`s, and other texts replaced.
async fn edge(more: &str, changes: &[(&str, &str)]) -> Edge {
    edge_with(more, more, changes).await
}

/// The same, where the fields stand as a block in the one and between braces in the other.
async fn edge_with(block: &str, flow: &str, changes: &[(&str, &str)]) -> Edge {
    const TCP: &str = "          common_tls_context: {";
    const QUIC: &str = "downstream_tls_context: {common_tls_context: {";
    let in_block = format!("          {block}\n{TCP}");
    let in_flow = format!("downstream_tls_context: {{{flow}, common_tls_context: {{");
    let fields = [(TCP, in_block.as_str()), (QUIC, in_flow.as_str())];
    let fields = if block.is_empty() { &[][..] } else { &fields };
    // Whoever asks for something is answered here: the backend is gone by then.
    let answers = [("route: {cluster: backend}", "direct_response: {status: 200}")];
    Edge::altered(&Backend::echo().await, &[fields, &answers, changes].concat()).await
}
