//! Upstreams that come to an end, and connections that are over.

use super::chain::{Chain, cluster, quic_cluster, trusted};
use super::row::{Answer, Row, Step, Want};
use super::server::Server;
use super::table::play;
use crate::edge::{ALL, Edge};
use crate::http3::row::H3_NO_ERROR;
use crate::http3::wire::{GOAWAY, data, frame, headers};
use crate::support::backend::Backend;
use crate::support::certificates::Certificates;
use crate::support::client::Version;
use crate::support::deadline::until;
use crate::support::message::{End, Request};
use crate::support::ports::Unanswering;
use crate::support::wire::tcp;

#[tokio::test]
async fn rfc9114_5_2_an_upstream_that_goes_away_is_left_and_loses_no_request() {
    let ok = headers(&[(":status", "200")]);
    play(vec![
        // What it served is answered, then the connection is over.
        Row::new("goes-after-this-one")
            .more_control(frame(GOAWAY, [4]))
            .whole([ok.clone(), data("last")].concat())
            .good("last")
            .want(Want::Closed(H3_NO_ERROR)),
        // What it did not serve is asked of a new connection.
        Row::new("goes-before-this-one").more_control(frame(GOAWAY, [0])).want(Want::Closed(H3_NO_ERROR)),
        // But not what has content: it may have been seen in part.
        Row::new("goes-before-content")
            .method("POST")
            .more_control(frame(GOAWAY, [0]))
            .want(Want::Closed(H3_NO_ERROR))
            .client(Answer::Local(503, "UR", "upstream_reset_before_response_started{remote_refused_stream_reset")),
    ])
    .await;
}

#[tokio::test]
async fn an_upstream_that_drains_fails_no_request() {
    let backend = Backend::echo().await;
    let chain = Chain::start(&backend).await;
    let client = chain.front.client(Version::Http2).await;
    let mut open = client.open(&Request::post("/", "never mind"), false).await;
    for _ in 0..5 {
        assert_eq!(client.send(Request::get("/")).await.status, 200);
    }
    // Those who are here are asked to go; those who come are served.
    chain.back.process.admin_post("/healthcheck/fail").await;
    for _ in 0..20 {
        let reply = client.send(Request::get("/")).await;
        assert_eq!((reply.status, reply.end), (200, End::Complete), "{}", reply.text());
    }
    open.upload.finish(Vec::new()).await.expect("what was open goes on");
    assert_eq!(open.download.reply().await.status, 200);
    let stats = chain.front.process.stats().await;
    assert!(stats.of("cluster.backend.upstream_cx_total") > 1, "{stats:?}");
    assert!(stats.of("cluster.backend.upstream_cx_close_notify") > 0, "{stats:?}");
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_a_failed_connection() {
    let unanswering = Unanswering::new();
    let front = Edge::in_front_of(&quic_cluster("unanswering", unanswering.address()), &to("unanswering"), "").await;
    let mut log = front.process.log("access.log");
    for version in Version::ALL {
        assert_eq!(front.client(version).await.send(Request::get("/")).await.status, 503, "{version:?}");
        let line = log.lines(1).await.pop().expect("a line");
        assert_eq!(line["flags"], "UF", "{version:?} {line}");
        assert_eq!(line["details"], "upstream_reset_before_response_started{connection_timeout}", "{version:?}");
    }
    let stats = front.process.stats().await;
    assert_eq!(stats.of("cluster.unanswering.upstream_cx_connect_timeout"), 3);
    assert_eq!(stats.of("cluster.unanswering.upstream_cx_active"), 0);
}

#[tokio::test]
async fn connect_timeout_is_for_all_that_a_connection_needs() {
    let server = Server::closed();
    let front = Edge::in_front_of(&quic_cluster("unanswering", server.address()), &to("unanswering"), "").await;
    assert_eq!(front.client(Version::Http2).await.send(Request::get("/")).await.status, 503);
    let line = front.process.log("access.log").lines(1).await.pop().expect("a line");
    assert_eq!(line["details"], "upstream_reset_before_response_started{connection_timeout}");
    let stats = front.process.stats().await;
    assert_eq!(stats.of("cluster.unanswering.upstream_cx_destroy_local"), 1);
    assert_eq!(stats.of("cluster.unanswering.upstream_cx_active"), 0);
}

#[tokio::test]
async fn upstreams_are_told_when_the_gateway_stops() {
    let backend = Backend::echo().await;
    let mut chain = Chain::start(&backend).await;
    assert_eq!(chain.front.client(Version::Http1).await.send(Request::get("/")).await.status, 200);
    chain.front.process.terminate();
    chain.front.process.exit().await;
    let active = async || {
        let active = chain.back.process.stats().await.of("http.edge.downstream_cx_active");
        (active == 0).then_some(())
    };
    until("the connection is over at the upstream", active).await;
}

#[tokio::test]
async fn a_stop_waits_for_an_upload_that_the_response_has_overtaken() {
    let early = [headers(&[(":status", "200")]), data("early")].concat();
    let server = Server::playing(Row::new("both").begins(early).step(Step::ReadWhile(Vec::new())).whole([]));
    let mut front = Edge::in_front_of(&quic_cluster("backend", server.address()), ALL, "").await;
    let client = front.client(Version::Http2).await;
    let mut exchange = client.open(&Request::new("POST", "/"), false).await;
    exchange.upload.data("first ").await.expect("the upload begins");
    assert_eq!(exchange.download.body_of(5).await.text(), "early");
    front.process.terminate();
    until("accepting to end", async || tcp(front.process.address("http")).await.err()).await;
    exchange.upload.data("second").await.expect("the upload goes on");
    exchange.upload.finish(Vec::new()).await.expect("the upload ends");
    let reply = exchange.download.reply().await;
    assert_eq!((reply.text().as_str(), reply.end), ("early", End::Complete));
    assert_eq!(server.read(), "first second".len());
    client.close().await;
    assert!(front.process.exit().await.success());
}

#[tokio::test]
async fn ipv6_is_spoken_too() {
    let backend = Backend::echo().await;
    let ipv6 = [("address: 127.0.0.1, port_value: 0", "address: \"::1\", port_value: 0")];
    let back = Edge::altered(&backend, &ipv6).await;
    let trusted = trusted(&Certificates::of_this_run().authority);
    let clusters = cluster("backend", back.process.address("http3"), &trusted, "");
    let front = Edge::in_front_of(&clusters, ALL, "").await;
    assert_eq!(front.client(Version::Http1).await.send(Request::get("/")).await.status, 200);
}

fn to(cluster: &str) -> String {
    format!("              - {{match: {{prefix: /}}, route: {{cluster: {cluster}}}}}\n")
}
