//! Addresses with a property: free on TCP and UDP alike, refusing, or never answering.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

use socket2::{Domain, Socket, Type};

/// A loopback port that was free on TCP and UDP a moment ago, for listeners that must share one number.
///
/// It is given back before the program under test binds it; any other listener takes port 0.
pub(crate) fn reserve() -> u16 {
    for _ in 0..ATTEMPTS {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind a TCP port on loopback");
        let port = tcp.local_addr().expect("the address of a bound socket").port();
        if UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no port free on TCP and UDP in {ATTEMPTS} attempts");
}

/// An address that refuses every connection, for as long as this value lives: bound, but not listening.
pub(crate) struct Refusing {
    socket: Socket,
}

impl Refusing {
    pub(crate) fn new() -> Self {
        Self { socket: bound() }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        local_address(&self.socket)
    }
}

/// An address where a connection is never established: its backlog is full and nobody accepts.
pub(crate) struct Unanswering {
    socket: Socket,
    _backlog: Vec<Socket>,
}

impl Unanswering {
    pub(crate) fn new() -> Self {
        let socket = bound();
        socket.listen(0).expect("listen");
        let backlog = std::iter::repeat_with(|| {
            let client = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a TCP socket");
            client.set_nonblocking(true).expect("a socket that does not block");
            // In progress or not: what counts is that the handshake fills the queue.
            drop(client.connect(&local_address(&socket).into()));
            client
        })
        .take(MORE_THAN_THE_BACKLOG)
        .collect();
        Self { socket, _backlog: backlog }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        local_address(&self.socket)
    }
}

fn bound() -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a TCP socket");
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("bind a TCP port on loopback");
    socket
}

fn local_address(socket: &Socket) -> SocketAddr {
    socket.local_addr().ok().and_then(|address| address.as_socket()).expect("the address of a bound socket")
}

const ATTEMPTS: usize = 100;

/// `listen(0)` still queues one connection on Linux.
const MORE_THAN_THE_BACKLOG: usize = 4;
