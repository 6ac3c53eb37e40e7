//! What a request or response may carry across the gateway, and what Envoy adds to it.
//!
//! Called by the exchange before routing and before the response is written. Pure but for the request id.

mod client;

use std::net::IpAddr;

use http::header::{CONNECTION, HOST, HeaderName, TE, TRANSFER_ENCODING, UPGRADE, USER_AGENT, VIA};
use http::{HeaderMap, HeaderValue};

pub(super) use self::client::Detection;
use super::early_data::EARLY_DATA;
use super::request_id;
use crate::http::Failure;
use crate::net::Prefix;

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
    /// `original_ip_detection_extensions`
    pub detections: Box<[Detection]>,
    /// `internal_address_config`: the addresses of our own. There are none by default.
    pub internal: Box<[Prefix]>,
    /// `append_x_forwarded_port`
    pub forwarded_port: bool,
    /// `scheme_header_transformation`: the scheme that a request has, whatever it says.
    pub scheme: Option<&'static str>,
    /// `add_user_agent`
    pub agent: Option<Agent>,
    /// `via`, with the version that was received in front of it.
    pub via: Option<HeaderValue>,
}

/// What upstreams are told of this instance.
#[derive(Clone, Debug)]
pub(super) struct Agent {
    /// `node.cluster`
    pub cluster: Option<HeaderValue>,
    /// `node.id`
    pub node: Option<HeaderValue>,
}

/// Where a request came from, as the transport says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    /// The other end of the connection.
    pub peer: IpAddr,
    /// The port that it came to.
    pub port: Option<u16>,
    /// The scheme of the connection.
    pub scheme: &'static str,
}

/// Who asks, as the trust settings see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Client {
    /// The address.
    pub address: IpAddr,
    /// Whether it is one of our own.
    pub internal: bool,
}

/// Brings the fields of a request into the form that goes upstream; returns who asks.
///
/// # Errors
/// [`Failure::Refused`] where an extension does not find the client's address, and insists on one;
/// [`Failure::DownstreamProtocol`] where the request would take away who the client is.
pub(super) fn request(headers: &mut HeaderMap, origin: Origin, identity: &Identity) -> Result<Client, Failure> {
    if nominated(headers).any(|name| UNTOUCHABLE.contains(&name)) {
        return Err(Failure::DownstreamProtocol("http1.connection_header_rejected".into()));
    }
    hop_by_hop_but(headers, |name| identity.reads(name));
    let client = identity.client(headers, origin.peer)?;
    let edge = identity.use_remote_address && !client.internal;
    let goes = |names: &[HeaderName], headers: &mut HeaderMap| names.iter().for_each(|name| drop(headers.remove(name)));
    goes(&STEERING, headers);
    if !client.internal {
        goes(&INTERNAL, headers);
    }
    if edge {
        goes(&EDGE, headers);
    }
    if identity.appends(origin.peer) {
        append_forwarded_for(headers, origin.peer);
    }
    if edge && let Ok(address) = HeaderValue::from_str(&client.address.to_string()) {
        headers.insert(EXTERNAL_ADDRESS, address);
    }
    if client.internal {
        headers.insert(IS_INTERNAL, HeaderValue::from_static("true"));
    }
    forwarded_proto(headers, origin.scheme, identity);
    if let Some(port) = origin.port.filter(|_| identity.forwarded_port) {
        forwarded_port(headers, port, identity);
    }
    if let Some(agent) = &identity.agent {
        agent.tell(headers);
    }
    if let Some(via) = &identity.via {
        append(headers, VIA, via, b", ");
    }
    let keep = headers.contains_key(REQUEST_ID) && (!edge || identity.preserve_request_id);
    if identity.generate_request_id && !keep {
        headers.insert(REQUEST_ID, request_id::generate());
    }
    Ok(client)
}

/// Removes what belongs to one connection only (RFC 9110 §7.6.1).
pub(super) fn hop_by_hop(headers: &mut HeaderMap) {
    hop_by_hop_but(headers, |_| false);
}

/// The same, but for what `stays` whether it is nominated or not.
fn hop_by_hop_but(headers: &mut HeaderMap, stays: impl Fn(&HeaderName) -> bool) {
    // RFC 9110 §10.1.4: of TE only `trailers` may be passed on, by a gateway that does trailers.
    let trailers = headers.get_all(TE).iter().any(|value| has_token(value, "trailers"));
    if headers.contains_key(CONNECTION) {
        let goes: Vec<HeaderName> = nominated(headers).filter(|name| !is_end_to_end(name) && !stays(name)).collect();
        for name in goes {
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

/// Appends to a list field, as Envoy does: all its lines become one value, with `comma` before what is new.
pub(super) fn append(headers: &mut HeaderMap, name: HeaderName, value: &HeaderValue, comma: &[u8]) {
    // RFC 9110 §5.3: several lines are one list.
    let lines: Vec<&[u8]> = headers.get_all(&name).iter().map(HeaderValue::as_bytes).collect();
    let joined = (!lines.is_empty()).then(|| [&lines.join(&b","[..]), comma, value.as_bytes()].concat());
    let joined = joined.and_then(|bytes| HeaderValue::from_bytes(&bytes).ok());
    headers.insert(name, joined.unwrap_or_else(|| value.clone()));
}

/// The fields that `connection` names.
fn nominated(headers: &HeaderMap) -> impl Iterator<Item = HeaderName> {
    let lists = headers.get_all(CONNECTION).iter().map(|value| value.to_str().unwrap_or_default());
    lists.flat_map(|list| list.split(',')).filter_map(|item| item.trim().parse().ok())
}

/// Whether a field is never one of the connection: nominated, it stays. A proxy in front of this one has written it, and who could
/// take it away would be somebody else.
fn is_end_to_end(name: &HeaderName) -> bool {
    let ours = ["x-forwarded-", "x-envoy-"].iter().any(|prefix| name.as_str().starts_with(prefix));
    // RFC 8470 §5.1: nobody on the way may take `early-data` away.
    ours || [HOST, EARLY_DATA, REQUEST_ID].contains(name)
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

impl Agent {
    fn tell(&self, headers: &mut HeaderMap) {
        headers.remove(SERVICE_CLUSTER);
        if let Some(cluster) = &self.cluster {
            headers.insert(SERVICE_CLUSTER, cluster.clone());
            headers.entry(USER_AGENT).or_insert_with(|| cluster.clone());
        }
        if let Some(node) = &self.node {
            headers.insert(SERVICE_NODE, node.clone());
        }
    }
}

/// As Envoy: what a trusted proxy has said stays.
fn forwarded_port(headers: &mut HeaderMap, port: u16, identity: &Identity) {
    let trusted = !identity.use_remote_address || identity.trusted_hops > 0;
    if !(trusted && headers.contains_key(FORWARDED_PORT)) {
        headers.insert(FORWARDED_PORT, HeaderValue::from(port));
    }
}

fn forwarded_proto(headers: &mut HeaderMap, scheme: &'static str, identity: &Identity) {
    if let Some(scheme) = identity.scheme {
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static(scheme));
        return;
    }
    let trusted = !identity.use_remote_address || identity.trusted_hops > 0;
    if !(trusted && headers.contains_key(FORWARDED_PROTO)) {
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static(scheme));
    }
}

pub(super) const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub(super) const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(super) const EXTERNAL_ADDRESS: HeaderName = HeaderName::from_static("x-envoy-external-address");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const IS_INTERNAL: HeaderName = HeaderName::from_static("x-envoy-internal");
const SERVICE_CLUSTER: HeaderName = HeaderName::from_static("x-envoy-downstream-service-cluster");
const SERVICE_NODE: HeaderName = HeaderName::from_static("x-envoy-downstream-service-node");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");

/// As Envoy: a request that nominates one of these is refused. Envoy refuses `host` as well, which simply stays here.
const UNTOUCHABLE: [HeaderName; 3] = [FORWARDED_FOR, FORWARDED_HOST, FORWARDED_PROTO];

/// Fields by which a client could steer the gateway. They are for it alone, and none of them has an effect yet.
const STEERING: [HeaderName; 11] = [
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
    HeaderName::from_static("x-envoy-expected-rq-timeout-ms"),
];

/// Fields that only our own may set.
const INTERNAL: [HeaderName; 4] = [
    IS_INTERNAL,
    HeaderName::from_static("x-envoy-force-trace"),
    HeaderName::from_static("x-envoy-ip-tags"),
    HeaderName::from_static("x-envoy-original-url"),
];

/// Fields that only a proxy in front of this one may set: removed at the edge, where there is none.
const EDGE: [HeaderName; 6] = [
    HeaderName::from_static("x-envoy-decorator-operation"),
    HeaderName::from_static("x-envoy-original-path"),
    HeaderName::from_static("x-envoy-original-host"),
    SERVICE_CLUSTER,
    SERVICE_NODE,
    EXTERNAL_ADDRESS,
];

#[cfg(test)]
mod tests;
