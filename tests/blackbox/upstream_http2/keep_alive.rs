//! `connection_keepalive`: signs of life of an upstream.

use super::chain::{clear, cluster, explicit};
use super::server::{Manner, Server};
use crate::edge::{ALL, Edge};
use crate::support::client::Version;
use crate::support::deadline::until;
use crate::support::message::Request;

#[tokio::test]
async fn an_upstream_is_asked_for_signs_of_life() {
    let (asked, left_alone) = (Server::good().await, Server::good().await);
    let interval = "connection_keepalive: {interval: 0.05s, timeout: 20s}";
    let none = clear("none", left_alone.address(), "connection_keepalive: {timeout: 20s}");
    let clusters = [clear("backend", asked.address(), interval), none].concat();
    let routes = "              - {match: {prefix: /none}, route: {cluster: none}}\n".to_owned() + ALL;
    let front = Edge::in_front_of(&clusters, &routes, "").await;
    let client = front.client(Version::Http2).await;
    for path in ["/none", "/"] {
        assert_eq!(client.send(Request::get(path)).await.status, 200);
    }
    until("three questions", async || (asked.pings() >= 3).then_some(())).await;
    for path in ["/none", "/"] {
        assert_eq!(client.send(Request::get(path)).await.status, 200);
    }
    assert_eq!((asked.connections(), left_alone.connections(), left_alone.pings()), (1, 1, 0));
}

#[tokio::test]
async fn an_upstream_that_gives_no_sign_of_life_is_left() {
    let server = Server::start(Manner { is_deaf: true, waits: true, ..Manner::default() }).await;
    let options = "connection_keepalive: {interval: 0.05s, timeout: 0.1s}";
    let front = Edge::in_front_of(&clear("backend", server.address(), options), ALL, "").await;
    let client = front.client(Version::Http2).await;
    let reply = client.send(Request::get("/")).await;
    assert_eq!(reply.status, 503, "{}", reply.text());
    let line = front.process.log("access.log").lines(1).await.pop().expect("a line");
    assert_eq!(line["details"], "upstream_reset_before_response_started{connection_termination}", "{line}");
    until("the connection is over", async || (server.open() == 0).then_some(())).await;
    let stats = front.process.stats().await;
    assert_eq!(stats.of("cluster.backend.http2.keepalive_timeout"), 1);
    assert_eq!(stats.of("cluster.backend.upstream_cx_destroy_local"), 1);
}

#[tokio::test]
async fn a_stream_that_comes_after_a_while_is_preceded_by_a_question() {
    let (server, other) = (Server::good().await, Server::good().await);
    let options = "connection_keepalive: {timeout: 20s, connection_idle_interval: 0.2s}";
    let idle = format!("common_http_protocol_options: {{idle_timeout: 0.4s}}\n        {}", explicit(""));
    let clusters = [clear("backend", server.address(), options), cluster("other", other.address(), "", &idle)].concat();
    let routes = "              - {match: {prefix: /other}, route: {cluster: other}}\n".to_owned() + ALL;
    let front = Edge::in_front_of(&clusters, &routes, "").await;
    let client = front.client(Version::Http2).await;
    assert_eq!(client.send(Request::get("/")).await.status, 200);
    // Another connection, which began later, is idle for twice as long meanwhile.
    assert_eq!(client.send(Request::get("/other")).await.status, 200);
    until("the other is over", async || (other.open() == 0).then_some(())).await;
    assert_eq!(server.pings(), 0);
    assert_eq!(client.send(Request::get("/")).await.status, 200);
    until("a question", async || (server.pings() == 1).then_some(())).await;
    assert_eq!(server.connections(), 1);
}
