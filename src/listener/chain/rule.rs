//! A `FilterChainMatch` as it is compared.

use crate::config::proto::envoy::config::core::v3::CidrRange;
use crate::config::proto::envoy::config::listener::v3::FilterChainMatch;
use crate::config::proto::envoy::config::listener::v3::filter_chain_match::ConnectionSourceType;
use crate::config::values::prefix;
use crate::config::{At, Invalid};
use crate::net::Prefix;

/// What a chain asks of a connection; of what it does not mention any will do.
#[derive(Clone, Debug, Default)]
pub(super) struct Rule {
    pub(super) destination_port: Option<u16>,
    pub(super) prefix_ranges: Vec<Prefix>,
    /// In lower case; `*.` in front stands for one label or more.
    pub(super) server_names: Vec<String>,
    pub(super) transport_protocol: Option<Box<str>>,
    pub(super) application_protocols: Vec<Vec<u8>>,
    pub(super) direct_source_prefix_ranges: Vec<Prefix>,
    pub(super) source_type: Option<Source>,
    pub(super) source_prefix_ranges: Vec<Prefix>,
    pub(super) source_ports: Vec<u16>,
}

impl Rule {
    /// Whether it takes any connection.
    pub(super) fn is_empty(&self) -> bool {
        !self.needs_first_words()
            && self.destination_port.is_none()
            && self.prefix_ranges.is_empty()
            && self.direct_source_prefix_ranges.is_empty()
            && self.source_type.is_none()
            && self.source_prefix_ranges.is_empty()
            && self.source_ports.is_empty()
    }

    /// Whether it asks for what only a client says.
    pub(super) fn needs_first_words(&self) -> bool {
        !self.server_names.is_empty() || self.transport_protocol.is_some() || !self.application_protocols.is_empty()
    }
}

/// Where a connection comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    SameIpOrLoopback,
    External,
}

/// Builds the rule of a chain; `at` stands on it.
///
/// # Errors
/// [`Invalid`] where it says what nothing can match.
pub(super) fn rule(written: &FilterChainMatch, at: At<'_>) -> Result<Rule, Invalid> {
    let ranges = |name: &str, list: &[CidrRange]| at.each(name, list, |at, range| prefix(range, at));
    let prefix_ranges = ranges("prefix_ranges", &written.prefix_ranges);
    let direct = ranges("direct_source_prefix_ranges", &written.direct_source_prefix_ranges);
    let sources = ranges("source_prefix_ranges", &written.source_prefix_ranges);
    let server_names = at.each("server_names", &written.server_names, |at, name| server_name(name, at));
    // The walk holds ports within their range.
    let port = |port: &u32| u16::try_from(*port).unwrap_or(u16::MAX);
    let protocol = written.transport_protocol.as_str();
    if !protocol.is_empty() && !TRANSPORT_PROTOCOLS.contains(&protocol) {
        at.field("transport_protocol").no_effect(format_args!(
            "no connection is `{protocol}`, so this chain is never chosen: there are {}",
            TRANSPORT_PROTOCOLS.join(", ")
        ));
    }
    Ok(Rule {
        destination_port: written.destination_port.as_ref().map(port),
        prefix_ranges: prefix_ranges?,
        server_names: server_names?,
        transport_protocol: Some(protocol).filter(|protocol| !protocol.is_empty()).map(Box::from),
        application_protocols: written.application_protocols.iter().map(|name| name.clone().into_bytes()).collect(),
        direct_source_prefix_ranges: direct?,
        source_type: match written.source_type() {
            ConnectionSourceType::Any => None,
            ConnectionSourceType::SameIpOrLoopback => Some(Source::SameIpOrLoopback),
            ConnectionSourceType::External => Some(Source::External),
        },
        source_prefix_ranges: sources?,
        source_ports: written.source_ports.iter().map(port).collect(),
    })
}

fn server_name(written: &str, at: At<'_>) -> Result<String, Invalid> {
    let name = written.strip_prefix("*.").unwrap_or(written);
    if name.is_empty() || name.contains('*') {
        return Err(at.error(format_args!(
            "`{written}` is no server name: it takes `example.com`, or `*.example.com` for all names below it"
        )));
    }
    Ok(written.to_ascii_lowercase())
}

const TRANSPORT_PROTOCOLS: [&str; 3] = ["raw_buffer", "tls", "quic"];
