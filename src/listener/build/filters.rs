//! Listener filters: the TLS inspector, and `HandshakeLimits`, for what Envoy has no field.

use crate::config::proto::envoy::config::core::v3::socket_address::Protocol;
use crate::config::proto::envoy::config::listener::v3 as proto;
use crate::config::proto::envoy::config::listener::v3::listener_filter::ConfigType;
use crate::config::proto::envoy::extensions::filters::listener::tls_inspector::v3::TlsInspector;
use crate::config::proto::quicgate::extensions::filters::listener::handshake_limits::v1::HandshakeLimits as Written;
use crate::config::{At, Invalid, type_name};
use crate::listener::limits::HandshakeLimits;

/// What the listener filters of a listener say.
pub(super) struct Filters {
    pub(super) limits: HandshakeLimits,
    /// Whether the beginning of every connection is looked at.
    pub(super) tls_inspector: bool,
}

/// One of them.
enum Filter {
    Limits(Written),
    TlsInspector,
}

/// Reads the listener filters of a listener.
///
/// # Errors
/// [`Invalid`] where one of them is none, or not one of a listener of this protocol.
pub(super) fn filters(
    written: &proto::Listener,
    protocol: Result<Protocol, Invalid>,
    at: At<'_>,
) -> Result<Filters, Invalid> {
    let filters = at.each("listener_filters", &written.listener_filters, |at, filter| match &filter.config_type {
        Some(ConfigType::TypedConfig(any)) => filter_of(any, protocol, at.field("typed_config")),
        Some(ConfigType::ConfigDiscovery(_)) => Err(at.field("config_discovery").not_implemented()),
        None => Err(at.error("needs a `typed_config`")),
    })?;
    let mut limits = None;
    let mut tls_inspector = false;
    for (index, filter) in filters.into_iter().enumerate() {
        match filter {
            Filter::TlsInspector => tls_inspector = true,
            Filter::Limits(_) if limits.is_some() => {
                let at = at.item("listener_filters", index);
                return Err(at.error("there is one before it: write both limits into that one"));
            }
            Filter::Limits(written) => limits = Some(written),
        }
    }
    Ok(Filters { limits: handshake_limits(limits.unwrap_or_default()), tls_inspector })
}

fn filter_of(any: &prost_types::Any, protocol: Result<Protocol, Invalid>, at: At<'_>) -> Result<Filter, Invalid> {
    match (type_name(&any.type_url), protocol?) {
        (LIMITS, protocol) => {
            let written: Written = at.unpack(any)?;
            let (field, set, over) = match protocol {
                Protocol::Tcp => ("half_open_before_retry", written.half_open_before_retry.is_some(), "TCP"),
                Protocol::Udp => ("half_open", written.half_open.is_some(), "QUIC"),
            };
            if set {
                at.field(field).no_effect(format_args!("`{field}` has no effect over {over}"));
            }
            Ok(Filter::Limits(written))
        }
        (TLS_INSPECTOR, Protocol::Tcp) => at.unpack(any).map(|_: TlsInspector| Filter::TlsInspector),
        (TLS_INSPECTOR, Protocol::Udp) => Err(at.error_with_hint(
            "looks at TLS over TCP, of which a UDP listener has none",
            "leave it out: what a QUIC client asks for is known without it",
        )),
        (name, _) => Err(at.error(format_args!("holds `{name}`, which is no listener filter"))),
    }
}

fn handshake_limits(limits: Written) -> HandshakeLimits {
    let or = |written: Option<u32>, default: usize| {
        written.map_or(default, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
    };
    HandshakeLimits {
        at_most: or(limits.half_open, HALF_OPEN),
        before_retry: or(limits.half_open_before_retry, HALF_OPEN_BEFORE_RETRY),
        per_source: or(limits.half_open_per_source, HALF_OPEN_PER_SOURCE),
    }
}

const TLS_INSPECTOR: &str = "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector";
const LIMITS: &str = "quicgate.extensions.filters.listener.handshake_limits.v1.HandshakeLimits";

/// Ten times those of 2,500 new connections a second, each 50 ms and two round trips away.
const HALF_OPEN: usize = 2560;

/// Those of 2,500 new connections a second, each 50 ms away.
const HALF_OPEN_BEFORE_RETRY: usize = 128;

/// Far above what the clients behind one address of a provider have under way (20,000 new connections a second, each 50 ms
/// away), and a bound for one host that begins handshakes and ends none.
const HALF_OPEN_PER_SOURCE: usize = 1024;
