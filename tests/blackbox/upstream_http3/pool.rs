//! How many connections there are to an upstream, and how many exchanges on each.

use super::chain::{Chain, cluster, trusted};
use crate::edge::{ALL, Edge};
use crate::support::backend::{Backend, Script};
use crate::support::certificates::Certificates;
use crate::support::client::Version;
use crate::support::deadline::until;
use crate::support::message::Request;
use crate::support::ports::Unanswering;

/// A backend that answers when it is told to.
async fn patient() -> Backend {
    Backend::start(|_| Script::nothing().when_released().then("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")).await
}

/// Has 12 requests open at once, again and again, and says how many connections that took in all.
async fn connections_for_twelve(front: &Edge, backend: &Backend) -> i64 {
    // One connection of a client stays on one worker, which has a pool of its own.
    let client = front.client(Version::Http2).await;
    for round in 1..=3 {
        let mut open = Vec::new();
        for _ in 0..12 {
            open.push(client.open(&Request::get("/"), true).await);
        }
        backend.until_received(round * 12).await;
        for _ in 0..12 {
            backend.release();
        }
        for mut exchange in open {
            assert_eq!(exchange.download.reply().await.status, 200);
        }
    }
    front.process.stats().await.of("cluster.backend.upstream_cx_total")
}

#[tokio::test]
async fn one_connection_serves_all_that_it_may() {
    let backend = patient().await;
    let chain = Chain::start(&backend).await;
    assert_eq!(connections_for_twelve(&chain.front, &backend).await, 1);
}

#[tokio::test]
async fn a_connection_has_no_more_exchanges_than_the_cluster_allows() {
    let backend = patient().await;
    let back = Edge::start(&backend, ALL).await;
    let trusted = trusted(&Certificates::of_this_run().authority);
    let clusters = cluster(
        "backend",
        back.process.address("http3"),
        &trusted,
        "quic_protocol_options: {max_concurrent_streams: 4}",
    );
    let front = Edge::in_front_of(&clusters, ALL, "").await;
    assert_eq!(connections_for_twelve(&front, &backend).await, 3);
}

#[tokio::test]
async fn a_connection_has_no_more_exchanges_than_the_upstream_allows() {
    let backend = patient().await;
    let few = "          http3_protocol_options: {quic_protocol_options: {max_concurrent_streams: 6}}\n";
    let chain = Chain::with(&backend, few).await;
    assert_eq!(connections_for_twelve(&chain.front, &backend).await, 2);
}

#[tokio::test]
async fn many_who_ask_at_once_wait_for_one_handshake() {
    let backend = Backend::echo().await;
    let chain = Chain::start(&backend).await;
    let client = chain.front.client(Version::Http2).await;
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let client = client.clone();
        asking.spawn(async move { client.send(Request::get("/")).await.status });
    }
    assert!(asking.join_all().await.into_iter().all(|status| status == 200));
    assert_eq!(chain.front.process.stats().await.of("cluster.backend.upstream_cx_total"), 1);
}

#[tokio::test]
async fn those_who_gave_up_leave_their_place_at_a_handshake_to_others() {
    let silent = Unanswering::new();
    let few = cluster(
        "backend",
        silent.address(),
        &trusted(&Certificates::of_this_run().authority),
        "quic_protocol_options: {max_concurrent_streams: 1}",
    );
    let front = Edge::in_front_of(&few, ALL, "").await;
    let client = front.client(Version::Http2).await;
    for asked in 1..=4 {
        let mut exchange = client.open(&Request::get("/"), true).await;
        until("the request waits", async || {
            (front.process.stats().await.of("cluster.backend.upstream_rq_pending_total") == asked).then_some(())
        })
        .await;
        exchange.reset(0x8);
        until("the request is given up", async || {
            (front.process.stats().await.of("http.edge.downstream_rq_active") == 0).then_some(())
        })
        .await;
    }
    assert_eq!(front.process.stats().await.of("cluster.backend.upstream_cx_total"), 1);
}
