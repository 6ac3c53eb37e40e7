//! TLS sessions and early data: who resumes where, what goes upstream before the handshake is complete, and that nothing
//! of it is done twice (RFC 8446 §8, RFC 8470, RFC 9001 §4.6).

pub(crate) mod client;
mod policy;
pub(crate) mod relay;
mod replays;
mod requests;
mod sessions;
mod workers;

use crate::edge::Edge;
use crate::support::deadline::until;

/// A counter of the gateway's listeners: all have one name, since their ports are 0.
async fn counted(edge: &Edge, name: &str) -> i64 {
    edge.process.stats().await.of(&format!("listener.127.0.0.1_0.{name}"))
}

/// The server is done later than its client, and a client that leaves before is not heard.
async fn until_handshakes(edge: &Edge, count: i64) {
    let enough = async || (counted(edge, "ssl.handshake").await >= count).then_some(());
    until(format_args!("{count} handshakes"), enough).await;
}

/// What clients count together, where `QUICGATE_CLIENTS` says no other number.
fn clients(default: usize) -> usize {
    std::env::var("QUICGATE_CLIENTS").ok().and_then(|count| count.parse().ok()).unwrap_or(default)
}
