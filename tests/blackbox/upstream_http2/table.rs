//! Plays rows, all at once, each with an upstream of its own behind one gateway.

use std::collections::BTreeMap;

use super::chain::clear;
use super::row::{Row, Want};
use super::server::Server;
use crate::upstream_http3::table::{Case, Upstream, play_cases};

/// Plays all rows; names those of which came what must not.
pub(super) async fn play(rows: Vec<Row>) {
    let mut servers = BTreeMap::new();
    for row in &rows {
        servers.insert(row.name.clone(), Server::playing(row.clone()).await);
    }
    let clusters: String = servers.iter().map(|(name, server)| clear(name, server.address(), "")).collect();
    let case = |row: Row| Case {
        connections: if matches!(row.want, Want::Closed(_) | Want::Left) { 2 } else { 1 },
        name: row.name,
        method: row.method,
        client: row.client,
    };
    play_cases(rows.into_iter().map(case).collect(), &servers, &clusters).await;
}

impl Upstream for Server {
    fn played(&self) -> Option<Result<(), String>> {
        Self::played(self)
    }

    fn connections(&self) -> usize {
        Self::connections(self)
    }
}
