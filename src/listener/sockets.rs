//! The sockets of a listener: one a worker and address, bound on the main thread before anything serves.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use super::{Kind, Listener};
use crate::net::{BindError, UdpBuffers, bind_tcp, bind_udp};
use crate::quic::{Share, shares};

/// One socket of a listener, for one worker.
#[derive(Debug)]
pub struct Bound {
    /// Whose it is.
    pub listener: Arc<Listener>,
    /// The socket.
    pub sockets: Sockets,
}

/// A socket of either transport.
#[derive(Debug)]
pub enum Sockets {
    /// Accepts connections.
    Tcp(TcpListener),
    /// Receives the worker's datagrams.
    Udp(Share),
}

/// What binding a listener gave.
#[derive(Debug)]
pub struct Group {
    /// For each worker, its sockets.
    pub workers: Vec<Vec<Bound>>,
    /// The addresses with their ports as bound, in the order of the file.
    pub addresses: Vec<SocketAddr>,
    /// What the kernel granted of the UDP buffers.
    pub buffers: Option<UdpBuffers>,
    /// Addresses of a listener on several that this host does not have.
    pub missing: Vec<BindError>,
}

impl Listener {
    /// Binds all addresses for `workers` workers. Where a listener has several addresses, one that this host does not
    /// have is left out: `[::1]` on a host without IPv6.
    ///
    /// # Errors
    /// [`BindError`] of the first address that cannot be had.
    pub fn bind(self: &Arc<Self>, workers: usize) -> Result<Group, BindError> {
        let mut group = Group {
            workers: (0..workers).map(|_| Vec::new()).collect(),
            addresses: Vec::new(),
            buffers: None,
            missing: Vec::new(),
        };
        let last = self.addresses.len().saturating_sub(1);
        for (index, address) in self.addresses.iter().enumerate() {
            // The first port that is bound stands for all: `localhost` is one place on both families.
            let port = group.addresses.first().map_or(0, SocketAddr::port);
            let address = if address.port() == 0 { SocketAddr::new(address.ip(), port) } else { *address };
            match self.open(address, workers, &mut group) {
                Ok(sockets) => {
                    group.addresses.extend(local(&sockets));
                    for (worker, sockets) in group.workers.iter_mut().zip(sockets) {
                        worker.push(Bound { listener: Arc::clone(self), sockets });
                    }
                }
                Err(error @ BindError::NotOurs(_)) if index < last || !group.addresses.is_empty() => {
                    group.missing.push(error);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(group)
    }

    fn open(&self, address: SocketAddr, workers: usize, group: &mut Group) -> Result<Vec<Sockets>, BindError> {
        match &self.kind {
            Kind::Tcp => {
                let sockets = bind_tcp(address, workers, self.backlog)?;
                Ok(sockets.into_iter().map(Sockets::Tcp).collect())
            }
            Kind::Quic(settings) => {
                let (sockets, buffers) = bind_udp(address, workers, UDP_BUFFER)?;
                group.buffers = Some(buffers);
                if let Some(drops) = &self.drops {
                    drops.watch(&sockets);
                }
                let bpf = std::env::var_os(WITHOUT_BPF).is_none();
                let shares = shares(sockets, bpf, &settings.steering);
                let shares = shares.map_err(|error| BindError::Refused(address, error))?;
                Ok(shares.into_iter().map(Sockets::Udp).collect())
            }
        }
    }
}

fn local(sockets: &[Sockets]) -> Option<SocketAddr> {
    match sockets.first()? {
        Sockets::Tcp(socket) => socket.local_addr().ok(),
        Sockets::Udp(share) => share.local_addr().ok(),
    }
}

/// The variable of the environment that, set to anything, leaves the steering of QUIC datagrams to the workers, as on a kernel
/// that takes no program for it.
const WITHOUT_BPF: &str = "QUICGATE_WITHOUT_BPF";

/// Bytes that a burst may wait in the kernel, each way: 10 ms at 2 Gbit/s.
const UDP_BUFFER: usize = 5 << 19;
