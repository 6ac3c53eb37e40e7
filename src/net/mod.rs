//! Floor 0: sockets and addresses.
//!
//! What the operating system gives us and how we ask for it: [`bind_tcp`] and [`bind_udp`] make one socket per worker in
//! a reuseport group and say in words why an address cannot be had; [`choose_by`] says which of them gets a datagram, and
//! [`udp_drops`] how many none of them got; [`raise_file_limit`] asks for all the descriptors that the host allows. A
//! [`Prefix`] is a range of addresses.

mod bind;
mod counted;
mod drops;
mod limits;
mod prefix;
mod reuseport;

pub use bind::{BindError, Transport, UdpBuffers, bind_tcp, bind_udp};
pub use counted::{Counted, Passed};
pub use drops::{Inode, udp_drops};
pub use limits::raise_file_limit;
pub use prefix::Prefix;
pub use reuseport::{Instruction, choose_by};
