//! Where listeners listen: their addresses, and what is odd about them beside each other.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;

use super::chain::RAW_BUFFER;
use crate::config::proto::envoy::config::core::v3::{socket_address::Protocol, transport_socket};
use crate::config::proto::envoy::config::listener::v3 as proto;
use crate::config::values::socket_address;
use crate::config::{At, Invalid, type_name};

/// Where a listener listens.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) protocol: Protocol,
}

/// Reads the addresses of a listener.
pub(super) fn place(written: &proto::Listener, at: At<'_>) -> Result<Place, Invalid> {
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
pub(super) fn twins(list: &[proto::Listener], places: &[Result<Place, Invalid>], at: At<'_>) -> Result<(), Invalid> {
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
pub(super) fn namesakes(list: &[proto::Listener], at: At<'_>) -> Result<(), Invalid> {
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
pub(super) fn without_http3(list: &[proto::Listener], places: &[Result<Place, Invalid>], at: At<'_>) {
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

/// The name of a listener in statistics: its prefix, or the address with `_` for the colons that would end a part.
pub(super) fn stat_name(written: &proto::Listener, address: Option<&SocketAddr>) -> String {
    match written.stat_prefix.as_str() {
        "" => address.map(|address| address.to_string().replace(':', "_")).unwrap_or_default(),
        prefix => prefix.to_owned(),
    }
}

/// The name of a listener that has none.
pub(super) fn known_name(place: &Place) -> String {
    place.addresses.first().map(SocketAddr::to_string).unwrap_or_default()
}
