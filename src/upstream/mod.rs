//! Floor 6: which host, which connection?
//!
//! A [`Cluster`] is what all workers share and never changes: hosts, times, statistics. A [`Pool`] is one worker's side of
//! it: whose turn it is, and the connections that wait for the next request. `hcm::forward` calls [`Pool::send`].
//! [`Alternatives`] are what hosts have announced of HTTP/3.

mod alternatives;
mod balance;
mod build;
mod cluster;
mod limits;
mod naming;
mod pool;
mod protocol;
mod references;
mod stats;
mod versions;

pub use alternatives::{Alternatives, Announced, Health, Origin, Trust};
pub use balance::RoundRobin;
pub use build::clusters;
pub use cluster::{Cluster, ClusterId, Clusters, Host, NameTaken};
pub use limits::Limits;
pub use naming::Naming;
pub use pool::{Attempt, Lease, Pool, Pools, TlsSide};
pub use references::References;
pub use stats::{ClusterStats, CodeCounters};
pub use versions::{Codec, Http1, Http2, Http3, Versions, Way};
