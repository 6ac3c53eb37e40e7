//! Listening sockets: one per worker, in a reuseport group, and an error that says what to do.
//!
//! `SO_REUSEPORT` alone would share an address with a second instance in silence, so a plain bind asks first.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

/// Why an address cannot be listened on.
#[derive(Debug)]
pub enum BindError {
    /// Another socket holds the address.
    Taken(SocketAddr, Transport),
    /// The port is privileged and this process is not.
    Privileged(SocketAddr),
    /// The address does not belong to this host, or its family is off.
    NotOurs(SocketAddr),
    /// Anything else the system said.
    Refused(SocketAddr, io::Error),
}

/// The transport protocol of a listening socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A stream socket.
    Tcp,
    /// A datagram socket.
    Udp,
}

/// What the kernel granted of the UDP buffers that were asked for, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UdpBuffers {
    /// What was asked for, each way.
    pub asked: usize,
    /// `SO_RCVBUF` as granted.
    pub receive: usize,
    /// `SO_SNDBUF` as granted.
    pub send: usize,
}

impl UdpBuffers {
    /// What a person can do about buffers that are smaller than asked for; `None` where they are not.
    #[must_use]
    pub fn remark(&self) -> Option<String> {
        (self.receive.min(self.send) < self.asked).then(|| {
            format!(
                "the kernel grants {} of {} bytes of UDP buffer, bursts of datagrams will be lost: `sysctl -w \
                 net.core.rmem_max={asked} net.core.wmem_max={asked}`",
                self.receive.min(self.send),
                self.asked,
                asked = self.asked
            )
        })
    }
}

/// Listens on `address` with `count` sockets in one reuseport group. Port 0 is resolved once for all.
///
/// # Errors
/// [`BindError`] when the address is taken, privileged or not of this host.
pub fn bind_tcp(address: SocketAddr, count: usize, backlog: i32) -> Result<Vec<TcpListener>, BindError> {
    group(address, count, Transport::Tcp, |address| {
        let socket = reusable(address, Transport::Tcp)?;
        socket.bind(&address.into())?;
        socket.listen(backlog)?;
        Ok(TcpListener::from(socket))
    })
}

/// Binds `count` UDP sockets to `address` in one reuseport group, with buffers of at least `buffer` bytes where the
/// kernel allows.
///
/// # Errors
/// [`BindError`] when the address is taken, privileged or not of this host.
pub fn bind_udp(address: SocketAddr, count: usize, buffer: usize) -> Result<(Vec<UdpSocket>, UdpBuffers), BindError> {
    let mut granted = UdpBuffers { asked: buffer, receive: usize::MAX, send: usize::MAX };
    let sockets = group(address, count, Transport::Udp, |address| {
        let socket = reusable(address, Transport::Udp)?;
        // A refusal shows in what is read back: the caller warns with the figures.
        let _ = socket.set_recv_buffer_size(buffer);
        let _ = socket.set_send_buffer_size(buffer);
        // Linux reports twice what it grants, to pay for its own bookkeeping.
        granted.receive = granted.receive.min(socket.recv_buffer_size()? / 2);
        granted.send = granted.send.min(socket.send_buffer_size()? / 2);
        socket.bind(&address.into())?;
        Ok(UdpSocket::from(socket))
    })?;
    Ok((sockets, granted))
}

fn group<S>(
    address: SocketAddr,
    count: usize,
    transport: Transport,
    mut open: impl FnMut(SocketAddr) -> io::Result<S>,
) -> Result<Vec<S>, BindError> {
    let fault = |error| BindError::new(address, transport, error);
    let address = vacant(address, transport).map_err(fault)?;
    (0..count).map(|_| open(address).map_err(fault)).collect()
}

/// Binds without `SO_REUSEPORT` and lets go: fails where another socket holds the address. Port 0 becomes one that nobody
/// holds, which the kernel does not promise to sockets that share.
fn vacant(address: SocketAddr, transport: Transport) -> io::Result<SocketAddr> {
    let socket = plain(address, transport)?;
    if transport == Transport::Tcp {
        // Connections of a previous process in TIME_WAIT do not hold the address.
        socket.set_reuse_address(true)?;
    }
    socket.bind(&address.into())?;
    if transport == Transport::Tcp {
        socket.listen(1)?;
    }
    socket.local_addr()?.as_socket().ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
}

fn reusable(address: SocketAddr, transport: Transport) -> io::Result<Socket> {
    let socket = plain(address, transport)?;
    socket.set_reuse_address(transport == Transport::Tcp)?;
    socket.set_reuse_port(true)?;
    Ok(socket)
}

fn plain(address: SocketAddr, transport: Transport) -> io::Result<Socket> {
    let (kind, protocol) = match transport {
        Transport::Tcp => (Type::STREAM, Protocol::TCP),
        Transport::Udp => (Type::DGRAM, Protocol::UDP),
    };
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.is_ipv6() {
        // `[::]` and `0.0.0.0` are two listeners, as in Envoy without `ipv4_compat`.
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    Ok(socket)
}

impl BindError {
    fn new(address: SocketAddr, transport: Transport, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AddrInUse => Self::Taken(address, transport),
            io::ErrorKind::PermissionDenied => Self::Privileged(address),
            io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported => Self::NotOurs(address),
            _ if error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error()) => Self::NotOurs(address),
            _ => Self::Refused(address, error),
        }
    }
}

impl std::fmt::Display for BindError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Taken(address, transport) => {
                let (flag, name) = match transport {
                    Transport::Tcp => ('t', "tcp"),
                    Transport::Udp => ('u', "udp"),
                };
                write!(
                    f,
                    "{address}/{name} is taken by another process; `ss -{flag}lnp 'sport = :{}'` shows which: stop it or \
                     change the listener's port_value",
                    address.port()
                )
            }
            Self::Privileged(address) => write!(
                f,
                "{address}: ports below 1024 need the capability CAP_NET_BIND_SERVICE (`setcap \
                 cap_net_bind_service=+ep quicgate`, or AmbientCapabilities= in the systemd unit), or lower the limit \
                 with `sysctl -w net.ipv4.ip_unprivileged_port_start={}`",
                address.port()
            ),
            Self::NotOurs(address) => {
                write!(f, "{address} is not an address of this host: `ip address` lists those that are")
            }
            Self::Refused(address, error) => write!(f, "cannot listen on {address}: {error}"),
        }
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Refused(_, error) => Some(error),
            Self::Taken(..) | Self::Privileged(_) | Self::NotOurs(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

    #[test]
    fn one_port_for_the_whole_group() {
        let sockets = bind_tcp(LOOPBACK, 3, 16).unwrap();
        let ports: Vec<_> = sockets.iter().map(|s| s.local_addr().unwrap().port()).collect();
        assert_eq!(ports.len(), 3);
        assert!(ports.iter().all(|port| *port == ports[0] && *port != 0));
    }

    #[test]
    fn a_second_instance_is_told_that_the_address_is_taken() {
        let first = bind_tcp(LOOPBACK, 1, 16).unwrap();
        let address = first[0].local_addr().unwrap();
        let error = bind_tcp(address, 2, 16).unwrap_err();
        assert!(matches!(error, BindError::Taken(taken, Transport::Tcp) if taken == address));
        assert!(error.to_string().contains(&address.to_string()));

        let (first, _) = bind_udp(LOOPBACK, 2, 1 << 16).unwrap();
        let address = first[0].local_addr().unwrap();
        assert!(matches!(bind_udp(address, 2, 1 << 16), Err(BindError::Taken(_, Transport::Udp))));
    }

    #[test]
    fn an_address_of_another_host_is_named() {
        let elsewhere: SocketAddr = "192.0.2.1:0".parse().unwrap();
        assert!(matches!(bind_tcp(elsewhere, 1, 16), Err(BindError::NotOurs(_))));
    }

    #[test]
    fn udp_buffers_are_reported_as_granted() {
        let (_, buffers) = bind_udp(LOOPBACK, 1, 1 << 12).unwrap();
        assert!(buffers.receive >= 1 << 12);
    }
}
