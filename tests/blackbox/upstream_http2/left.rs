//! Connections that an exchange has left behind: what the upstream or the client never ends keeps no place and no worker.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::chain::{cluster, tls};
use crate::edge::{ALL, Edge};
use crate::http2::wire::{SETTINGS, WINDOW_UPDATE, frame_on};
use crate::support::backend::{Backend, Script};
use crate::support::certificates::Certificates;
use crate::support::client::Version;
use crate::support::deadline::until;
use crate::support::message::Request;
use crate::support::tls_server::Setup;
use crate::upstream_http3::chain::trusted;

/// A front whose cluster has these common options.
async fn front(address: SocketAddr, socket: &str, protocol: &str, common: &str) -> Edge {
    let options =
        format!("common_http_protocol_options: {{{common}}}\n        explicit_http_config: {{{protocol}: {{}}}}");
    let idle = "          stream_idle_timeout: 0.3s\n";
    Edge::in_front_of(&cluster("backend", address, socket, &options), ALL, idle).await
}

/// Waits until no connection to the upstream has a place.
async fn until_none(edge: &Edge) {
    until("the connection has no place", async || {
        (edge.process.stats().await.of("cluster.backend.upstream_cx_active") == 0).then_some(())
    })
    .await;
}

/// Uploads until the exchange is given up.
async fn upload_in_vain(edge: &Edge) {
    let mut open = edge.client(Version::Http2).await.open(&Request::post("/", ""), false).await;
    let uploading = async {
        while open.upload.data(vec![0; 65536]).await.is_ok() {}
        std::future::pending::<()>().await;
    };
    tokio::select! {
        reply = open.download.reply() => assert_eq!(reply.status, 408),
        () = uploading => {}
    }
}

#[tokio::test]
async fn an_answer_before_the_end_of_an_open_upload_leaves_no_connection() {
    let backend = Backend::start(|received| match received.path() {
        "/open" => Script::reply(200, "early").early().stall(),
        _ => Script::echo(received),
    })
    .await;
    for common in ["idle_timeout: 0.2s, max_requests_per_connection: 1", "max_requests_per_connection: 1", ""] {
        let edge = front(backend.address(), "", "http_protocol_options", common).await;
        let client = edge.client(Version::Http2).await;
        let mut open = client.open(&Request::post("/open", "never"), false).await;
        assert_eq!(open.download.reply().await.text(), "early", "{common}");
        until_none(&edge).await;
        let stats = edge.process.stats().await;
        assert_eq!(stats.of("cluster.backend.upstream_cx_destroy_local"), 1, "{common}");
        assert_eq!(client.send(Request::get("/")).await.status, 200, "{common}");
        drop(open);
    }
}

#[tokio::test]
async fn an_upstream_under_tls_that_reads_no_more_keeps_no_connection() {
    let server = Setup { protocols: &["http/1.1"], ..Setup::default() }.configuration();
    let backend = Backend::secured(Arc::new(server), |_| Script::nothing().early().when_released()).await;
    let socket = tls(&trusted(&Certificates::of_this_run().authority));
    for common in ["idle_timeout: 0.2s", "max_connection_duration: 0.1s", ""] {
        let edge = front(backend.address(), &socket, "http_protocol_options", common).await;
        upload_in_vain(&edge).await;
        until_none(&edge).await;
    }
}

#[tokio::test]
async fn rfc9113_6_8_an_upstream_that_reads_no_more_keeps_no_connection() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a TCP port");
    let address = listener.local_addr().expect("the address of a bound socket");
    let mut accepting = JoinSet::new();
    accepting.spawn(async move {
        // It lets all be sent, and reads nothing.
        let windows = [
            frame_on(0, SETTINGS, 0, [&[0, 4][..], &0x7fff_ffff_u32.to_be_bytes()].concat()),
            frame_on(0, WINDOW_UPDATE, 0, 0x7fff_0000_u32.to_be_bytes()),
        ];
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.write_all(&windows.concat()).await.expect("the gateway's connection");
            held.push(stream);
        }
    });
    for common in ["idle_timeout: 0.2s", "max_connection_duration: 0.1s"] {
        let edge = front(address, "", "http2_protocol_options", common).await;
        upload_in_vain(&edge).await;
        until_none(&edge).await;
    }
}
