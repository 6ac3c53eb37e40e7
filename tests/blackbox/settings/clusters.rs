//! Which host of a cluster is asked, and for how long.

use std::net::SocketAddr;

use tokio::task::JoinSet;

use crate::edge::{ALL, Edge, cluster};
use crate::support::backend::Backend;
use crate::support::client::Version;
use crate::support::deadline::until;
use crate::support::message::Request;
use crate::support::ports::{Refusing, Unanswering};

/// How many of twelve requests each of two hosts gets, with these fields of the cluster and of the first host.
async fn shares(of_cluster: &str, of_host: &str) -> (usize, usize) {
    let (first, second) = (Backend::echo().await, Backend::echo().await);
    let yaml = cluster("backend", &first.address().to_string());
    let (head, endpoints) = yaml.split_once("endpoints: [{lb_endpoints: [").expect("endpoints");
    let one = endpoints.trim_end().strip_suffix("]}]").expect("the end of the list");
    let own = one.strip_suffix('}').expect("the end of the host");
    let other = one.replace(&first.port().to_string(), &second.port().to_string());
    let yaml = format!("{head}endpoints: [{{lb_endpoints: [{own}{of_host}}}, {other}]}}]\n")
        .replace("name: backend\n    c", &format!("name: backend\n{of_cluster}    c"));
    let edge = Edge::in_front_of(&yaml, ALL, "").await;
    // One connection is one worker's, and every worker takes turns by itself.
    let client = edge.process.plain_client("http").await;
    for _ in 0..12 {
        assert_eq!(client.send(Request::get("/")).await.status, 200);
    }
    (first.received().len(), second.received().len())
}

#[tokio::test]
async fn hosts_take_turns_by_their_weights() {
    assert_eq!(shares("", "").await, (6, 6));
    assert_eq!(shares("", ", load_balancing_weight: 3").await, (9, 3));
}

#[tokio::test]
async fn a_cluster_is_what_it_says_to_be() {
    let (kind, policy) = ("    type: STATIC\n", "    lb_policy: ROUND_ROBIN\n");
    let socket = "    transport_socket: {name: envoy.transport_sockets.raw_buffer, typed_config: {'@type': type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer}}\n";
    assert_eq!(shares(&[kind, policy, socket].concat(), "").await, (6, 6));
}

#[tokio::test]
async fn a_connection_has_a_time_to_stand() {
    let nobody = Unanswering::new();
    let of = |name: &str, time: &str| {
        cluster("unanswering", &nobody.address().to_string()).replace("unanswering", name).replace("0.5s", time)
    };
    let clusters = [of("patient", "3600s"), of("impatient", "0.1s")].concat();
    let route =
        |name: &str| format!("              - {{match: {{path: /{name}}}, route: {{cluster: {name}, timeout: 0s}}}}\n");
    let edge = Edge::in_front_of(&clusters, &[route("patient"), route("impatient")].concat(), "").await;
    for (asked, version) in (1..).zip(Version::ALL) {
        let (first, second) = (edge.client(version).await, edge.client(version).await);
        let mut waits = JoinSet::new();
        waits.spawn(async move { first.open(&Request::get("/patient"), true).await.download.reply().await.status });
        let waiting = async || {
            (edge.process.stats().await.of("cluster.patient.upstream_rq_pending_total") == asked).then_some(())
        };
        until("the first request to wait", waiting).await;
        let failed = second.send(Request::get("/impatient")).await;
        assert!(failed.text().ends_with("connection timeout"), "{version:?}: {}", failed.text());
        // The other one was asked earlier.
        assert!(waits.try_join_next().is_none(), "{version:?}");
    }
}

#[tokio::test]
async fn a_host_is_tried_at_all_its_addresses() {
    let backend = Backend::echo().await;
    let (refusing, unanswering) = (Refusing::new(), Unanswering::new());
    let host = |name: &str, addresses: &[SocketAddr]| {
        let place = |address: &SocketAddr| {
            let (ip, port) = (address.ip(), address.port());
            format!("{{address: {{socket_address: {{address: \"{ip}\", port_value: {port}}}}}}}")
        };
        let others: Vec<String> = addresses.iter().skip(1).map(place).collect();
        let yaml = cluster(name, &addresses.first().expect("an address").to_string());
        yaml.replace("}}}}]}]", &format!("}}}}, additional_addresses: [{}]}}}}]}}]", others.join(", ")))
    };
    let (good, closed, silent) = (backend.address(), refusing.address(), unanswering.address());
    let hosts = [
        ("refused", vec![closed, good], 200),
        ("silent", vec![silent, good], 200),
        ("late", vec![silent, closed, silent, good], 200),
        ("first", vec![good, silent], 200),
        ("none", vec![closed, closed], 503),
    ];
    let clusters: Vec<String> = hosts.iter().map(|(name, addresses, _)| host(name, addresses)).collect();
    let route = |(name, ..): &(&str, _, _)| {
        format!("              - {{match: {{path: /{name}}}, route: {{cluster: {name}}}}}\n")
    };
    let routes: Vec<String> = hosts.iter().map(route).collect();
    let yaml = Edge::yaml_in_front_of(&clusters.concat(), &routes.concat())
        .replace("upstream: \"%UPSTREAM_HOST%\"", "upstream: \"%UPSTREAM_HOST% %UPSTREAM_REMOTE_ADDRESS%\"");
    let edge = Edge::of(&yaml).await;
    let client = edge.client(Version::Http2).await;
    let mut log = edge.process.log("access.log");
    for (name, addresses, status) in hosts {
        assert_eq!(client.send(Request::get(&format!("/{name}"))).await.status, status, "{name}");
        let line = log.lines(1).await.pop().expect("a line");
        let reached = if status == 200 { good.to_string() } else { "-".to_owned() };
        let expected = format!("{} {reached}", addresses.first().expect("an address"));
        assert_eq!(line.get("upstream").and_then(|said| said.as_str()), Some(expected.as_str()), "{name}: {line}");
    }
}
