//! How the kernel chooses among the sockets of a reuseport group: by a program of classic BPF.

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsRawFd as _;

/// An instruction of classic BPF: `struct sock_filter` of `linux/filter.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// What is done.
    pub code: u16,
    /// Instructions to skip where a condition holds.
    pub jt: u8,
    /// Instructions to skip where it does not.
    pub jf: u8,
    /// A number, a place in the packet or one in memory.
    pub k: u32,
}

/// Lets the kernel run `program` over the payload of each datagram that comes to the group of `socket`. What it returns is the
/// place of the socket that gets the datagram, in the order in which the group was bound; when a socket closes, the last one
/// takes its place. Call it when all are bound. No privilege is needed.
///
/// # Errors
/// What the system says: `EINVAL` of a program that is too long or could run astray, `ENOPROTOOPT` where the option is unknown.
#[expect(unsafe_code, reason = "no crate in the tree offers this socket option")]
pub fn choose_by(socket: &UdpSocket, program: &[Instruction]) -> io::Result<()> {
    let instruction = |&Instruction { code, jt, jf, k }| libc::sock_filter { code, jt, jf, k };
    let mut filter: Vec<_> = program.iter().map(instruction).collect();
    let len = u16::try_from(filter.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let program = libc::sock_fprog { len, filter: filter.as_mut_ptr() };
    let value = std::ptr::from_ref(&program).cast();
    let size = libc::socklen_t::try_from(size_of_val(&program)).map_err(|_| io::ErrorKind::InvalidInput)?;
    let (level, option) = (libc::SOL_SOCKET, libc::SO_ATTACH_REUSEPORT_CBPF);
    // SAFETY: the descriptor is open while `socket` is borrowed. The kernel reads `size` bytes at `value`, which is all of
    // `program`, and the `len` instructions to which that points, which are all of `filter`. It keeps neither.
    let done = unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, value, size) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
