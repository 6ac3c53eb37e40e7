//! Plays rows, all at once, each with an upstream of its own behind one gateway.

use std::collections::BTreeMap;

use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::chain::quic_cluster;
use super::row::{Answer, Row, Want};
use super::server::Server;
use crate::edge::Edge;
use crate::support::client::{Client, Version};
use crate::support::deadline::{DEADLINE, until};
use crate::support::message::{End, Request};

/// What is seen of a row on this side of the upstream, whatever is spoken to it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) method: &'static str,
    pub(crate) client: Answer,
    /// How many connections the upstream must have seen after the next request.
    pub(crate) connections: usize,
}

/// An upstream that plays a row.
pub(crate) trait Upstream {
    /// How the row went, once it is over.
    fn played(&self) -> Option<Result<(), String>>;

    /// Connections so far.
    fn connections(&self) -> usize;
}

impl Upstream for Server {
    fn played(&self) -> Option<Result<(), String>> {
        Self::played(self)
    }

    fn connections(&self) -> usize {
        self.names().len()
    }
}

/// Plays all rows; names those of which came what must not.
pub(super) async fn play(rows: Vec<Row>) {
    let servers: BTreeMap<String, Server> =
        rows.iter().map(|row| (row.name.clone(), Server::playing(row.clone()))).collect();
    let clusters: String = servers.iter().map(|(name, server)| quic_cluster(name, server.address())).collect();
    let case = |row: Row| Case {
        connections: if matches!(row.want, Want::Closed(_) | Want::Left) { 2 } else { 1 },
        name: row.name,
        method: row.method,
        client: row.client,
    };
    play_cases(rows.into_iter().map(case).collect(), &servers, &clusters).await;
}

/// The same with upstreams of any kind, by the names of their rows and of their clusters.
pub(crate) async fn play_cases<U: Upstream>(rows: Vec<Case>, servers: &BTreeMap<String, U>, clusters: &str) {
    assert_eq!(servers.len(), rows.len(), "two rows have one name");
    let route =
        |name: &String| format!("              - {{match: {{prefix: /{name}/}}, route: {{cluster: {name}}}}}\n");
    let edge = Edge::in_front_of(clusters, &servers.keys().map(route).collect::<String>(), "").await;
    let client = edge.client(Version::Http2).await;
    let mut playing = JoinSet::new();
    for row in rows.iter().cloned() {
        let client = client.clone();
        playing.spawn(async move {
            let seen = timeout(DEADLINE, see(&row, &client)).await;
            let seen = seen.unwrap_or_else(|_| Err("nothing came".to_owned()));
            seen.map_err(|error| format!("{}: {error}", row.name))
        });
    }
    let mut failures: Vec<String> = playing.join_all().await.into_iter().filter_map(Result::err).collect();
    for row in &rows {
        let Some(server) = servers.get(&row.name) else { continue };
        failures.extend(upstream(row, server).await.err().map(|error| format!("{}: {error}", row.name)));
    }
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
    for name in servers.keys() {
        let active = format!("cluster.{name}.upstream_rq_active");
        until(format_args!("{active} is 0"), async || (edge.process.stats().await.of(&active) == 0).then_some(()))
            .await;
    }
    let log = edge.process.log("access.log").lines(rows.len() * 2).await;
    failures.extend(rows.iter().filter_map(|row| logged(row, &log)));
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
}

/// What the client sees of the row, and that the cluster serves another request after it.
async fn see(row: &Case, client: &Client) -> Result<(), String> {
    let request = match row.method {
        "POST" => Request::post(&format!("/{}/first", row.name), "content"),
        method => Request::new(method, &format!("/{}/first", row.name)),
    };
    let reply = client.send(request).await;
    let right = match row.client {
        Answer::Good(content) => reply.status == 200 && reply.end == End::Complete && reply.text() == content,
        Answer::Local(status, ..) => reply.status == status && reply.end == End::Complete,
        Answer::Cut => reply.end != End::Complete || [502, 503].contains(&reply.status),
    };
    if !right {
        return Err(format!("{:?} has to come, not {} {:?} {:?}", row.client, reply.status, reply.end, reply.text()));
    }
    let after = client.send(Request::get(&format!("/{}/after", row.name))).await;
    if (after.status, after.end) == (200, End::Complete) {
        Ok(())
    } else {
        Err(format!("the request after it: {} {}", after.status, after.text()))
    }
}

/// What the upstream saw of the row, and on how many connections.
async fn upstream(row: &Case, server: &impl Upstream) -> Result<(), String> {
    until(format_args!("{} is over at the upstream", row.name), async || server.played()).await?;
    let connections = server.connections();
    if connections == row.connections {
        Ok(())
    } else {
        Err(format!("{connections} connections, not {}", row.connections))
    }
}

/// What is wrong with the line of the row in the access log.
fn logged(row: &Case, log: &[Value]) -> Option<String> {
    let Answer::Local(_, flags, details) = row.client else { return None };
    let path = format!("/{}/first", row.name);
    let line = log.iter().find(|line| line["path"] == path.as_str())?;
    let right = line["flags"] == flags && line["details"].as_str().is_some_and(|said| said.starts_with(details));
    if right { None } else { Some(format!("{}: logged as {} {}", row.name, line["flags"], line["details"])) }
}
