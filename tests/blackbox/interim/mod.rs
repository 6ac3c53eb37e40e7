//! Interim responses (1xx): which pass, in every version, and what of them must not.
//!
//! Each table is played where the backend is reached by HTTP/1 and where another gateway stands before it, reached by HTTP/3.

mod continues;
mod hints;
mod http1;
mod upstream;

use crate::edge::{ALL, Edge};
use crate::support::backend::Backend;
use crate::support::client::{Client, Version};
use crate::upstream_http3::chain::Chain;

/// The gateway with a backend behind it, and the one that has another gateway in between.
struct Ways {
    edge: Edge,
    chain: Chain,
}

impl Ways {
    async fn to(backend: &Backend) -> Self {
        Self::with(backend, "").await
    }

    /// The same, with more fields for every connection manager.
    async fn with(backend: &Backend, manager: &str) -> Self {
        Self { edge: Edge::with(backend, ALL, manager).await, chain: Chain::of(backend, manager, manager).await }
    }

    /// A client of each version on each way, and what it is called.
    async fn clients(&self) -> Vec<(String, Client)> {
        let mut clients = Vec::new();
        for (way, edge) in [("HTTP/1", &self.edge), ("HTTP/3", &self.chain.front)] {
            for version in Version::ALL {
                clients.push((format!("{version:?} to {way}"), edge.client(version).await));
            }
        }
        clients
    }
}

/// Envoy's setting that lets more than hints pass.
const PROXIED: &str = "          proxy_100_continue: true\n";
