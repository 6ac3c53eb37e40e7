//! Upstreams that come to an end, and connections that are over.

use super::chain::{Chain, clear, cluster, explicit};
use super::row::{NO_ERROR, Row, Want, goaway};
use super::server::Server;
use super::table::play;
use crate::edge::{ALL, Edge};
use crate::support::backend::Backend;
use crate::support::client::Version;
use crate::support::deadline::until;
use crate::support::message::{End, Request};
use crate::support::ports::{Refusing, Unanswering};
use crate::upstream_http3::row::Answer;

#[tokio::test]
async fn rfc9113_6_8_an_upstream_that_goes_away_is_left_and_loses_no_request() {
    play(vec![
        // What it served is answered, then the connection is over.
        Row::new("goes-after-this-one")
            .write(goaway(1))
            .head(&[(":status", "200")])
            .content("last")
            .good("last")
            .want(Want::Closed(NO_ERROR)),
        // What it did not serve is asked of a new connection.
        Row::new("goes-before-this-one").write(goaway(0)).want(Want::Closed(NO_ERROR)),
        // But not what has content: it may have been seen in part.
        Row::new("goes-before-content")
            .method("POST")
            .write(goaway(0))
            .want(Want::Closed(NO_ERROR))
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
async fn an_idle_connection_that_the_upstream_leaves_is_not_used_again() {
    let server = Server::good().await;
    let front = Edge::in_front_of(&clear("backend", server.address(), ""), ALL, "").await;
    let client = front.client(Version::Http2).await;
    assert_eq!(client.send(Request::get("/")).await.status, 200);
    server.say(goaway(1));
    until("the connection is over", async || (server.open() == 0).then_some(())).await;
    assert_eq!(client.send(Request::get("/")).await.status, 200);
    assert_eq!(server.connections(), 2);
    let stats = front.process.stats().await;
    assert_eq!(stats.of("cluster.backend.upstream_cx_close_notify"), 1, "{stats:?}");
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_a_failed_connection() {
    let (refusing, unanswering) = (Refusing::new(), Unanswering::new());
    for (address, details, counted) in [
        (refusing.address(), "remote_connection_failure|delayed_connect_error:_Connection_refused", "connect_fail"),
        (unanswering.address(), "connection_timeout", "connect_timeout"),
    ] {
        let cluster = clear("backend", address, "").replace("connect_timeout: 20s", "connect_timeout: 0.5s");
        let front = Edge::in_front_of(&cluster, ALL, "").await;
        let mut log = front.process.log("access.log");
        for version in Version::ALL {
            assert_eq!(front.client(version).await.send(Request::get("/")).await.status, 503, "{version:?}");
            let line = log.lines(1).await.pop().expect("a line");
            assert_eq!(line["flags"], "UF", "{version:?} {line}");
            let details = format!("upstream_reset_before_response_started{{{details}}}");
            assert_eq!(line["details"], details.as_str(), "{version:?}");
        }
        let stats = front.process.stats().await;
        assert_eq!(stats.of(&format!("cluster.backend.upstream_cx_{counted}")), 3);
        assert_eq!(stats.of("cluster.backend.upstream_cx_active"), 0);
    }
}

#[tokio::test]
async fn rfc9113_6_8_an_upstream_is_told_that_its_connection_is_over() {
    for stops in [true, false] {
        let server = Server::good().await;
        let idle = if stops { "" } else { "common_http_protocol_options: {idle_timeout: 0.1s}\n        " };
        let options = format!("{idle}{}", explicit(""));
        let mut front = Edge::in_front_of(&cluster("backend", server.address(), "", &options), ALL, "").await;
        assert_eq!(front.client(Version::Http1).await.send(Request::get("/")).await.status, 200);
        if stops {
            front.process.terminate();
            front.process.exit().await;
        }
        until("the connection is over", async || (server.open() == 0).then_some(())).await;
        assert_eq!(server.goaways(), [NO_ERROR], "{stops}");
    }
}
