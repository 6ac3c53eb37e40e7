//! Plays rows, all at once, against one gateway.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use quinn::Endpoint;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::client::{AFTER, Client, endpoint};
use super::row::{Row, Upstream, Want};
use crate::edge::{ALL, Edge};
use crate::support::backend::{Backend, Script};
use crate::support::deadline::DEADLINE;

/// Plays all rows; names those of which came what must not.
pub(super) async fn play(rows: Vec<Row>) {
    play_with("", rows).await;
}

/// Plays all rows against a gateway with more fields for its connection managers; returns it as it is after them.
pub(super) async fn play_with(manager: &str, rows: Vec<Row>) -> Edge {
    let begun: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let heads = Arc::clone(&begun);
    let backend = Backend::start(move |received| {
        heads.lock().unwrap_or_else(PoisonError::into_inner).insert(received.path().to_owned());
        Script::echo(received)
    })
    .await;
    let edge = Edge::with(&backend, ALL, manager).await;
    let mut failures = all_at_once(&rows, &endpoint(), &edge).await;
    let whole: BTreeSet<String> = backend.received().iter().map(|received| received.path().to_owned()).collect();
    let begun = begun.lock().unwrap_or_else(PoisonError::into_inner).clone();
    failures.extend(rows.iter().filter_map(|row| upstream(row, &begun, &whole)));
    // What is named for no row came of one that names itself otherwise.
    let names: BTreeSet<String> = rows.iter().flat_map(|row| [path(row), path(row) + AFTER]).collect();
    failures.extend(begun.difference(&names).map(|stray| format!("{stray} reached the backend")));
    assert_eq!(names.len(), rows.len() * 2, "two rows have one name");
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
