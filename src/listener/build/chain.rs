//! One filter chain: its connection manager, and what it encrypts with.

use std::sync::Arc;

use super::Context;
use crate::config::proto::envoy::config::core::v3::{TransportSocket, socket_address::Protocol, transport_socket};
use crate::config::proto::envoy::config::listener::v3 as proto;
use crate::config::proto::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use crate::config::proto::envoy::extensions::transport_sockets::quic::v3::QuicDownstreamTransport;
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::DownstreamTlsContext;
use crate::config::{At, Invalid, type_name};
use crate::hcm::{self, CodecType, Manager};
use crate::listener::chain::Chain;
use crate::observe::stats::Scope;
use crate::tls::{self, ServerTls, Transport};

/// The parts of a chain, each as far as it could be built: what is wrong with one does not keep the faults of others from being
/// found.
pub(super) struct Parts {
    name: Arc<str>,
    pub(super) http: Result<HttpConnectionManager, Invalid>,
    manager: Result<Manager, Invalid>,
    pub(super) tls: Result<Option<ServerTls>, Invalid>,
    codec: Result<(), Invalid>,
}

impl Parts {
    /// Builds them; `at` stands on the chain, `listener` on its listener, whose scope is `scope`.
    pub(super) fn new(
        written: &proto::FilterChain,
        protocol: Result<Protocol, Invalid>,
        scope: &Scope,
        (at, listener): (At<'_>, At<'_>),
        context: &Context<'_>,
    ) -> Self {
        let http = http_filter(written, at);
        let filter_at = at.item("filters", 0);
        let filter_at = filter_at.field("typed_config");
        let manager = http.as_ref().map_err(|invalid| *invalid);
        let manager = manager.and_then(|http| hcm::manager(http, filter_at, scope, &context.http));
        let tls = match protocol {
            Ok(Protocol::Tcp) => tcp_tls(written, at, context),
            Ok(Protocol::Udp) => quic_tls(written, at, context).map(Some),
            Err(invalid) => Err(invalid),
        };
        let codec = http.as_ref().map_or(Ok(()), |http| codec_fits(http, protocol, filter_at, listener));
        Self { name: written.name.as_str().into(), http, manager, tls, codec }
    }

    /// The chain.
    pub(super) fn join(self) -> Result<Chain, Invalid> {
        self.codec?;
        self.http?;
        Ok(Chain { name: self.name, manager: Arc::new(self.manager?), tls: self.tls? })
    }
}

/// Whether the version that the connection manager serves runs on what the listener accepts.
fn codec_fits(
    http: &HttpConnectionManager,
    protocol: Result<Protocol, Invalid>,
    at: At<'_>,
    listener: At<'_>,
) -> Result<(), Invalid> {
    let Ok(protocol) = protocol else { return Ok(()) };
    // What could not be read is no ground to judge by.
    let unsure = at.field("codec_type").is_tainted() || listener.field("address").is_tainted();
    match (CodecType::of(http), protocol) {
        _ if unsure => Err(at.given_up()),
        (CodecType::Http3, Protocol::Tcp) => {
            Err(at.field("codec_type").error("HTTP3 needs a UDP listener: `protocol: UDP` and `udp_listener_config`"))
        }
        (CodecType::Http3, Protocol::Udp) | (_, Protocol::Tcp) => Ok(()),
        (_, Protocol::Udp) => {
            Err(at.field("codec_type").error("a QUIC listener serves HTTP/3: set `codec_type: HTTP3`"))
        }
    }
}

fn http_filter(chain: &proto::FilterChain, at: At<'_>) -> Result<HttpConnectionManager, Invalid> {
    let filter = match chain.filters.as_slice() {
        [filter] => filter,
        [] => return Err(at.field("filters").error("a filter chain needs a filter: the HTTP connection manager")),
        [..] => return Err(at.beyond::<proto::FilterChain>("filters")),
    };
    let at = at.item("filters", 0);
    match &filter.config_type {
        Some(proto::filter::ConfigType::TypedConfig(any)) => at.field("typed_config").unpack(any),
        Some(proto::filter::ConfigType::ConfigDiscovery(_)) => Err(at.field("config_discovery").not_implemented()),
        None => Err(at.error("needs a `typed_config`")),
    }
}

fn tcp_tls(chain: &proto::FilterChain, at: At<'_>, context: &Context<'_>) -> Result<Option<ServerTls>, Invalid> {
    let Some(socket) = &chain.transport_socket else { return Ok(None) };
    let at = at.field("transport_socket");
    let any = typed_config(socket, at)?;
    if type_name(&any.type_url) == RAW_BUFFER {
        return Ok(None);
    }
    let at = at.field("typed_config");
    let written: DownstreamTlsContext = at.unpack(any)?;
    tls::server(&written, Transport::Tcp, context.secrets, at).map(Some)
}

fn quic_tls(chain: &proto::FilterChain, at: At<'_>, context: &Context<'_>) -> Result<ServerTls, Invalid> {
    let socket = at.required("transport_socket", chain.transport_socket.as_ref())?;
    let at = at.field("transport_socket");
    let any = typed_config(socket, at)?;
    let at = at.field("typed_config");
    let transport: QuicDownstreamTransport = at.unpack(any)?;
    let written = at.required("downstream_tls_context", transport.downstream_tls_context.as_ref())?;
    let resumption = transport.enable_resumption.unwrap_or(true);
    let early_data = transport.enable_early_data.unwrap_or(true);
    if transport.enable_early_data == Some(true) && tls::has_ticket_keys(written) {
        at.field("enable_early_data").no_effect(
            "`enable_early_data` has no effect: early data is taken only from sessions that this process remembers, and with keys for session tickets they are in tickets",
        );
    }
    let over = Transport::Quic { resumption, early_data };
    let tls = tls::server(written, over, context.secrets, at.field("downstream_tls_context"));
    if early_data && !resumption {
        // As Envoy, which takes early data for enabled where it is not said to be.
        return Err(at
            .field("enable_resumption")
            .error("only clients that resume send early data: set `enable_early_data: false` as well"));
    }
    tls
}

fn typed_config<'a>(socket: &'a TransportSocket, at: At<'_>) -> Result<&'a prost_types::Any, Invalid> {
    match &socket.config_type {
        Some(transport_socket::ConfigType::TypedConfig(any)) => Ok(any),
        None => Err(at.error("needs a `typed_config`")),
    }
}

/// The transport socket that does nothing.
pub(super) const RAW_BUFFER: &str = "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer";
