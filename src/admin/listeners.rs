//! `/listeners`: what is bound where.

use std::net::SocketAddr;

use http::StatusCode;

use super::call::Call;
use super::endpoint::{Input, Param};
use super::json::{self, Defaults};
use super::response::{self, text};
use crate::config::proto::envoy::admin::v3 as proto;
use crate::config::proto::envoy::config::core::v3::socket_address::PortSpecifier;
use crate::config::proto::envoy::config::core::v3::{Address, SocketAddress, address};
use crate::http::Response;

/// What may be asked.
pub(super) const PARAMS: &[Param] =
    &[Param { name: "format", input: Input::OneOf(&["text", "json"]), help: "File format to use" }];

/// One line an address, or Envoy's JSON for `format=json`.
pub(super) fn listeners(call: &Call<'_>) -> Response {
    let all = call.admin.listeners.iter();
    if call.query.value("format") == Some("json") {
        let statuses = all.map(|(listener, addresses)| status(&listener.name, addresses)).collect();
        let shown = proto::Listeners { listener_statuses: statuses };
        return response::json(json::pretty(&json::value(&shown, Defaults::Omitted)));
    }
    let lines =
        all.flat_map(|(listener, addresses)| addresses.iter().map(|address| format!("{}::{address}\n", listener.name)));
    text(StatusCode::OK, lines.collect::<String>())
}

/// An address as Envoy's message, without its protocol.
pub(super) fn address(address: SocketAddr) -> Address {
    let socket = SocketAddress {
        address: address.ip().to_string(),
        port_specifier: Some(PortSpecifier::PortValue(address.port().into())),
        ..SocketAddress::default()
    };
    Address { address: Some(address::Address::SocketAddress(socket)) }
}

fn status(name: &str, addresses: &[SocketAddr]) -> proto::ListenerStatus {
    let mut addresses = addresses.iter().map(|bound| address(*bound));
    proto::ListenerStatus {
        name: name.to_owned(),
        local_address: addresses.next(),
        additional_local_addresses: addresses.collect(),
    }
}
