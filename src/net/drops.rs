//! How many datagrams the kernel dropped before a socket, because its buffer was full.

use std::collections::HashMap;
use std::io;
use std::net::UdpSocket;

/// What the kernel knows a socket by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Inode(u64);

impl Inode {
    /// Of this socket.
    ///
    /// # Errors
    /// What the system says.
    pub fn of(socket: &UdpSocket) -> io::Result<Self> {
        Ok(Self(rustix::fs::fstat(socket)?.st_ino))
    }
}

/// What the kernel dropped so far before each UDP socket of this network namespace. The numbers have 32 bits and wrap around.
///
/// # Errors
/// What the system says where `/proc` is not to be read.
pub fn udp_drops() -> io::Result<HashMap<Inode, u32>> {
    let v4 = std::fs::read_to_string("/proc/net/udp")?;
    // A host without IPv6 has none.
    let v6 = std::fs::read_to_string("/proc/net/udp6").unwrap_or_default();
    Ok([v4, v6].iter().flat_map(|table| table.lines().skip(1)).filter_map(row).collect())
}

/// One socket: its inode is the tenth column, and the last one is what was dropped.
fn row(line: &str) -> Option<(Inode, u32)> {
    let inode = line.split_ascii_whitespace().nth(9)?.parse().ok()?;
    let drops = line.split_ascii_whitespace().nth(12)?.parse().ok()?;
    Some((Inode(inode), drops))
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    use super::*;

    #[test]
    fn what_does_not_fit_a_buffer_is_counted_for_its_socket() {
        for ip in [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)] {
            // A host may have one family alone.
            let Ok(socket) = UdpSocket::bind((ip, 0)) else { continue };
            let other = UdpSocket::bind((ip, 0)).unwrap();
            socket2::SockRef::from(&socket).set_recv_buffer_size(4096).unwrap();
            for _ in 0..100 {
                other.send_to(&[0; 1000], socket.local_addr().unwrap()).unwrap();
            }
            socket.set_nonblocking(true).unwrap();
            let received = std::iter::from_fn(|| socket.recv(&mut [0; 1000]).ok()).count();
            let drops = udp_drops().unwrap();
            assert_eq!(drops[&Inode::of(&socket).unwrap()] as usize, 100 - received);
            assert!(received < 100);
            assert_eq!(drops[&Inode::of(&other).unwrap()], 0);
        }
    }

    #[test]
    fn lines_that_are_none_are_left_out() {
        assert_eq!(row(""), None);
        assert_eq!(row("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid"), None);
        let line =
            " 1: 0100007F:2710 00000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 4711 2 ffff 4294967295";
        assert_eq!(row(line), Some((Inode(4711), u32::MAX)));
    }
}
