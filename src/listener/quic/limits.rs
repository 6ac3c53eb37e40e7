//! How many handshakes may be under way: the listener filter `HandshakeLimits`, for what Envoy has no field.

use crate::config::proto::envoy::config::core::v3::socket_address::Protocol;
use crate::config::proto::envoy::config::listener::v3 as proto;
use crate::config::proto::envoy::config::listener::v3::listener_filter::ConfigType;
use crate::config::proto::quicgate::extensions::filters::listener::handshake_limits::v1::HandshakeLimits as Written;
use crate::config::{At, Invalid, type_name};

/// Handshakes that may be under way on one worker.
#[derive(Clone, Copy, Debug)]
pub(in crate::listener) struct HandshakeLimits {
    /// Before clients have to show that they hear us.
    pub(super) before_retry: usize,
    /// Of one IPv4 address, or one network of 64 bits with IPv6.
    pub(super) per_source: usize,
}

/// Reads the listener filters of a listener.
///
/// # Errors
/// [`Invalid`] where one of them is none, or not one of a listener of this protocol.
pub(in crate::listener) fn handshake_limits(
    written: &proto::Listener,
    protocol: Result<Protocol, Invalid>,
    at: At<'_>,
) -> Result<HandshakeLimits, Invalid> {
    let filters = at.each("listener_filters", &written.listener_filters, |at, filter| match &filter.config_type {
        Some(ConfigType::TypedConfig(any)) if type_name(&any.type_url) == NAME => {
            let at = at.field("typed_config");
            let limits: Written = at.unpack(any)?;
            match protocol {
                Ok(Protocol::Udp) => Ok(limits),
                Ok(Protocol::Tcp) => Err(at.error_with_hint(
                    "limits QUIC handshakes, of which a TCP listener has none",
                    "move it to the listener with `protocol: UDP` and `quic_options`",
                )),
                Err(invalid) => Err(invalid),
            }
        }
        Some(ConfigType::TypedConfig(any)) => {
            let name = type_name(&any.type_url);
            Err(at.field("typed_config").error(format_args!("holds `{name}`, which is no listener filter")))
        }
        Some(ConfigType::ConfigDiscovery(_)) => Err(at.field("config_discovery").not_implemented()),
        None => Err(at.error("needs a `typed_config`")),
    })?;
    if filters.len() > 1 {
        return Err(at.item("listener_filters", 1).error("there is one before it: write both limits into that one"));
    }
    let limits = filters.into_iter().next().unwrap_or_default();
    let or = |written: Option<u32>, default: usize| {
        written.map_or(default, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
    };
    Ok(HandshakeLimits {
        before_retry: or(limits.half_open_before_retry, HALF_OPEN_BEFORE_RETRY),
        per_source: or(limits.half_open_per_source, HALF_OPEN_PER_SOURCE),
    })
}

const NAME: &str = "quicgate.extensions.filters.listener.handshake_limits.v1.HandshakeLimits";

/// Those of 2,500 new connections a second, each 50 ms away.
const HALF_OPEN_BEFORE_RETRY: usize = 128;

/// Far above what the clients behind one address of a provider have under way (20,000 new connections a second, each 50 ms
/// away), and a bound for one host that begins handshakes and ends none.
const HALF_OPEN_PER_SOURCE: usize = 1024;
