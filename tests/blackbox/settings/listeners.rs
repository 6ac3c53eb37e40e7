//! Where a listener listens, and how many may wait there.

use std::net::SocketAddr;

use rustix::process::Signal;
use socket2::{Domain, Socket, Type};

use crate::edge::Edge;
use crate::support::backend::Backend;
use crate::support::client::Client;
use crate::support::deadline::until;
use crate::support::message::Request;
use crate::support::ports::reserve;
use crate::support::process::Process;
use crate::support::program::{Gateway, Program};

const ADDRESS: &str = "  - name: http\n    address: {socket_address: {address: 127.0.0.1, port_value: 0}}\n";

#[tokio::test]
async fn a_listener_is_where_its_addresses_are() {
    let backend = Backend::echo().await;
    let port = reserve();
    let at = |ip: &str| format!("address: {{socket_address: {{protocol: TCP, address: {ip}, port_value: {port}}}}}");
    let changed =
        format!("  - name: http\n    {}\n    additional_addresses: [{{{}}}]\n", at("127.0.0.2"), at("127.0.0.3"));
    let edge = Edge::altered(&backend, &[(ADDRESS, &changed)]).await;
    for (last, listens) in [(1, false), (2, true), (3, true)] {
        let address = SocketAddr::from(([127, 0, 0, last], port));
        match Client::http1(address, None).await {
            Ok(client) if listens => assert_eq!(client.send(Request::get("/")).await.status, 200, "{address}"),
            outcome => assert_eq!(outcome.is_ok(), listens, "{address}"),
        }
    }
    // Statistics are named for the first address, and for a prefix where there is one.
    let stats = edge.process.stats().await;
    assert_eq!(stats.of(&format!("listener.127.0.0.2_{port}.downstream_cx_total")), 2);
}

#[tokio::test]
async fn statistics_have_the_prefix_of_their_listener() {
    let backend = Backend::echo().await;
    let changed = format!("{ADDRESS}    stat_prefix: front\n");
    let edge = Edge::altered(&backend, &[(ADDRESS, &changed)]).await;
    assert_eq!(edge.process.plain_client("http").await.send(Request::get("/")).await.status, 200);
    let stats = edge.process.stats().await;
    assert_eq!(stats.of("listener.front.downstream_cx_total"), 1);
    assert_eq!(stats.of("listener.front.http.edge.downstream_rq_2xx"), 1);
    assert_eq!(stats.of("http.edge.downstream_rq_2xx"), 1);
}

/// A second listener that differs in what is given.
fn with_another(yaml: &str, fields: &str) -> String {
    let (before, listener) = yaml.split_once("  - name: only\n").expect("a listener");
    let another = listener.replacen("    filter_chains:", &format!("{fields}    filter_chains:"), 1);
    format!("{before}  - name: only\n{listener}  - name: another\n{another}")
}

#[tokio::test]
async fn as_many_may_wait_as_the_backlog_holds() {
    let program = Program { workers: 1, ..Gateway::program() };
    let process = Process::start(&program, &with_another(&crate::host::on_port(0), "    tcp_backlog_size: 1\n")).await;
    let (unlimited, limited) = (process.address("only"), process.address("another"));
    // Nobody accepts any more: who comes now has to wait.
    process.signal(Signal::STOP);
    until("every thread to stop", async || is_stopped(process.pid()).then_some(())).await;
    let queue = |address: SocketAddr| -> Vec<Socket> { (0..10).map(|_| begin(address)).collect() };
    let (few, all) = (queue(limited), queue(unlimited));
    let connected = |sockets: &[Socket]| sockets.iter().filter(|socket| socket.peer_addr().is_ok()).count();
    until("the longer queue to be full", async || (connected(&all) == 10).then_some(())).await;
    // Linux lets one more in than the backlog says.
    assert_eq!(connected(&few), 2);
    process.signal(Signal::CONT);
}

/// Whether all threads of a process are stopped, as Linux says in `proc_pid_stat(5)`.
fn is_stopped(pid: u32) -> bool {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("our own child");
    let states = tasks.flatten().filter_map(|task| std::fs::read_to_string(task.path().join("stat")).ok());
    states.into_iter().all(|stat| stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T')))
}

/// Begins to connect.
fn begin(address: SocketAddr) -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a TCP socket");
    socket.set_nonblocking(true).expect("a socket that does not block");
    // In progress or not: it shows in whether there is a peer.
    drop(socket.connect(&address.into()));
    socket
}

#[tokio::test]
async fn the_admin_interface_is_where_it_is_said_to_be() {
    let backend = Backend::echo().await;
    let port = reserve();
    let admin = format!(
        "admin: {{address: {{socket_address: {{address: 127.0.0.2, port_value: {port}}}}}}}\nstatic_resources:\n"
    );
    let _edge = Edge::altered(&backend, &[("static_resources:\n", &admin)]).await;
    let address = SocketAddr::from(([127, 0, 0, 2], port));
    let client = Client::http1(address, None).await.expect("the admin interface listens");
    assert_eq!(client.send(Request::get("/ready")).await.text(), "LIVE\n");
}
