//! Plays rows, all at once, against one gateway.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::LocalSet;
use tokio::time::timeout;

use super::client::{AFTER, Client};
use super::row::{Row, Upstream, Want};
use crate::edge::{ALL, Edge};
use crate::support::backend::{Backend, Script};
use crate::support::deadline::DEADLINE;

/// Plays all rows; names those of which came what must not.
pub(super) async fn play(rows: Vec<Row>) {
    let begun: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let heads = Arc::clone(&begun);
    let backend = Backend::start(move |received| {
        heads.lock().unwrap_or_else(PoisonError::into_inner).insert(received.path().to_owned());
        Script::echo(received)
    })
    .await;
    let edge = Edge::start(&backend, ALL).await;
    let mut failures = all_at_once(&rows, &edge).await;
    let whole: BTreeSet<String> = backend.received().iter().map(|received| received.path().to_owned()).collect();
    let begun = begun.lock().unwrap_or_else(PoisonError::into_inner).clone();
    failures.extend(rows.iter().filter_map(|row| upstream(row, &begun, &whole)));
    // What is named for no row came of one that names itself otherwise.
    let names: BTreeSet<String> = rows.iter().flat_map(|row| [path(row), path(row) + AFTER]).collect();
    failures.extend(begun.difference(&names).map(|stray| format!("{stray} reached the backend")));
    assert_eq!(names.len(), rows.len() * 2, "two rows have one name");
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

/// What the backend saw of a row that it must not have seen, or did not see.
fn upstream(row: &Row, begun: &BTreeSet<String>, whole: &BTreeSet<String>) -> Option<String> {
    let path = path(row);
    let (seen, complete) = (begun.contains(&path), whole.contains(&path));
    let right = match row.upstream {
        Upstream::Nothing => !seen,
        Upstream::NothingWhole => !complete,
        Upstream::Whole => complete,
    };
    let after = whole.contains(&(path + AFTER)) || matches!(row.want, Want::Closed(_));
    let said = format!("{}: began {seen}, came whole {complete}, the one after it {after}", row.name);
    if right && after { None } else { Some(format!("at the backend: {said}")) }
}

fn path(row: &Row) -> String {
    format!("/{}", row.name)
}
