//! Transport parameters and limits of the connections of a listener or a cluster.

use std::sync::Arc;
use std::time::Duration;

use quinn::{IdleTimeout, MtuDiscoveryConfig, TransportConfig, VarInt};

use super::congestion::{self, Congestion};
use super::packets::{self, Packets};
use super::send_window::LEAST;
use super::written::Written;
use crate::config::proto::envoy::config::core::v3::QuicProtocolOptions;
use crate::config::{Invalid, duration};
use crate::tls::Scope;

/// The transport of a connection, as it is made anew for each that is recorded (quinn's own cannot be copied).
#[derive(Clone, Debug)]
pub(super) struct Transport {
    /// Streams that the peer may open: requests of a client.
    pub(super) bidi_streams: u32,
    /// Bytes that the peer may send unasked on one stream.
    pub(super) stream_window: u32,
    /// The same on all streams of a connection.
    pub(super) connection_window: VarInt,
    idle: IdleTimeout,
    congestion: Congestion,
    packets: Packets,
}

/// Builds the transport.
///
/// # Errors
/// [`Invalid`] where a value is out of QUIC's range.
pub(super) fn transport(written: &Written<'_>) -> Result<Transport, Invalid> {
    let options = written.options();
    let idle = idle_timeout(written);
    let congestion = congestion::choose(written);
    let packets = packets::packets(written);
    Ok(Transport {
        bidi_streams: max_streams(options),
        stream_window: stream_window(options),
        connection_window: VarInt::from_u32(connection_window(options)),
        idle: idle?,
        congestion: congestion?,
        packets: packets?,
    })
}

/// Request streams that a client may have open at once.
fn max_streams(options: Option<&QuicProtocolOptions>) -> u32 {
    options.and_then(|options| options.max_concurrent_streams).unwrap_or(MAX_STREAMS)
}

/// Bytes that the peer may send unasked on one stream.
fn stream_window(options: Option<&QuicProtocolOptions>) -> u32 {
    options.and_then(|options| options.initial_stream_window_size).unwrap_or(STREAM_WINDOW)
}

/// The same on all streams of a connection.
fn connection_window(options: Option<&QuicProtocolOptions>) -> u32 {
    options.and_then(|options| options.initial_connection_window_size).unwrap_or(CONNECTION_WINDOW)
}

fn idle_timeout(written: &Written<'_>) -> Result<IdleTimeout, Invalid> {
    let of_listener = written.listener().and_then(|options| options.idle_timeout.as_ref());
    let idle = of_listener
        .or_else(|| written.options().and_then(|options| options.idle_network_timeout.as_ref()))
        .map_or(IDLE_TIMEOUT, |written| duration(written).max(LEAST_IDLE_TIMEOUT));
    IdleTimeout::try_from(idle).map_err(|_| {
        let at = written.options_at();
        let at = match of_listener {
            Some(_) => written.udp_at.field("quic_options.idle_timeout"),
            None => at.field("idle_network_timeout"),
        };
        at.error("longer than QUIC can say: at most 2^62 milliseconds")
    })
}

/// Makes the sessions of a listener depend on its limits: a client that resumes keeps to those that it was told before, so
/// that its early data may exceed others (RFC 9000 §7.4.1).
pub fn bind_limits(written: &Written<'_>, scope: &mut Scope) {
    let options = written.options();
    for (limit, value) in [
        ("initial_max_data", connection_window(options)),
        ("initial_max_stream_data", stream_window(options)),
        ("initial_max_streams_bidi", max_streams(options)),
        ("initial_max_streams_uni", MAX_UNI_STREAMS),
    ] {
        scope.bind_number(limit, u64::from(value));
    }
}

impl Transport {
    /// What quinn needs of it. What is not said here is quinn's own default, and fits an edge: ECN (RFC 9000 §13.4), the spin bit
    /// (§17.4), 333 ms before a round trip was measured (RFC 9002 §6.2.2), 16 KiB of a handshake that is out of order, no say in
    /// how often the peer acknowledges.
    pub(super) fn config(&self) -> TransportConfig {
        let mut config = TransportConfig::default();
        let mut discovery = MtuDiscoveryConfig::default();
        discovery.upper_bound(self.packets.largest);
        config
            .max_concurrent_bidi_streams(VarInt::from_u32(self.bidi_streams))
            // RFC 9114 §6.2: a control stream and two QPACK streams; a few more may be of reserved types.
            .max_concurrent_uni_streams(VarInt::from_u32(MAX_UNI_STREAMS))
            .stream_receive_window(VarInt::from_u32(self.stream_window))
            .receive_window(self.connection_window)
            .send_window(LEAST)
            .max_idle_timeout(Some(self.idle))
            .mtu_discovery_config(Some(discovery))
            .enable_segmentation_offload(self.packets.segmentation_offload)
            // Nothing here reads datagrams.
            .datagram_receive_buffer_size(None);
        self.congestion.control(&mut config);
        config
    }

    /// The same, to be shared by connections.
    pub(super) fn shared(&self) -> Arc<TransportConfig> {
        Arc::new(self.config())
    }
}

/// How long a handshake may take: Envoy's default `crypto_handshake_timeout` is 20 s.
///
/// # Errors
/// [`Invalid`] where none can be done in the time.
pub(super) fn handshake_timeout(written: &Written<'_>) -> Result<Duration, Invalid> {
    let timeout = written.listener().and_then(|options| options.crypto_handshake_timeout.as_ref());
    match timeout.map_or(Duration::from_secs(20), duration) {
        Duration::ZERO => Err(written
            .udp_at
            .field("quic_options.crypto_handshake_timeout")
            .error("no handshake takes no time: write how long one may take, or leave it out for 20 s (Envoy takes 5 s at least)")),
        timeout => Ok(timeout),
    }
}

/// Envoy's default `max_concurrent_streams` for HTTP/3.
const MAX_STREAMS: u32 = 100;

/// Unidirectional streams that a client may open.
const MAX_UNI_STREAMS: u32 = 16;

/// Bytes that a client may send unasked on one stream. Envoy's default is 16 MiB; a stalled upstream makes each of them a
/// byte of our memory, so ours is what a path of 100 Mbit/s and 80 ms needs.
const STREAM_WINDOW: u32 = 1 << 20;

/// The same for a whole connection of a client; Envoy's default is 24 MiB.
const CONNECTION_WINDOW: u32 = 4 << 20;

/// Envoy's default `idle_timeout` of a QUIC listener.
const IDLE_TIMEOUT: Duration = Duration::from_secs(300);

/// What Envoy takes where less is written. quinn takes every first packet for too late where it is 0.
const LEAST_IDLE_TIMEOUT: Duration = Duration::from_millis(1);
