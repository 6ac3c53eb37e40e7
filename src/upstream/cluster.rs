//! A cluster as it runs: what all workers share, built once and never changed.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::HeaderMap;

use super::{ClusterStats, Limits, Naming, Versions};
use crate::http::Protocol;
use crate::tls::{Asked, ClientTls, Handshake, Handshakes};

/// A named group of hosts that serve the same.
#[derive(Debug)]
pub struct Cluster {
    /// Envoy's `name`.
    pub name: Arc<str>,
    /// How long a connection may take to stand.
    pub connect_timeout: Duration,
    /// Which version its hosts are spoken to in, and how.
    pub versions: Versions,
    /// What holds for all connections.
    pub limits: Limits,
    /// What requests say of their connections.
    pub naming: Naming,
    /// How many connections all workers together may have open: Envoy's default `max_connections`.
    pub max_connections: u64,
    /// How many exchanges all workers together may have on shared connections: Envoy's default `max_requests`.
    pub max_requests: u64,
    /// How many of them may wait for a connection: Envoy's default `max_pending_requests`.
    pub max_pending_requests: u64,
    /// The hosts, in the order of the file.
    pub hosts: Vec<Arc<Host>>,
    /// What is counted.
    pub stats: ClusterStats,
}

impl Cluster {
    /// What the connection for a request with these fields asks for.
    #[must_use]
    pub fn asked(&self, host: &Host, fields: &HeaderMap) -> Arc<Asked> {
        match self.versions.tls() {
            Some(tls) if self.naming.is_by_request() => Arc::new(tls.asked(self.naming.wanted(fields), &host.hostname)),
            _ => Arc::clone(&host.asked),
        }
    }
}

/// One address of a cluster.
#[derive(Debug)]
pub struct Host {
    /// Where it listens.
    pub address: SocketAddr,
    /// All its addresses, that one first, in the order in which TCP tries them.
    pub addresses: Vec<SocketAddr>,
    /// Envoy's `hostname`, empty where unset.
    pub hostname: String,
    /// Its share of the requests, at least 1.
    pub weight: u32,
    /// Its locality: region, zone, sub-zone; empty where unset.
    pub locality: [String; 3],
    /// What is counted of it, for `/clusters`.
    pub counts: HostCounts,
    /// What connections to it ask for where requests have no say.
    pub asked: Arc<Asked>,
    /// Its TLS handshakes, and the sessions that came of them, by version.
    pub handshakes: [Handshakes; 3],
}

impl Host {
    /// A handshake that asks for `asked`, in the settings for connections of that version.
    #[must_use]
    pub fn handshake(&self, version: Protocol, tls: &ClientTls, asked: &Arc<Asked>) -> Handshake {
        let [http1, http2, http3] = &self.handshakes;
        let handshakes = match version {
            Protocol::Http10 | Protocol::Http11 => http1,
            Protocol::Http2 => http2,
            Protocol::Http3 => http3,
        };
        handshakes.of(tls, asked, self.address.ip())
    }
}

/// What a host has been through.
#[derive(Debug, Default)]
pub struct HostCounts {
    /// Connections open now.
    pub cx_active: Count,
    /// Connections ever begun.
    pub cx_total: Count,
    /// Connections that never stood.
    pub cx_connect_fail: Count,
    /// Requests in flight.
    pub rq_active: Count,
    /// Requests that wait for a connection.
    pub rq_pending_active: Count,
    /// Requests ever sent.
    pub rq_total: Count,
    /// Requests answered with less than 500.
    pub rq_success: Count,
    /// Requests answered with 500 or more, or not at all.
    pub rq_error: Count,
    /// Requests not answered in time.
    pub rq_timeout: Count,
}

/// A number that goes up and down.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// One more.
    pub fn up(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// One less.
    pub fn down(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// One more until the answer is dropped.
    #[must_use = "the number goes down again as soon as it is dropped"]
    pub fn hold(&self) -> Counted<'_> {
        self.up();
        Counted(self)
    }

    /// The number now.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One of a [`Count`], taken back on drop.
#[derive(Debug)]
pub struct Counted<'a>(&'a Count);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.down();
    }
}

/// The place of a cluster in [`Clusters`] and in every worker's pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClusterId(usize);

/// All clusters, found by name when the configuration is built and by place when requests run.
#[derive(Debug, Default)]
pub struct Clusters {
    list: Vec<Arc<Cluster>>,
    names: HashMap<Arc<str>, ClusterId>,
}

impl Clusters {
    /// Adds a cluster.
    ///
    /// # Errors
    /// [`NameTaken`] when there is another of that name.
    pub fn add(&mut self, cluster: Cluster) -> Result<ClusterId, NameTaken> {
        if self.names.contains_key(&cluster.name) {
            return Err(NameTaken(cluster.name));
        }
        let id = ClusterId(self.list.len());
        self.names.insert(Arc::clone(&cluster.name), id);
        self.list.push(Arc::new(cluster));
        Ok(id)
    }

    /// The cluster of that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<ClusterId> {
        self.names.get(name).copied()
    }

    /// All of them, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Cluster>> {
        self.list.iter()
    }

    /// The names, for "did you mean".
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|cluster| &*cluster.name)
    }
}

/// There is a cluster of this name already.
#[derive(Debug, PartialEq, Eq)]
pub struct NameTaken(pub Arc<str>);

impl ClusterId {
    /// The place as an index.
    #[must_use]
    pub(super) fn index(self) -> usize {
        self.0
    }
}
