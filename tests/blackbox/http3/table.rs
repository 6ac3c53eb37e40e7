//! Plays rows, all at once, against one gateway.

use quinn::Endpoint;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::client::{Client, endpoint};
use super::row::{Row, Want};
use crate::edge::{ALL, Edge};
use crate::support::deadline::DEADLINE;
use crate::watched::{Expected, Watched};

/// Plays all rows; names those of which came what must not.
pub(super) async fn play(rows: Vec<Row>) {
    play_with("", rows).await;
}

/// Plays all rows against a gateway with more fields for its connection managers; returns it as it is after them.
pub(super) async fn play_with(manager: &str, rows: Vec<Row>) -> Edge {
    let watched = Watched::start().await;
    let edge = Edge::with(&watched.backend, ALL, manager).await;
    let mut failures = all_at_once(&rows, &endpoint(), &edge).await;
    failures.extend(watched.failures(&rows.iter().map(expected).collect::<Vec<_>>()));
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
    edge
}

async fn all_at_once(rows: &[Row], endpoint: &Endpoint, edge: &Edge) -> Vec<String> {
    let address = edge.process.address("http3");
    let mut playing = JoinSet::new();
    for row in rows.iter().cloned() {
        let endpoint = endpoint.clone();
        playing.spawn(async move {
            let client = Client::connect(&endpoint, address).await;
            let played = timeout(DEADLINE, client.play(&row)).await;
            let played = played.unwrap_or_else(|_| Err("nothing came".to_owned()));
            played.map_err(|error| format!("{}: {error}", row.name))
        });
    }
    playing.join_all().await.into_iter().filter_map(Result::err).collect()
}

fn expected(row: &Row) -> Expected<'_> {
    Expected { name: &row.name, upstream: row.upstream, goes_on: !matches!(row.want, Want::Closed(_)) }
}
