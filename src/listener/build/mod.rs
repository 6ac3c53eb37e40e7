//! Listeners as written to listeners as they run.

mod chain;
mod filters;
mod place;

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use self::chain::Parts;
use self::filters::filters;
use self::place::{Place, known_name, namesakes, place, stat_name, twins, without_http3};
use super::chain::{Chain, Chains, bind_sources, rules};
use super::drops::Drops;
use super::{Kind, Listener, ListenerStats};
use crate::config::proto::envoy::config::core::v3::{TrafficDirection, socket_address::Protocol};
use crate::config::proto::envoy::config::listener::v3 as proto;
use crate::config::{At, Invalid};
use crate::hcm;
use crate::observe::log::Limited;
use crate::observe::stats::Scope;
use crate::quic::{self, QuicSettings};
use crate::tls::{Secrets, SessionStore};

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
    let protocol = place.as_ref().map(|place| place.protocol).map_err(|invalid| *invalid);
    let served = serve(written, protocol, &scope, at, context);
    let rules = rules(written.filter_chains.iter().map(|chain| chain.filter_chain_match.as_ref()), at);
    no_effect(written, known.1, at);
    let filters = filters(written, protocol, at);
    let (place, served, access_log, filters) = (place?, served?, access_log?, filters?);
    let (chains, kind) = served;
    let stats = ListenerStats::new(&scope, context.http.workers);
    for tls in chains.iter().filter_map(|chain| chain.tls.as_ref()) {
        tls.count(&scope);
        tls.count_in(&stats.verify);
    }
    let name = if written.name.is_empty() { known_name(&place) } else { written.name.clone() };
    Ok(Listener {
        name: name.into(),
        addresses: place.addresses,
        kind,
        chains: Chains::new(rules?, chains, filters.tls_inspector),
        backlog: written.tcp_backlog_size.map_or(BACKLOG, |size| i32::try_from(size).unwrap_or(i32::MAX)),
        limits: filters.limits,
        handshake_timeout: HANDSHAKE_TIMEOUT,
        access_log,
        stats,
        drops: (place.protocol == Protocol::Udp).then(|| Drops::new(&scope)),
        limited: Limited::default(),
        alt_svc: OnceLock::new(),
        inbound: written.traffic_direction() == TrafficDirection::Inbound,
        open: AtomicU64::new(0),
        stopped: CancellationToken::new(),
    })
}

/// The chains, the default one last, and what their connections come over.
fn serve(
    written: &proto::Listener,
    protocol: Result<Protocol, Invalid>,
    scope: &Scope,
    at: At<'_>,
    context: &Context<'_>,
) -> Result<(Vec<Chain>, Kind), Invalid> {
    let own = at.items("filter_chains", &written.filter_chains);
    let own = own.map(|(chain_at, written)| Parts::new(written, protocol, scope, (chain_at, at), context));
    let mut parts: Vec<_> = own.collect();
    let default_at = at.field("default_filter_chain");
    let default = written.default_filter_chain.as_ref();
    parts.extend(default.map(|written| Parts::new(written, protocol, scope, (default_at, at), context)));
    let some = match parts.as_slice() {
        [] => Err(at.field("filter_chains").error("a listener needs a filter chain")),
        _ => Ok(()),
    };
    let kind = protocol.and_then(|protocol| match protocol {
        Protocol::Tcp => Ok(Kind::Tcp),
        Protocol::Udp => quic_settings(written, &mut parts, scope, at, context).map(|it| Kind::Quic(Box::new(it))),
    });
    // All of them, before the first fault ends the collecting.
    let chains: Vec<_> = parts.into_iter().map(Parts::join).collect();
    some?;
    Ok((chains.into_iter().collect::<Result<_, _>>()?, kind?))
}

/// The settings of a QUIC listener. They are those of all its chains: where the listener has none of its own, those of the first
/// chain's connection manager hold.
fn quic_settings(
    written: &proto::Listener,
    chains: &mut [Parts],
    scope: &Scope,
    at: At<'_>,
    context: &Context<'_>,
) -> Result<QuicSettings, Invalid> {
    let udp = written.udp_listener_config.as_ref();
    let of_listener = udp.and_then(|udp| udp.quic_options.as_ref());
    let is_quic = of_listener.map(|_| ()).ok_or_else(|| {
        at.field("udp_listener_config.quic_options")
            .error("a UDP listener needs `udp_listener_config: {quic_options: {}}`: others are not implemented yet")
    });
    let own = of_listener.is_some_and(|options| options.quic_protocol_options.is_some());
    let of_manager =
        |parts: &Parts| parts.http.as_ref().ok()?.http3_protocol_options.as_ref()?.quic_protocol_options.clone();
    for (index, _) in chains.iter().enumerate().filter(|(_, parts)| of_manager(parts).is_some()) {
        let instead = match index {
            _ if own => "those of the listener's `quic_options` stand before them",
            0 => continue,
            _ => "those of the first filter chain hold for the whole listener",
        };
        let chain_at = chain_at(written, index, &at);
        let filter_at = chain_at.item("filters", 0);
        let at = filter_at.field("typed_config.http3_protocol_options.quic_protocol_options");
        at.no_effect(format_args!("`quic_protocol_options` has no effect here: {instead}"));
    }
    is_quic?;
    let http3 = chains.first().and_then(of_manager);
    let chain_at = chain_at(written, 0, &at);
    let filter_at = chain_at.item("filters", 0);
    let options = quic::Written {
        udp,
        udp_at: at.field("udp_listener_config"),
        http3: http3.as_ref(),
        http3_at: filter_at.field("typed_config.http3_protocol_options.quic_protocol_options"),
    };
    let contexts = chains.iter_mut().enumerate().map(|(index, parts)| {
        let tls = parts.tls.as_mut().map_err(|invalid| *invalid)?.as_mut().ok_or_else(|| at.given_up())?;
        quic::bind_limits(&options, &mut tls.scope);
        if let Ok(http) = &parts.http {
            hcm::bind_settings(http, &mut tls.scope);
        }
        let rule = written.filter_chains.get(index).and_then(|chain| chain.filter_chain_match.as_ref());
        bind_sources(rule, &mut tls.scope);
        tls.remember(context.sessions);
        Ok(tls.clone())
    });
    let contexts = contexts.collect::<Result<Vec<_>, _>>()?;
    let (first, others) = contexts.split_first().ok_or_else(|| at.given_up())?;
    quic::settings(first, others, &options, scope)
}

/// Where a chain stands: the default one comes after the others.
fn chain_at<'a>(written: &proto::Listener, index: usize, at: &'a At<'_>) -> At<'a> {
    if index < written.filter_chains.len() { at.item("filter_chains", index) } else { at.field("default_filter_chain") }
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
    for (at, chain) in at.items("filter_chains", &written.filter_chains) {
        if let Some(rule) = &chain.filter_chain_match {
            never_chosen(rule, protocol, at.field("filter_chain_match"));
        }
    }
}

/// Remarks on a rule for what no connection of this protocol is. Of what is none at all, the rule itself says so.
fn never_chosen(rule: &proto::FilterChainMatch, protocol: Protocol, at: At<'_>) {
    match (protocol, rule.transport_protocol.as_str()) {
        (Protocol::Udp, other @ ("tls" | "raw_buffer")) => at.field("transport_protocol").no_effect(format_args!(
            "no connection of a QUIC listener is `{other}`, so this chain is never chosen: they are `quic`"
        )),
        (Protocol::Tcp, "quic") => at.field("transport_protocol").no_effect(
            "no connection of a TCP listener is `quic`, so this chain is never chosen: they are `tls` or `raw_buffer`",
        ),
        _ => {}
    }
    let protocols = &rule.application_protocols;
    if protocol == Protocol::Udp && !protocols.is_empty() && !protocols.iter().any(|name| name == "h3") {
        at.field("application_protocols")
            .no_effect("QUIC clients offer `h3`, so this chain is hardly ever chosen: name it, or leave the field out");
    }
}

/// Connections that may wait to be accepted: Envoy's default is the system's `SOMAXCONN`.
const BACKLOG: i32 = 4096;

/// How long a TLS handshake may take. Envoy has no limit by default; a peer that says nothing must not hold a descriptor
/// for ever.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
