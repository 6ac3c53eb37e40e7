//! How large packets and datagrams may be, and how many of them the kernel is given at once.

use super::written::Written;
use crate::config::proto::envoy::extensions::udp_packet_writer::v3::{
    UdpDefaultWriterFactory, UdpGsoBatchWriterFactory,
};
use crate::config::{Invalid, type_name};

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packets {
    /// Bytes of the largest packet that is tried.
    pub(super) largest: u16,
    /// Whether the kernel is given many packets in one call.
    pub(super) segmentation_offload: bool,
}

/// Reads `max_packet_length` and the packet writer.
///
/// # Errors
/// [`Invalid`] where QUIC has no packets of that length, or the writer is none.
pub(super) fn packets(written: &Written<'_>) -> Result<Packets, Invalid> {
    let largest = match written.options().and_then(|options| options.max_packet_length) {
        None => Ok(LARGEST_SENT),
        Some(bytes) => within_quic(bytes).ok_or_else(|| {
            let at = written.options_at();
            at.field("max_packet_length").error(format_args!(
                "QUIC needs packets of {SMALLEST} bytes, and UDP carries {LARGEST}: name a number from {SMALLEST} to {LARGEST}"
            ))
        }),
    };
    let segmentation_offload = segmentation_offload(written);
    Ok(Packets { largest: largest?, segmentation_offload: segmentation_offload? })
}

/// Bytes of the largest datagram that is taken: `downstream_socket_config.max_rx_datagram_size`.
///
/// # Errors
/// [`Invalid`] where a client could not even begin.
pub(super) fn largest_received(written: &Written<'_>) -> Result<u16, Invalid> {
    let socket = written.udp.and_then(|udp| udp.downstream_socket_config.as_ref());
    match socket.and_then(|socket| socket.max_rx_datagram_size) {
        None => Ok(LARGEST_RECEIVED),
        // RFC 9000 §18.2: what is larger than any datagram says as much as the largest.
        Some(bytes) => within_quic(bytes.min(LARGEST.into())).ok_or_else(|| {
            written
                .udp_at
                .field("downstream_socket_config.max_rx_datagram_size")
                .error(format_args!("a QUIC client begins with datagrams of {SMALLEST} bytes: take at least those"))
        }),
    }
}

fn segmentation_offload(written: &Written<'_>) -> Result<bool, Invalid> {
    let writer = written.udp.and_then(|udp| udp.udp_packet_packet_writer_config.as_ref());
    let Some(any) = writer.and_then(|writer| writer.typed_config.as_ref()) else { return Ok(true) };
    let at = written.udp_at.field("udp_packet_packet_writer_config.typed_config");
    match type_name(&any.type_url) {
        BATCHES => at.unpack::<UdpGsoBatchWriterFactory>(any).map(|_| true),
        ONE_BY_ONE => at.unpack::<UdpDefaultWriterFactory>(any).map(|_| false),
        other => Err(at.error(format_args!("holds `{other}`, which writes no UDP packets: name `{BATCHES}`"))),
    }
}

fn within_quic(bytes: u64) -> Option<u16> {
    u16::try_from(bytes).ok().filter(|bytes| (SMALLEST..=LARGEST).contains(bytes))
}

/// RFC 9000 §14: what every path of QUIC carries.
const SMALLEST: u16 = 1200;

/// RFC 9000 §18.2: what a datagram of UDP can hold.
const LARGEST: u16 = 65527;

/// Packets begin with what every path carries, and grow to this where the path shows that it carries it: an Ethernet frame less
/// the headers of IPv6 and UDP. Envoy sends packets of 1250 bytes, and does not look for more.
const LARGEST_SENT: u16 = 1452;

/// What fits an Ethernet frame behind the headers of IPv4 and UDP. Envoy's default is 1500.
const LARGEST_RECEIVED: u16 = 1472;

const BATCHES: &str = "envoy.extensions.udp_packet_writer.v3.UdpGsoBatchWriterFactory";

const ONE_BY_ONE: &str = "envoy.extensions.udp_packet_writer.v3.UdpDefaultWriterFactory";
