//! Clients whose address changes while they are served.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use bytes::BufMut as _;
use quinn::{Connection, Endpoint, TransportConfig, VarInt};
use tokio::task::JoinSet;

use crate::edge::{ALL, Edge};
use crate::settings::quic::client;
use crate::support::backend::{Backend, Script};
use crate::support::deadline::{until, within};
use crate::support::message::field;
use crate::support::program::{Gateway, Program};

/// How datagrams reach their workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Steering {
    /// By the kernel.
    Bpf,
    /// By the workers, whatever socket they come to.
    HandOver,
}

/// With so many workers: clients that change their UDP port three times in the middle of a download.
#[expect(clippy::print_stdout, reason = "a run by hand shows its figures")]
async fn clients_move(workers: usize, steering: Steering) {
    let backend = Backend::start(|received| Script::reply(200, body(received.path()))).await;
    let edge = start(workers, steering, &backend).await;
    let gateway = edge.process.address("http3");
    let clients = std::env::var("QUICGATE_CLIENTS").ok().and_then(|count| count.parse().ok()).unwrap_or(CLIENTS);
    let downloads = (0..clients).map(|number| download(client().0, gateway, number, MOVES));
    let whole = whole(downloads.collect()).await;
    let stats = until("the end of all connections, which is seen as moved", async || {
        let stats = edge.process.stats().await;
        (stats.of("listener.127.0.0.1_0.quic.cx_migrated") == i64::try_from(clients).ok()?).then_some(stats)
    })
    .await;
    let counted = |name: &str| stats.of(&format!("listener.127.0.0.1_0.quic.steering.{name}"));
    let [bpf, handed_over, dropped] = ["bpf", "handed_over", "handed_over_dropped"].map(counted);
    println!(
        "{steering:?}, workers: {workers}, clients: {clients}, whole: {whole}, handed over: {handed_over}, dropped: {dropped}"
    );
    assert_eq!(whole, clients);
    assert_eq!(bpf, i64::from(workers > 1 && steering == Steering::Bpf));
    // What the kernel spreads by addresses comes to the wrong worker now and then; what it steers never does.
    assert_eq!(handed_over > 0, workers > 1 && steering == Steering::HandOver);
}

async fn start(workers: usize, steering: Steering, backend: &Backend) -> Edge {
    let program = Program { workers, ..Gateway::program() };
    if steering == Steering::Bpf {
        return Edge::by(&program, backend).await;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let executable = directory.path().join("without-bpf");
    let script = format!("#!/bin/sh\nQUICGATE_WITHOUT_BPF=1 exec '{}' \"$@\"\n", program.executable.display());
    fs::write(&executable, script).expect("a script");
    fs::set_permissions(&executable, fs::Permissions::from_mode(0o755)).expect("its mode");
    Edge::by(&Program { executable, ..program }, backend).await
}

#[tokio::test]
async fn rfc9000_9_downloads_go_on_with_1_worker() {
    // Nothing is to be steered.
    clients_move(1, Steering::Bpf).await;
}

#[tokio::test]
async fn rfc9000_9_downloads_go_on_with_2_workers() {
    clients_move(2, Steering::Bpf).await;
    clients_move(2, Steering::HandOver).await;
}

#[tokio::test]
async fn rfc9000_9_downloads_go_on_with_4_workers() {
    clients_move(4, Steering::Bpf).await;
    clients_move(4, Steering::HandOver).await;
}

#[tokio::test]
async fn rfc9000_9_downloads_go_on_with_8_workers() {
    clients_move(8, Steering::Bpf).await;
    clients_move(8, Steering::HandOver).await;
}

#[tokio::test]
async fn rfc9000_5_1_connections_of_one_port_have_each_its_worker() {
    for steering in [Steering::Bpf, Steering::HandOver] {
        let backend = Backend::start(|received| Script::reply(200, body(received.path()))).await;
        let edge = start(4, steering, &backend).await;
        let (endpoint, gateway) = (client().0, edge.process.address("http3"));
        // All move when the first of them does.
        let moves = |number| if number == 0 { MOVES } else { 0 };
        let downloads = (0..CLIENTS).map(|number| download(endpoint.clone(), gateway, number, moves(number)));
        assert_eq!(whole(downloads.collect()).await, CLIENTS, "{steering:?}");
    }
}

#[tokio::test]
async fn a_client_has_the_address_of_its_handshake_for_the_whole_connection() {
    let backend = Backend::echo().await;
    let edge = telling(&backend).await;
    let (endpoint, configuration) = client();
    let connecting = endpoint.connect_with(configuration, edge.process.address("http3"), "localhost");
    let connection = within("a QUIC handshake", connecting.expect("an address")).await.expect("a connection");
    move_to(&endpoint, ELSEWHERE);
    within("an answer", get(connection.clone(), "/", |_| {})).await;
    assert_eq!(forwarded_for(&backend).as_deref(), Some("127.0.0.1"));
    connection.close(VarInt::from_u32(H3_NO_ERROR), b"");
    let line = edge.process.log("connections.log").lines(1).await.pop().expect("a line");
    assert_eq!(line["remote"], "127.0.0.1", "{line}");
}

/// A gateway that tells the backend where clients are.
async fn telling(backend: &Backend) -> Edge {
    Edge::with(backend, ALL, "          use_remote_address: true\n").await
}

fn forwarded_for(backend: &Backend) -> Option<String> {
    let received = backend.received().pop().expect("a request");
    field(&received.headers, "x-forwarded-for").map(str::to_owned)
}

/// How many downloads there were, of which each brought what it should.
async fn whole(mut downloads: JoinSet<(String, Vec<u8>)>) -> usize {
    let mut whole = 0;
    while let Some(done) = within("a download", downloads.join_next()).await {
        let (path, received) = done.expect("a download is not cancelled");
        assert!(received == body(&path), "{path}: {} bytes of {}, or others", received.len(), body(&path).len());
        whole += 1;
    }
    whole
}

/// A download of its own path, during which the client moves so often; the path and what came.
async fn download(endpoint: Endpoint, gateway: SocketAddr, number: usize, moves: usize) -> (String, Vec<u8>) {
    let (path, mut configuration) = (format!("/{number}"), client().1);
    let mut transport = TransportConfig::default();
    // So that after each move most of what is left is still to be sent.
    transport.stream_receive_window(VarInt::from_u32(WINDOW));
    configuration.transport_config(Arc::new(transport));
    let connecting = endpoint.connect_with(configuration, gateway, "localhost").expect("an address");
    let connection = connecting.await.expect("a connection");
    let mut moves = (1..=moves).map(|turn| turn * BODY / (moves + 1)).peekable();
    let progress = |received| {
        if moves.next_if(|after| received >= *after).is_some() {
            move_to(&endpoint, Ipv4Addr::LOCALHOST);
        }
    };
    let body = get(connection, &path, progress).await;
    assert_eq!(moves.next(), None, "the client has not moved as often as it should");
    (path, body)
}

/// A GET by the h3 crate; `progress` is told how many bytes of the body are there.
pub(crate) async fn get(connection: Connection, path: &str, mut progress: impl FnMut(usize)) -> Vec<u8> {
    let connection = h3_quinn::Connection::new(connection);
    let (_driver, mut requests) = h3::client::new(connection).await.expect("streams can be opened");
    let head = http::Request::get(format!("https://localhost{path}")).body(()).expect("a head");
    let mut stream = requests.send_request(head).await.expect("a stream");
    stream.finish().await.expect("the stream stands");
    assert_eq!(stream.recv_response().await.expect("a response").status(), 200);
    let mut body = Vec::new();
    while let Some(part) = stream.recv_data().await.expect("the body goes on") {
        body.put(part);
        progress(body.len());
    }
    body
}

/// From now on the client's datagrams come from another socket.
pub(crate) fn move_to(endpoint: &Endpoint, ip: Ipv4Addr) {
    let socket = UdpSocket::bind((ip, 0)).expect("a UDP socket on loopback");
    endpoint.rebind(socket).expect("a socket in place of another");
}

/// What is answered: another body for each path, of which no part is like another.
fn body(path: &str) -> Vec<u8> {
    (0..).flat_map(|line| format!("{path} {line}\n").into_bytes()).take(BODY).collect()
}

/// Loopback as well, another address.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// RFC 9114 §8.1.
const H3_NO_ERROR: u32 = 0x100;

/// Clients at once, where `QUICGATE_CLIENTS` says no other number.
const CLIENTS: usize = 40;

/// How often each of them moves.
const MOVES: usize = 3;

/// Bytes of a download.
const BODY: usize = 256 << 10;

/// Bytes of a download that may be under way.
const WINDOW: u32 = 16 << 10;
