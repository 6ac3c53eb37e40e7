//! Listeners as written to listeners as they run.

use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Kind, Listener, ListenerStats};
use crate::config::proto::envoy::config::core::v3::{
    TrafficDirection, TransportSocket, socket_address::Protocol, transport_socket,
};
use crate::config::proto::envoy::config::listener::v3 as proto;
use crate::config::proto::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use crate::config::proto::envoy::extensions::transport_sockets::quic::v3::QuicDownstreamTransport;
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::DownstreamTlsContext;
use crate::config::values::socket_address;
use crate::config::{At, Invalid, type_name};
use crate::hcm::{self, CodecType, Context};
use crate::observe::log::Limited;
use crate::quic;
use crate::tls::{self, Transport};

/// Builds all listeners of the field `listeners` of the message at `at`.
///
/// # Errors
/// [`Invalid`] where one or more cannot be built; all faults are reported.
pub fn listeners(list: &[proto::Listener], at: At<'_>, context: &Context<'_>) -> Result<Vec<Arc<Listener>>, Invalid> {
    let built = at.each("listeners", list, |at, written| listener(written, at, context).map(Arc::new))?;
    let mut twins = Ok(());
    for (index, one) in built.iter().enumerate() {
        if let Some(twin) = built.iter().take(index).find(|other| overlaps(other, one)) {
            let at = at.item("listeners", index);
            let at = at.field("address");
            twins = Err(at.error(format_args!("listener `{}` has the same address", twin.name)));
        }
    }
    twins.map(|()| built)
}

fn listener(written: &proto::Listener, at: At<'_>, context: &Context<'_>) -> Result<Listener, Invalid> {
    let address = socket_address(written.address.as_ref(), at.field("address"));
    let chain = match written.filter_chains.as_slice() {
        [chain] => Ok(chain),
        _ => Err(at.field("filter_chains").error("exactly one filter chain a listener is implemented yet")),
    };
    let access_log = hcm::access_log(&written.access_log, at, context);
    let ((address, protocol), chain) = (address?, chain?);
    let addresses = addresses(written, address, protocol, at);
    let chain_at = at.item("filter_chains", 0);
    let scope = context.stats.scope(&format!("listener.{}", stat_name(written, address)));
    let http = http_filter(chain, chain_at)?;
    let filter_at = chain_at.item("filters", 0);
    let manager = hcm::manager(&http, filter_at.field("typed_config"), &scope, context);
    let kind = match protocol {
        Protocol::Tcp => tcp_tls(chain, &http, chain_at).map(Kind::Tcp),
        Protocol::Udp => quic_kind(written, chain, &http, at),
    };
    Ok(Listener {
        name: if written.name.is_empty() { address.to_string().into() } else { written.name.as_str().into() },
        addresses: addresses?,
        kind: kind?,
        manager: Arc::new(manager?),
        filter_chain: chain.name.as_str().into(),
        backlog: written.tcp_backlog_size.map_or(BACKLOG, |size| i32::try_from(size).unwrap_or(i32::MAX)),
        handshake_timeout: HANDSHAKE_TIMEOUT,
        access_log: access_log?,
        stats: ListenerStats::new(&scope, context.workers),
        limited: Limited::default(),
        alt_svc: OnceLock::new(),
        port: OnceLock::new(),
        inbound: written.traffic_direction() == TrafficDirection::Inbound,
        open: AtomicU64::new(0),
        stopped: CancellationToken::new(),
    })
}

fn addresses(
    written: &proto::Listener,
    first: SocketAddr,
    protocol: Protocol,
    at: At<'_>,
) -> Result<Vec<SocketAddr>, Invalid> {
    let more = at.each("additional_addresses", &written.additional_addresses, |at, additional| {
        let (address, other) = socket_address(additional.address.as_ref(), at.field("address"))?;
        if other != protocol {
            let message = "all addresses of a listener are of one protocol: give the other one a listener of its own";
            return Err(at.field("address.socket_address.protocol").error(message));
        }
        Ok(address)
    });
    Ok([vec![first], more?].concat())
}

fn http_filter(chain: &proto::FilterChain, at: At<'_>) -> Result<HttpConnectionManager, Invalid> {
    let [filter] = chain.filters.as_slice() else {
        return Err(at.field("filters").error("a filter chain holds one filter yet: the HTTP connection manager"));
    };
    let at = at.item("filters", 0);
    match &filter.config_type {
        Some(proto::filter::ConfigType::TypedConfig(any)) => at.field("typed_config").unpack(any),
        Some(proto::filter::ConfigType::ConfigDiscovery(_)) | None => Err(at.error("`typed_config` is missing")),
    }
}

fn tcp_tls(
    chain: &proto::FilterChain,
    http: &HttpConnectionManager,
    at: At<'_>,
) -> Result<Option<tls::ServerTls>, Invalid> {
    if CodecType::of(http) == CodecType::Http3 {
        return Err(at.error("HTTP3 needs a UDP listener: `protocol: UDP` and `udp_listener_config`"));
    }
    let Some(socket) = &chain.transport_socket else { return Ok(None) };
    let at = at.field("transport_socket");
    let any = typed_config(socket, at)?;
    if type_name(&any.type_url).ends_with(".RawBuffer") {
        return Ok(None);
    }
    let at = at.field("typed_config");
    let context: DownstreamTlsContext = at.unpack(any)?;
    tls::server(&context, Transport::Tcp, at).map(Some)
}

fn quic_kind(
    written: &proto::Listener,
    chain: &proto::FilterChain,
    http: &HttpConnectionManager,
    at: At<'_>,
) -> Result<Kind, Invalid> {
    let options = written.udp_listener_config.as_ref().and_then(|udp| udp.quic_options.as_ref());
    if options.is_none() {
        return Err(
            at.error("a UDP listener needs `udp_listener_config: {quic_options: {}}`: others are not implemented yet")
        );
    }
    if CodecType::of(http) != CodecType::Http3 {
        return Err(at.error("a QUIC listener serves HTTP/3: set its connection manager's `codec_type: HTTP3`"));
    }
    let chain_at = at.item("filter_chains", 0);
    let socket = chain_at.required("transport_socket", chain.transport_socket.as_ref())?;
    let socket_at = chain_at.field("transport_socket");
    let any = typed_config(socket, socket_at)?;
    let socket_at = socket_at.field("typed_config");
    let transport: QuicDownstreamTransport = socket_at.unpack(any)?;
    let context = socket_at.required("downstream_tls_context", transport.downstream_tls_context.as_ref())?;
    let early_data = transport.enable_early_data.unwrap_or(true);
    let tls = tls::server(context, Transport::Quic { early_data }, socket_at.field("downstream_tls_context"))?;
    let http3 = http.http3_protocol_options.as_ref().and_then(|options| options.quic_protocol_options.as_ref());
    let settings = quic::settings(&tls, options, http3, at.field("udp_listener_config.quic_options"))?;
    Ok(Kind::Quic(tls, Box::new(settings)))
}

fn typed_config<'a>(socket: &'a TransportSocket, at: At<'_>) -> Result<&'a prost_types::Any, Invalid> {
    match &socket.config_type {
        Some(transport_socket::ConfigType::TypedConfig(any)) => Ok(any),
        None => Err(at.error("`typed_config` is missing")),
    }
}

fn overlaps(one: &Listener, other: &Listener) -> bool {
    let same_transport = matches!(one.kind, Kind::Tcp(_)) == matches!(other.kind, Kind::Tcp(_));
    same_transport && one.addresses.iter().any(|address| address.port() != 0 && other.addresses.contains(address))
}

/// The name of a listener in statistics: its prefix, or the address with `_` for the colons that would end a part.
fn stat_name(written: &proto::Listener, address: SocketAddr) -> String {
    let prefix = &written.stat_prefix;
    if prefix.is_empty() { address.to_string().replace(':', "_") } else { prefix.clone() }
}

/// Connections that may wait to be accepted: Envoy's default is the system's `SOMAXCONN`.
const BACKLOG: i32 = 4096;

/// How long a TLS handshake may take. Envoy has no limit by default; a peer that says nothing must not hold a descriptor
/// for ever.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
