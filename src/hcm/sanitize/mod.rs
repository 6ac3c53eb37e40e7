//! What a request or response may carry across the gateway, and what Envoy adds to it.
//!
//! Called by the exchange before routing and before the response is written. Pure but for the request id.

use std::net::IpAddr;

use http::header::{CONNECTION, HOST, HeaderName, TE, TRANSFER_ENCODING, UPGRADE, VIA};
use http::{HeaderMap, HeaderValue};

use super::early_data::EARLY_DATA;
use super::request_id;

/// How a connection manager treats what clients say of themselves.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they are Envoy's settings, each on its own")]
pub(super) struct Identity {
    /// `use_remote_address`: the client's address is the connection's, and is appended to `x-forwarded-for`.
    pub use_remote_address: bool,
    /// `skip_xff_append`
    pub skip_xff_append: bool,
    /// `xff_num_trusted_hops`
    pub trusted_hops: usize,
    /// `generate_request_id`
    pub generate_request_id: bool,
    /// `preserve_external_request_id`
    pub preserve_request_id: bool,
    /// `via`, with the version that was received in front of it.
    pub via: Option<HeaderValue>,
}

/// Brings the fields of a request into the form that goes upstream; returns the client's address as the trust settings
/// see it.
pub(super) fn request(headers: &mut HeaderMap, peer: IpAddr, scheme: &'static str, identity: &Identity) -> IpAddr {
    hop_by_hop(headers);
    for name in INTERNAL {
        headers.remove(name);
    }
    let client = client_address(headers, peer, identity);
    if identity.use_remote_address {
        for name in EDGE {
            headers.remove(name);
        }
        if !identity.skip_xff_append {
            append_forwarded_for(headers, peer);
        }
        if let Ok(address) = HeaderValue::from_str(&client.to_string()) {
            headers.insert(EXTERNAL_ADDRESS, address);
        }
    }
    forwarded_proto(headers, scheme, identity);
    if let Some(via) = &identity.via {
        append(headers, VIA, via, b", ");
    }
    let keep = headers.contains_key(REQUEST_ID) && (!identity.use_remote_address || identity.preserve_request_id);
    if identity.generate_request_id && !keep {
        headers.insert(REQUEST_ID, request_id::generate());
    }
    client
}

/// Removes what belongs to one connection only (RFC 9110 §7.6.1).
pub(super) fn hop_by_hop(headers: &mut HeaderMap) {
    // RFC 9110 §10.1.4: of TE only `trailers` may be passed on, by a gateway that does trailers.
    let trailers = headers.get_all(TE).iter().any(|value| has_token(value, "trailers"));
    if headers.contains_key(CONNECTION) {
        let nominated: Vec<HeaderName> = headers.get_all(CONNECTION).iter().flat_map(tokens).collect();
        for name in nominated {
            headers.remove(name);
        }
    }
    for name in [CONNECTION, TRANSFER_ENCODING, UPGRADE, KEEP_ALIVE, PROXY_CONNECTION, HTTP2_SETTINGS] {
        headers.remove(name);
    }
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    } else {
        headers.remove(TE);
    }
}

/// Whether `value`, a list, has that token.
pub(super) fn has_token(value: &HeaderValue, token: &str) -> bool {
    let items = value.to_str().unwrap_or_default().split(',');
    items.map(|item| item.split(';').next().unwrap_or(item).trim()).any(|item| item.eq_ignore_ascii_case(token))
}

/// Appends to a list field, as Envoy does: into the one value, with `comma` between.
pub(super) fn append(headers: &mut HeaderMap, name: HeaderName, value: &HeaderValue, comma: &[u8]) {
    let joined = headers.get(&name).map(|old| [old.as_bytes(), comma, value.as_bytes()].concat());
    let joined = joined.and_then(|bytes| HeaderValue::from_bytes(&bytes).ok());
    headers.insert(name, joined.unwrap_or_else(|| value.clone()));
}

fn tokens(value: &HeaderValue) -> impl Iterator<Item = HeaderName> {
    let items = value.to_str().unwrap_or_default().split(',');
    // RFC 8470 §5.1: nobody on the way may take `early-data` away.
    let stays = |name: &HeaderName| name == HOST || name == EARLY_DATA;
    items.filter_map(|item| item.trim().parse().ok()).filter(move |name| !stays(name))
}

/// The address that the trust settings point at: the connection's, or one that a trusted proxy has vouched for.
fn client_address(headers: &HeaderMap, peer: IpAddr, identity: &Identity) -> IpAddr {
    let hops_back = match (identity.use_remote_address, identity.trusted_hops) {
        (true, 0) => return peer,
        (true, hops) => hops - 1,
        (false, hops) => hops,
    };
    let listed = headers.get_all(FORWARDED_FOR).iter().rev();
    let listed = listed.flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
    listed.map(str::trim).nth(hops_back).and_then(|address| address.parse().ok()).unwrap_or(peer)
}

fn append_forwarded_for(headers: &mut HeaderMap, peer: IpAddr) {
    let listed = headers.get_all(FORWARDED_FOR).iter();
    let mut listed: Vec<&str> = listed.filter_map(|value| value.to_str().ok()).collect();
    let peer = peer.to_string();
    listed.push(&peer);
    if let Ok(value) = HeaderValue::from_str(&listed.join(",")) {
        headers.insert(FORWARDED_FOR, value);
    }
}

fn forwarded_proto(headers: &mut HeaderMap, scheme: &'static str, identity: &Identity) {
    let trusted = !identity.use_remote_address || identity.trusted_hops > 0;
    if !(trusted && headers.contains_key(FORWARDED_PROTO)) {
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static(scheme));
    }
}

pub(super) const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub(super) const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(super) const EXTERNAL_ADDRESS: HeaderName = HeaderName::from_static("x-envoy-external-address");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");

/// Fields by which a client could steer the gateway: removed from whoever is not internal, and nobody is by default.
const INTERNAL: [HeaderName; 15] = [
    HeaderName::from_static("x-envoy-internal"),
    HeaderName::from_static("x-envoy-max-retries"),
    HeaderName::from_static("x-envoy-retry-on"),
    HeaderName::from_static("x-envoy-retry-grpc-on"),
    HeaderName::from_static("x-envoy-upstream-rq-timeout-ms"),
    HeaderName::from_static("x-envoy-upstream-rq-per-try-timeout-ms"),
    HeaderName::from_static("x-envoy-upstream-rq-timeout-alt-response"),
    HeaderName::from_static("x-envoy-upstream-alt-stat-name"),
    HeaderName::from_static("x-envoy-hedge-on-per-try-timeout"),
    HeaderName::from_static("x-envoy-retriable-status-codes"),
    HeaderName::from_static("x-envoy-retriable-header-names"),
    HeaderName::from_static("x-envoy-force-trace"),
    HeaderName::from_static("x-envoy-ip-tags"),
    HeaderName::from_static("x-envoy-original-url"),
    HeaderName::from_static("x-envoy-expected-rq-timeout-ms"),
];

/// Fields that only a proxy in front of this one may set: removed at the edge, where there is none.
const EDGE: [HeaderName; 6] = [
    HeaderName::from_static("x-envoy-decorator-operation"),
    HeaderName::from_static("x-envoy-original-path"),
    HeaderName::from_static("x-envoy-original-host"),
    HeaderName::from_static("x-envoy-downstream-service-cluster"),
    HeaderName::from_static("x-envoy-downstream-service-node"),
    EXTERNAL_ADDRESS,
];

#[cfg(test)]
mod tests;
