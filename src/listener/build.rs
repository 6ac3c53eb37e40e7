//! Listeners as written to listeners as they run.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::drops::Drops;
use super::quic::handshake_limits;
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
use crate::hcm::{self, CodecType, Manager};
use crate::observe::log::Limited;
use crate::observe::stats::Scope;
use crate::quic;
use crate::tls::{self, Secrets, SessionStore, Transport};

/// What building needs beside the messages.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// For connection managers.
    pub http: hcm::Context<'a>,
    /// Certificates that TLS contexts refer to.
    pub secrets: &'a Secrets,
    /// Sessions of clients of QUIC.
    pub sessions: &'a Arc<SessionStore>,
}

/// Builds all listeners of the field `listeners` of the message at `at`.
///
/// # Errors
/// [`Invalid`] where one or more cannot be built; all faults are reported.
pub fn listeners(list: &[proto::Listener], at: At<'_>, context: &Context<'_>) -> Result<Vec<Arc<Listener>>, Invalid> {
    // Addresses first: that two listeners have the same is said even when neither can be built.
    let places: Vec<_> = at.items("listeners", list).map(|(at, written)| place(written, at)).collect();
    let twins = twins(list, &places, at).and(namesakes(list, at));
    without_http3(list, &places, at);
    let mut places = places.into_iter();
    let built = at.each("listeners", list, |at, written| {
        let place = places.next().unwrap_or_else(|| Err(at.given_up()));
        listener(written, place, at, context).map(Arc::new)
    });
    twins.and(built)
}

/// Where a listener listens.
#[derive(Debug)]
struct Place {
    addresses: Vec<SocketAddr>,
    protocol: Protocol,
}

fn place(written: &proto::Listener, at: At<'_>) -> Result<Place, Invalid> {
    let first = socket_address(written.address.as_ref(), at.field("address"));
    let more = at.each("additional_addresses", &written.additional_addresses, |at, additional| {
        let (address, other) = socket_address(additional.address.as_ref(), at.field("address"))?;
        if first.is_ok_and(|(_, protocol)| protocol != other) {
            let message = "all addresses of a listener are of one protocol: give the other one a listener of its own";
            return Err(at.field("address.socket_address.protocol").error(message));
        }
        Ok(address)
    });
    let ((address, protocol), more) = (first?, more?);
    Ok(Place { addresses: [vec![address], more].concat(), protocol })
}

/// Reports addresses that more than one listener has.
fn twins(list: &[proto::Listener], places: &[Result<Place, Invalid>], at: At<'_>) -> Result<(), Invalid> {
    let mut taken: HashMap<(Protocol, SocketAddr), usize> = HashMap::new();
    let mut outcome = Ok(());
    for (index, place) in places.iter().enumerate() {
        let Ok(place) = place else { continue };
        for (number, address) in place.addresses.iter().enumerate().filter(|(_, address)| address.port() != 0) {
            let Some(first) = taken.insert((place.protocol, *address), index) else { continue };
            let at = at.item("listeners", index);
            let additional = number.checked_sub(1).map(|number| at.item("additional_addresses", number));
            let at = additional.unwrap_or(at);
            let name = list.get(first).map(|twin| twin.name.as_str()).filter(|name| !name.is_empty());
            let name = name.map_or_else(|| format!("number {}", first + 1), |name| format!("`{name}`"));
            outcome = Err(at.field("address").error(format_args!("listener {name} has the address {address} already")));
        }
    }
    outcome
}

/// Reports listeners of one name: Envoy serves the first of them and forgets the others without a word.
fn namesakes(list: &[proto::Listener], at: At<'_>) -> Result<(), Invalid> {
    let mut names: HashSet<&str> = HashSet::new();
    let mut outcome = Ok(());
    for (at, written) in at.items("listeners", list).filter(|(_, written)| !written.name.is_empty()) {
        if !names.insert(&written.name) {
            let message =
                format_args!("there is another listener named `{}`: Envoy would serve only that one", written.name);
            outcome = Err(at.field("name").error(message));
        }
    }
    outcome
}

/// Remarks on TLS listeners on whose port nothing speaks HTTP/3.
fn without_http3(list: &[proto::Listener], places: &[Result<Place, Invalid>], at: At<'_>) {
    // Of a place that could not be read nobody knows what it would have been.
    if places.iter().any(Result::is_err) || at.field("listeners").is_tainted() {
        return;
    }
    let places = || places.iter().filter_map(|place| place.as_ref().ok());
    let ports = |place: &Place| place.addresses.iter().map(SocketAddr::port).collect::<Vec<_>>();
    let quic: HashSet<u16> = places().filter(|place| place.protocol == Protocol::Udp).flat_map(ports).collect();
    for ((at, written), place) in at.items("listeners", list).zip(places()) {
        let encrypted = written.filter_chains.iter().any(is_encrypted);
        let here = ports(place);
        if place.protocol == Protocol::Tcp && encrypted && !here.iter().any(|port| quic.contains(port)) {
            let port = here.first().copied().unwrap_or_default();
            at.field("address").lint(format_args!(
                "TLS without HTTP/3: a listener with `protocol: UDP` on port {port} and `quic_options` would add it"
            ));
        }
    }
}

/// Whether the transport socket of a chain is another than the one that does nothing.
fn is_encrypted(chain: &proto::FilterChain) -> bool {
    chain.transport_socket.as_ref().is_some_and(|socket| match &socket.config_type {
        Some(transport_socket::ConfigType::TypedConfig(any)) => type_name(&any.type_url) != RAW_BUFFER,
        None => true,
    })
}

fn listener(
    written: &proto::Listener,
    place: Result<Place, Invalid>,
    at: At<'_>,
    context: &Context<'_>,
) -> Result<Listener, Invalid> {
    let access_log = hcm::access_log(&written.access_log, at, &context.http);
    // Where the address is not known, the rest is built for its faults.
    let known = place.as_ref().map_or((None, Protocol::Tcp), |place| (place.addresses.first(), place.protocol));
    let scope = context.http.stats.scope(&format!("listener.{}", stat_name(written, known.0)));
    let chain = match written.filter_chains.as_slice() {
        [] => Err(at.field("filter_chains").error("a listener needs a filter chain")),
        [_] => Ok(()),
        [..] => Err(at.beyond::<proto::Listener>("filter_chains")),
    };
    let protocol = place.as_ref().map(|place| place.protocol).map_err(|invalid| *invalid);
    let served = serve(written, protocol, &scope, at, context);
    no_effect(written, known.1, at);
    let limits = handshake_limits(written, protocol, at);
    let (place, served, access_log, limits) = (place?, served?, access_log?, limits?);
    chain?;
    let (manager, kind) = served;
    if let Kind::Tcp(Some(tls)) | Kind::Quic(tls, _) = &kind {
        tls.count(&scope);
    }
    let name = if written.name.is_empty() { known_name(&place) } else { written.name.clone() };
    Ok(Listener {
        name: name.into(),
        addresses: place.addresses,
        kind,
        manager: Arc::new(manager),
        filter_chain: written.filter_chains.first().map_or("", |chain| &chain.name).into(),
        backlog: written.tcp_backlog_size.map_or(BACKLOG, |size| i32::try_from(size).unwrap_or(i32::MAX)),
        limits,
        handshake_timeout: HANDSHAKE_TIMEOUT,
        access_log,
        stats: ListenerStats::new(&scope, context.http.workers),
        drops: (place.protocol == Protocol::Udp).then(|| Drops::new(&scope)),
        limited: Limited::default(),
        alt_svc: OnceLock::new(),
        port: OnceLock::new(),
        inbound: written.traffic_direction() == TrafficDirection::Inbound,
        open: AtomicU64::new(0),
        stopped: CancellationToken::new(),
    })
}

/// The connection manager of the first chain, and what its connections come over.
fn serve(
    written: &proto::Listener,
    protocol: Result<Protocol, Invalid>,
    scope: &Scope,
    at: At<'_>,
    context: &Context<'_>,
) -> Result<(Manager, Kind), Invalid> {
    let chain = written.filter_chains.first().ok_or_else(|| at.given_up())?;
    let chain_at = at.item("filter_chains", 0);
    let http = http_filter(chain, chain_at);
    let filter_at = chain_at.item("filters", 0);
    let filter_at = filter_at.field("typed_config");
    let manager = http.as_ref().map_err(|invalid| *invalid);
    let manager = manager.and_then(|http| hcm::manager(http, filter_at, scope, &context.http));
    let kind = match protocol {
        Ok(Protocol::Tcp) => tcp_tls(chain, chain_at, context).map(Kind::Tcp),
        Ok(Protocol::Udp) => quic_kind(written, http.as_ref().ok(), scope, at, context),
        Err(invalid) => Err(invalid),
    };
    let codec = http.as_ref().map_or(Ok(()), |http| codec_fits(http, protocol, filter_at, at));
    codec?;
    Ok((manager?, kind?))
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

/// Remarks on what has no effect on a listener of this protocol.
fn no_effect(written: &proto::Listener, protocol: Protocol, at: At<'_>) {
    if at.field("address").is_tainted() {
        return;
    }
    match protocol {
        Protocol::Tcp if written.udp_listener_config.is_some() => {
            at.field("udp_listener_config").no_effect("`udp_listener_config` has no effect on a TCP listener");
        }
        Protocol::Udp if written.tcp_backlog_size.is_some() => {
            at.field("tcp_backlog_size").no_effect("`tcp_backlog_size` has no effect on a UDP listener");
        }
        Protocol::Tcp | Protocol::Udp => {}
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

fn tcp_tls(chain: &proto::FilterChain, at: At<'_>, context: &Context<'_>) -> Result<Option<tls::ServerTls>, Invalid> {
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

fn quic_kind(
    written: &proto::Listener,
    http: Option<&HttpConnectionManager>,
    scope: &Scope,
    at: At<'_>,
    context: &Context<'_>,
) -> Result<Kind, Invalid> {
    let options = written.udp_listener_config.as_ref().and_then(|udp| udp.quic_options.as_ref());
    let quic = options.ok_or_else(|| {
        at.field("udp_listener_config.quic_options")
            .error("a UDP listener needs `udp_listener_config: {quic_options: {}}`: others are not implemented yet")
    });
    let chain_at = at.item("filter_chains", 0);
    let socket_at = chain_at.field("transport_socket");
    let socket = written.filter_chains.first().and_then(|chain| chain.transport_socket.as_ref());
    let tls = chain_at.required("transport_socket", socket).and_then(|socket| quic_tls(socket, socket_at, context));
    let http3 = http.and_then(|http| http.http3_protocol_options.as_ref());
    let http3 = http3.and_then(|options| options.quic_protocol_options.as_ref());
    let of_listener = options.and_then(|options| options.quic_protocol_options.as_ref());
    if http3.is_some() && of_listener.is_some() {
        let at = chain_at.item("filters", 0);
        at.field("typed_config.http3_protocol_options.quic_protocol_options").no_effect(
            "`quic_protocol_options` has no effect here: those of the listener's `quic_options` stand before them",
        );
    }
    quic?;
    let mut tls = tls?;
    let udp_at = at.field("udp_listener_config");
    let filter_at = chain_at.item("filters", 0);
    let http3_at = filter_at.field("typed_config.http3_protocol_options.quic_protocol_options");
    let written = quic::Written { udp: written.udp_listener_config.as_ref(), udp_at, http3, http3_at };
    quic::bind_limits(&written, &mut tls.scope);
    if let Some(http) = http {
        hcm::bind_settings(http, &mut tls.scope);
    }
    tls.remember(context.sessions);
    let settings = quic::settings(&tls, &written, scope)?;
    Ok(Kind::Quic(tls, Box::new(settings)))
}

fn quic_tls(socket: &TransportSocket, at: At<'_>, context: &Context<'_>) -> Result<tls::ServerTls, Invalid> {
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

/// The name of a listener in statistics: its prefix, or the address with `_` for the colons that would end a part.
fn stat_name(written: &proto::Listener, address: Option<&SocketAddr>) -> String {
    match written.stat_prefix.as_str() {
        "" => address.map(|address| address.to_string().replace(':', "_")).unwrap_or_default(),
        prefix => prefix.to_owned(),
    }
}

fn known_name(place: &Place) -> String {
    place.addresses.first().map(SocketAddr::to_string).unwrap_or_default()
}

/// The transport socket that does nothing.
const RAW_BUFFER: &str = "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer";

/// Connections that may wait to be accepted: Envoy's default is the system's `SOMAXCONN`.
const BACKLOG: i32 = 4096;

/// How long a TLS handshake may take. Envoy has no limit by default; a peer that says nothing must not hold a descriptor
/// for ever.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
