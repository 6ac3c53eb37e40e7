//! The sockets of all workers on one address, which are one reuseport group.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use quinn::{AsyncUdpSocket, EndpointConfig, Runtime};

use super::process;
use super::program::program;
use super::queue::{Inlet, Outlet, queue};
use super::rule::Rule;
use super::socket::SteeredSocket;
use crate::net::choose_by;
use crate::observe::stats::{Counter, Gauge, Scope};

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
    /// Addresses whose datagrams the kernel steers.
    pub(super) bpf: Gauge,
    /// Datagrams that came to the wrong worker and were given to the right one.
    pub(super) handed_over: Counter,
    /// Datagrams that came to the wrong worker and were dropped, because too many waited for the right one.
    pub(super) handed_over_dropped: Counter,
}

/// Shares an address between workers: the sockets of its reuseport group, in the order in which they were bound. The kernel
/// steers where `bpf` asks for that and it can.
///
/// # Errors
/// What the system says when it has no more descriptors.
pub fn shares(sockets: Vec<UdpSocket>, bpf: bool, stats: &SteeringStats) -> io::Result<Vec<Share>> {
    let open = sockets.iter().map(UdpSocket::try_clone).collect::<Result<_, _>>()?;
    let (group, outlets) = Group::new(sockets.len(), open, stats);
    let alone = sockets.len() == 1;
    if bpf && !alone {
        group.steer_in_kernel(&sockets);
    }
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

    /// Asks one socket for all: the program is the group's.
    fn steer_in_kernel(&self, sockets: &[UdpSocket]) {
        let Some(socket) = sockets.first() else { return };
        match choose_by(socket, &program(self.rule)) {
            Ok(()) => self.stats.bpf.inc(),
            Err(error) => tracing::warn!(
                %error,
                "the kernel does not steer QUIC datagrams, workers hand them over to each other: allow setsockopt with \
                 SO_ATTACH_REUSEPORT_CBPF to save that work"
            ),
        }
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
        Self {
            bpf: scope.gauge("bpf"),
            handed_over: scope.counter("handed_over"),
            handed_over_dropped: scope.counter("handed_over_dropped"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::net::bind_udp;
    use crate::observe::stats::Store;

    fn stats() -> SteeringStats {
        SteeringStats::new(&Store::new().scope("listener.x"))
    }

    #[test]
    fn a_worker_that_ends_takes_no_datagram_from_another() {
        let stats = stats();
        let (sockets, _) = bind_udp((Ipv4Addr::LOCALHOST, 0).into(), 4, 1 << 20).unwrap();
        let mut shares = shares(sockets, true, &stats).unwrap();
        assert_eq!(stats.bpf.value(), 1);
        let (rule, address) = (shares[0].rule, shares[0].local_addr().unwrap());
        // Without a hold on it, the last socket would now stand in the place of this one.
        drop(shares.remove(1));
        let mut sent = [0; 4];
        for id in 0..200_u64 {
            let from = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            from.send_to(&[[0x40].as_slice(), &id.to_be_bytes()].concat(), address).unwrap();
            sent[rule.worker(id.to_be_bytes())] += 1;
        }
        for share in &shares {
            let received = std::iter::from_fn(|| share.socket.recv(&mut [0; 16]).ok()).count();
            assert_eq!(received, sent[share.worker], "worker {}", share.worker);
        }
    }

    #[test]
    fn workers_have_their_shares_where_the_kernel_takes_no_program() {
        let stats = stats();
        // Not bound as a group: nothing that a program could choose from.
        let sockets = [(); 2].map(|()| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        assert_eq!(shares(sockets.into(), true, &stats).unwrap().len(), 2);
        assert_eq!(stats.bpf.value(), 0);
    }
}
