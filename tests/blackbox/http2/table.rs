//! Plays rows, all at once, against one gateway.

use std::net::SocketAddr;

use tokio::task::LocalSet;
use tokio::time::timeout;

use super::client::Client;
use super::row::{Row, Want};
use crate::edge::{ALL, Edge};
use crate::support::deadline::DEADLINE;
use crate::watched::{Expected, Watched};

/// Plays all rows; names those of which came what must not.
pub(super) async fn play(rows: Vec<Row>) {
    let watched = Watched::start().await;
    let edge = Edge::start(&watched.backend, ALL).await;
    let mut failures = all_at_once(&rows, &edge).await;
    failures.extend(watched.failures(&rows.iter().map(expected).collect::<Vec<_>>()));
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
}

async fn all_at_once(rows: &[Row], edge: &Edge) -> Vec<String> {
    let address = edge.process.address("https");
    // The support's clients stay on their thread.
    let playing = LocalSet::new();
    let played: Vec<_> = rows.iter().cloned().map(|row| playing.spawn_local(one(row, address))).collect();
    playing.await;
    let mut failures = Vec::new();
    for played in played {
        failures.extend(played.await.expect("a row is played").err());
    }
    failures
}

async fn one(row: Row, address: SocketAddr) -> Result<(), String> {
    let client = Client::connect(address).await.expect("a connection");
    let played = timeout(DEADLINE, client.play(&row)).await;
    let played = played.unwrap_or_else(|_| Err("nothing came".to_owned()));
    played.map_err(|error| format!("{}: {error}", row.name))
}

fn expected(row: &Row) -> Expected<'_> {
    Expected { name: &row.name, upstream: row.upstream, goes_on: !matches!(row.want, Want::Closed(_)) }
}
