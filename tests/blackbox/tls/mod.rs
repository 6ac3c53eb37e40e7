//! TLS on TCP and on QUIC: the same settings, the same answers.

mod certificates;
mod clients;
mod contexts;
mod gate;
pub(crate) mod papers;
mod params;
mod shown;
mod told;

use crate::edge::Edge;
use crate::support::backend::Backend;

/// An edge with more fields in its two `DownstreamTlsContext`s, and other texts replaced.
async fn edge(more: &str, changes: &[(&str, &str)]) -> Edge {
    const TCP: &str = "          common_tls_context: {";
    const QUIC: &str = "downstream_tls_context: {common_tls_context: {";
    let in_block = format!("          {more}\n{TCP}");
    let in_flow = format!("downstream_tls_context: {{{more}, common_tls_context: {{");
    let fields = [(TCP, in_block.as_str()), (QUIC, in_flow.as_str())];
    let fields = if more.is_empty() { &[][..] } else { &fields };
    Edge::altered(&Backend::echo().await, &[fields, changes].concat()).await
}
