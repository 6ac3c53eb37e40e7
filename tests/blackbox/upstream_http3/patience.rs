//! Upstreams that let wait for themselves, and clients that do.

use super::chain::{Chain, cluster, quic_cluster, trusted};
use super::row::{Row, Step, Want};
use super::server::Server;
use crate::edge::{ALL, Edge};
use crate::http3::row::H3_REQUEST_CANCELLED;
use crate::http3::wire::headers;
use crate::settings::quic::connect;
use crate::support::backend::{Backend, Script};
use crate::support::certificates::Certificates;
use crate::support::client::Version;
use crate::support::deadline::{until, within};
use crate::support::message::{End, Request};
use crate::support::wire::Wire;

#[tokio::test]
async fn what_one_connection_has_no_room_for_goes_on_another() {
    // The first request is never answered, and its stream never given back.
    let server = Server::narrow(Row::new("first"));
    let front = Edge::in_front_of(&quic_cluster("backend", server.address()), &within_time("5s"), "").await;
    let client = front.client(Version::Http2).await;
    let mut first = client.open(&Request::get("/first"), true).await;
    until("the first request is there", async || server.played()).await.expect("the row");
    for _ in 0..3 {
        assert_eq!(client.send(Request::get("/second")).await.status, 200);
    }
    assert_eq!(first.download.reply().await.status, 504);
    assert_eq!(client.send(Request::get("/third")).await.status, 200);
    assert_eq!(server.names().len(), 2);
}

#[tokio::test]
async fn content_that_breaks_off_ends_a_request_that_the_upstream_does_not_answer() {
    let server = Server::playing(Row::new("silent").want(Want::Reset(H3_REQUEST_CANCELLED)));
    let front = Edge::in_front_of(&quic_cluster("backend", server.address()), ALL, "").await;
    let mut wire = Wire::tcp(front.process.address("http")).await.expect("a connection");
    let request = "POST / HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n4\r\npart\r\nno length\r\n";
    wire.write(request).await.expect("the request is written");
    assert_eq!(within("the answer", wire.reply("POST")).await.status, 400);
    until("the upstream has seen it", async || server.played()).await.expect("a reset");
}

#[tokio::test]
async fn responses_that_nobody_reads_hold_up_no_other() {
    let content = vec![b'x'; 4 << 20];
    let backend = Backend::start(move |received| match received.path() {
        "/large" => Script::reply(200, &content),
        _ => Script::bytes("HTTP/1.1 204 No Content\r\n\r\n"),
    })
    .await;
    let chain = Chain::start(&backend).await;
    let client = chain.front.client(Version::Http2).await;
    let mut unread = Vec::new();
    for _ in 0..8 {
        let mut exchange = client.open(&Request::get("/large"), true).await;
        assert_eq!(exchange.download.head().await.status, 200);
        unread.push(exchange);
    }
    // What the client does not take stays where it is, up to the windows of the streams.
    for _ in 0..20 {
        let reply = within("the other response", client.send(Request::get("/small"))).await;
        assert_eq!((reply.status, reply.end), (204, End::Complete));
    }
    assert_eq!(chain.front.process.stats().await.of("cluster.backend.upstream_cx_total"), 1);
}

#[tokio::test]
async fn rfc9114_5_1_a_connection_is_kept_while_a_response_is_awaited() {
    let server = Server::playing(Row::new("slow").step(Step::UntilHeard).whole(headers(&[(":status", "200")])));
    let front = Edge::in_front_of(&quic_cluster("backend", server.address()), ALL, "").await;
    assert_eq!(front.client(Version::Http2).await.send(Request::get("/")).await.status, 200);
}

#[tokio::test]
async fn an_upstream_is_kept_alive_as_it_is_configured() {
    for (interval, status) in [("0.3s", 200), ("0s", 503)] {
        let backend =
            Backend::start(|_| Script::nothing().when_released().then("HTTP/1.1 200 OK\r\n\r\n").close()).await;
        let back = Edge::altered(&backend, &[("quic_options: {}", "quic_options: {idle_timeout: 1s}")]).await;
        let address = back.process.address("http3");
        let http3 = format!("quic_protocol_options: {{connection_keepalive: {{max_interval: {interval}}}}}");
        let tls = trusted(&Certificates::of_this_run().authority);
        let front = Edge::in_front_of(&cluster("backend", address, &tls, &http3), ALL, "").await;
        let client = front.client(Version::Http2).await;
        let mut exchange = client.open(&Request::get("/"), true).await;
        until("the backend has the request", async || (backend.connections() > 0).then_some(())).await;
        // Others are forgotten meanwhile, one after the other.
        for _ in 0..2 {
            within("the end of an idle connection", connect(address).await.closed()).await;
        }
        backend.release();
        assert_eq!(exchange.download.head().await.status, status, "{interval}");
    }
}

#[tokio::test]
async fn an_upstream_that_came_back_without_a_word_is_found() {
    let before = Server::good();
    let front = Edge::in_front_of(&quic_cluster("backend", before.address()), &within_time("12s"), "").await;
    let client = front.client(Version::Http2).await;
    assert_eq!(client.send(Request::get("/")).await.status, 200);
    // Nobody on that port knows the connection any more.
    let after = Server::in_place_of(&before).await;
    assert_eq!(client.send(Request::get("/")).await.status, 504);
    assert_eq!(client.send(Request::get("/")).await.status, 200);
    assert_eq!(after.names().len(), 1);
}

/// Everything to the backend, for so long.
fn within_time(timeout: &str) -> String {
    ALL.replace("cluster: backend", &format!("cluster: backend, timeout: {timeout}"))
}
