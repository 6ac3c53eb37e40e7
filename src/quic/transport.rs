//! Transport parameters and limits of a QUIC listener.

use std::time::Duration;

use quinn::{IdleTimeout, TransportConfig, VarInt};

use super::send_window::LEAST;
use crate::config::proto::envoy::config::core::v3::QuicProtocolOptions;
use crate::config::proto::envoy::config::listener::v3::QuicProtocolOptions as ListenerOptions;
use crate::config::{At, Invalid, duration};
use crate::tls::Scope;

/// Builds the transport of a listener, or of a cluster, which has `http3` alone. `http3` are the options of the HTTP connection
/// manager, which stand behind those of the listener.
///
/// # Errors
/// [`Invalid`] where a value is out of QUIC's range.
pub(super) fn transport(
    listener: Option<&ListenerOptions>,
    http3: Option<&QuicProtocolOptions>,
    at: At<'_>,
) -> Result<TransportConfig, Invalid> {
    let mut config = TransportConfig::default();
    let options = protocol_options(listener, http3);
    config.max_concurrent_bidi_streams(VarInt::from_u32(max_streams(listener, http3)));
    // RFC 9114 §6.2: a control stream and two QPACK streams; a few more may be of reserved types.
    config.max_concurrent_uni_streams(VarInt::from_u32(MAX_UNI_STREAMS));
    config.stream_receive_window(VarInt::from_u32(stream_window(options)));
    config.receive_window(VarInt::from_u32(connection_window(options)));
    config.send_window(LEAST);
    let idle = listener
        .and_then(|options| options.idle_timeout.as_ref())
        .or_else(|| options.and_then(|options| options.idle_network_timeout.as_ref()))
        .map_or(IDLE_TIMEOUT, duration);
    let idle = IdleTimeout::try_from(idle)
        .map_err(|_| at.field("idle_timeout").error("longer than QUIC can say: at most 2^62 milliseconds"))?;
    config.max_idle_timeout(Some(idle));
    // Nothing here reads datagrams.
    config.datagram_receive_buffer_size(None);
    Ok(config)
}

/// Makes the sessions of a listener depend on its limits: a client that resumes keeps to those that it was told before, so
/// that its early data may exceed others (RFC 9000 §7.4.1).
pub fn bind_limits(listener: Option<&ListenerOptions>, http3: Option<&QuicProtocolOptions>, scope: &mut Scope) {
    let options = protocol_options(listener, http3);
    for (limit, value) in [
        ("initial_max_data", connection_window(options)),
        ("initial_max_stream_data", stream_window(options)),
        ("initial_max_streams_bidi", max_streams(listener, http3)),
        ("initial_max_streams_uni", MAX_UNI_STREAMS),
    ] {
        scope.bind_number(limit, u64::from(value));
    }
}

/// Request streams that a client may have open at once.
pub(super) fn max_streams(listener: Option<&ListenerOptions>, http3: Option<&QuicProtocolOptions>) -> u32 {
    protocol_options(listener, http3).and_then(|options| options.max_concurrent_streams).unwrap_or(MAX_STREAMS)
}

/// Bytes that the peer may send unasked on one stream.
pub(super) fn stream_window(options: Option<&QuicProtocolOptions>) -> u32 {
    options.and_then(|options| options.initial_stream_window_size).unwrap_or(STREAM_WINDOW)
}

/// The same for a whole connection.
fn connection_window(options: Option<&QuicProtocolOptions>) -> u32 {
    options.and_then(|options| options.initial_connection_window_size).unwrap_or(CONNECTION_WINDOW)
}

fn protocol_options<'a>(
    listener: Option<&'a ListenerOptions>,
    http3: Option<&'a QuicProtocolOptions>,
) -> Option<&'a QuicProtocolOptions> {
    listener.and_then(|options| options.quic_protocol_options.as_ref()).or(http3)
}

/// How long a handshake may take: Envoy's default `crypto_handshake_timeout` is 20 s.
pub(super) fn handshake_timeout(listener: Option<&ListenerOptions>) -> Duration {
    let written = listener.and_then(|options| options.crypto_handshake_timeout.as_ref());
    written.map_or(Duration::from_secs(20), duration)
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
