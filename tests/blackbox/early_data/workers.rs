//! Sessions resume, and early data is taken, on whichever worker a client comes back to.

use super::client::Early;
use super::{clients, counted, until_handshakes};
use crate::edge::Edge;
use crate::settings::quic::{client, resumable};
use crate::support::backend::{Backend, Script};
use crate::support::program::{Gateway, Program};

/// With so many workers: clients that come back from another port.
#[expect(clippy::print_stdout, reason = "a run by hand shows its figures")]
async fn clients_come_back(workers: usize) {
    let backend = Backend::start(|_| Script::reply(200, "ok")).await;
    let edge = Edge::by(&Program { workers, ..Gateway::program() }, &backend).await;
    let clients = clients(20);
    let mut accepted = 0;
    for number in 1..=clients {
        let (_, configuration) = resumable(&edge).await;
        let elsewhere = client().0;
        let mut early = Early::resume(&elsewhere, configuration, edge.process.address("http3")).await;
        assert_eq!(early.get("/").await.read().await.0, 200);
        until_handshakes(&edge, 2 * i64::try_from(number).expect("few")).await;
        early.close();
        accepted += usize::from(early.accepted.await);
    }
    let resumed = counted(&edge, "ssl.session_reused").await;
    println!("workers: {workers}, clients: {clients}, resumed: {resumed}, early data accepted: {accepted}");
    assert_eq!((accepted, resumed), (clients, i64::try_from(clients).expect("few")));
    assert_eq!(counted(&edge, "quic.early_data_accepted").await, resumed);
    assert_eq!(counted(&edge, "quic.early_data_rejected").await, 0);
}

#[tokio::test]
async fn rfc9001_4_6_early_data_is_taken_with_1_worker() {
    clients_come_back(1).await;
}

#[tokio::test]
async fn rfc9001_4_6_early_data_is_taken_with_2_workers() {
    clients_come_back(2).await;
}

#[tokio::test]
async fn rfc9001_4_6_early_data_is_taken_with_4_workers() {
    clients_come_back(4).await;
}

#[tokio::test]
async fn rfc9001_4_6_early_data_is_taken_with_8_workers() {
    clients_come_back(8).await;
}
