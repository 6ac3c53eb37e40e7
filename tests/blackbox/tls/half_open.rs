//! Clients over TCP that begin handshakes and do not go on: there are never too many of them.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::gate::client;
use crate::edge::{Edge, cluster};
use crate::support::backend::Backend;
use crate::support::client::{Client, Version};
use crate::support::deadline::{until, within};
use crate::support::message::Request;
use crate::support::process::Process;
use crate::support::program::{Gateway, Program};

const OVERFLOW: &str = "listener.127.0.0.1_0.downstream_pre_cx_overflow";

/// A gateway with one worker and these `HandshakeLimits` over TCP.
async fn limited(limits: &str, more: &str) -> Edge {
    let filters = format!(
        "listener_filters: [{more}{{name: limits, typed_config: {{\"@type\": type.googleapis.com/quicgate.extensions.filters.listener.handshake_limits.v1.HandshakeLimits, {limits}}}}}]"
    );
    let name = "name: https\n";
    let clusters = cluster("backend", &Backend::echo().await.address().to_string());
    let yaml =
        Edge::yaml_in_front_of(&clusters, "              - {match: {prefix: /}, direct_response: {status: 200}}\n");
    let yaml = yaml.replace(name, &format!("{name}    {filters}\n"));
    let program = Program { workers: 1, ..Gateway::program() };
    Edge { process: Process::start(&program, &yaml).await }
}

/// A client at this address that says so much, and no more.
async fn begin(edge: &Edge, host: u8, said: &[u8]) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 0, host), 0))).expect("an address");
    let mut io = socket.connect(edge.process.address("https")).await.expect("a connection");
    io.write_all(said).await.expect("written");
    io
}

async fn end(mut io: TcpStream) {
    // Closed, or reset where something was left unread.
    let _ = within("the end of the oldest", io.read(&mut [0; 1])).await;
}

/// What begins a TLS record of a handshake that is longer.
const RECORD: &[u8] = &[0x16, 3, 1, 1, 0, 1];

#[tokio::test]
async fn the_oldest_handshake_gives_way_and_good_clients_are_served() {
    // While the gateway looks at the beginning, and while TLS waits for more.
    let inspector = "{name: tls, typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector}}, ";
    for more in ["", inspector] {
        let edge = limited("half_open: 4", more).await;
        let mut waiting = std::collections::VecDeque::new();
        for given_up in 0..8 {
            while waiting.len() < 4 {
                waiting.push_back(begin(&edge, 1, RECORD).await);
            }
            // A good one needs a place too, for a moment.
            let tls = client(None, Version::Http2);
            let good = Client::http2(edge.process.address("https"), Some(tls)).await.expect("a handshake");
            assert_eq!(good.send(Request::get("/")).await.status, 200);
            end(waiting.pop_front().expect("the oldest")).await;
            let counted = async || (edge.process.stats().await.of(OVERFLOW) == given_up + 1).then_some(());
            until("the count", counted).await;
        }
        // Whoever is served has no place.
        let tls = client(None, Version::Http1);
        let served = Client::http1(edge.process.address("https"), Some(tls)).await.expect("a handshake");
        for _ in 0..9 {
            waiting.push_back(begin(&edge, 1, RECORD).await);
        }
        until("the others", async || (edge.process.stats().await.of(OVERFLOW) >= 16).then_some(())).await;
        assert_eq!(served.send(Request::get("/")).await.status, 200);
    }
}

#[tokio::test]
async fn who_begins_too_many_gives_up_his_own() {
    let edge = limited("half_open_per_source: 2", "").await;
    let other = begin(&edge, 2, RECORD).await;
    let mut own = Vec::new();
    for _ in 0..5 {
        own.push(begin(&edge, 3, RECORD).await);
    }
    for io in own.drain(..3) {
        end(io).await;
    }
    until("the count", async || (edge.process.stats().await.of(OVERFLOW) == 3).then_some(())).await;
    // It would have been the oldest of all.
    let mut byte = [0];
    assert!(other.try_read(&mut byte).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock));
}
