//! The sockets of all workers on one address, which are one reuseport group.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use quinn::{AsyncUdpSocket, EndpointConfig, Runtime};

use super::process;
use super::queue::{Inlet, Outlet, queue};
use super::rule::Rule;
use super::socket::SteeredSocket;
use crate::observe::stats::{Counter, Scope};

/// One worker's part of a listener's address.
#[derive(Debug)]
pub struct Share {
    socket: UdpSocket,
    rule: Rule,
    worker: usize,
    /// Where there are other workers: what it has in common with them, and what they hand over.
    steered: Option<(Arc<Group>, Outlet)>,
}

/// What the workers of an address have in common.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) rule: Rule,
    /// In the order of the workers.
    pub(super) inlets: Vec<Inlet>,
    pub(super) stats: SteeringStats,
    /// Every socket once more: none of them closes while another is open.
    _open: Vec<UdpSocket>,
}

/// `listener.<address>.quic.steering.*`
#[derive(Clone, Debug)]
pub struct SteeringStats {
    /// Datagrams that came to the wrong worker and were given to the right one.
    pub(super) handed_over: Counter,
    /// Datagrams that came to the wrong worker and were dropped, because too many waited for the right one.
    pub(super) handed_over_dropped: Counter,
}

/// Shares an address between workers: the sockets of its reuseport group, in the order in which they were bound.
///
/// # Errors
/// What the system says when it has no more descriptors.
pub fn shares(sockets: Vec<UdpSocket>, stats: &SteeringStats) -> io::Result<Vec<Share>> {
    let open = sockets.iter().map(UdpSocket::try_clone).collect::<Result<_, _>>()?;
    let (group, outlets) = Group::new(sockets.len(), open, stats);
    let alone = sockets.len() == 1;
    let shares = sockets.into_iter().zip(outlets).enumerate().map(|(worker, (socket, outlet))| {
        let steered = (!alone).then(|| (Arc::clone(&group), outlet));
        Share { socket, rule: group.rule, worker, steered }
    });
    Ok(shares.collect())
}

impl Group {
    /// For as many workers; the outlets are theirs, in order.
    pub(super) fn new(workers: usize, open: Vec<UdpSocket>, stats: &SteeringStats) -> (Arc<Self>, Vec<Outlet>) {
        let (inlets, outlets) = (0..workers).map(|_| queue()).unzip();
        (Arc::new(Self { rule: process::rule(workers), inlets, stats: stats.clone(), _open: open }), outlets)
    }
}

impl Share {
    /// The address.
    ///
    /// # Errors
    /// What the system says of the socket.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// What the worker's endpoint is made of. Call it within the worker's runtime.
    pub(in crate::quic) fn open(self, runtime: &dyn Runtime) -> io::Result<(EndpointConfig, Arc<dyn AsyncUdpSocket>)> {
        let config = process::endpoint(self.rule, self.worker);
        let socket = runtime.wrap_udp_socket(self.socket)?;
        let socket = match self.steered {
            None => socket,
            Some((group, own)) => Arc::new(SteeredSocket { socket, group, own, worker: self.worker }),
        };
        Ok((config, socket))
    }
}

impl SteeringStats {
    /// Registers them; `listener` is the listener's scope.
    #[must_use]
    pub fn new(listener: &Scope) -> Self {
        let scope = listener.scope("quic.steering");
        Self { handed_over: scope.counter("handed_over"), handed_over_dropped: scope.counter("handed_over_dropped") }
    }
}
