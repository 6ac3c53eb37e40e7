//! Who the client is: the other end of the connection, or who a trusted proxy says it is.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, StatusCode};

use super::{Client, FORWARDED_FOR, Identity};
use crate::http::Failure;
use crate::net::Prefix;

/// One of `original_ip_detection_extensions`.
#[derive(Clone, Debug)]
pub(in crate::hcm) enum Detection {
    /// So many proxies at the end of `x-forwarded-for` are trusted.
    Hops {
        /// How many.
        hops: usize,
        /// Whether the peer's address is appended.
        append: bool,
    },
    /// The proxies with these addresses are trusted.
    Trusted {
        /// Which.
        ranges: Box<[Prefix]>,
        /// Whether the peer's address is appended when it is one of them.
        append: bool,
    },
    /// A field says it.
    Field {
        /// Which.
        name: HeaderName,
        /// Whether an address that it says may be one of our own.
        trusted: bool,
        /// What is answered when it says none.
        reject: Option<StatusCode>,
    },
}

/// An address, and whether it may be taken for one of our own.
struct Found {
    address: IpAddr,
    trusted: bool,
}

impl Identity {
    /// Who asks.
    pub(super) fn client(&self, headers: &HeaderMap, peer: IpAddr) -> Result<Client, Failure> {
        let found = if self.detections.is_empty() { self.found(headers, peer) } else { self.detected(headers, peer)? };
        let Some(Found { address, trusted }) = found else { return Ok(Client { address: peer, internal: false }) };
        let internal = trusted && self.internal.iter().any(|range| range.contains(address));
        Ok(Client { address, internal })
    }

    /// Whether a field says who asks.
    pub(super) fn reads(&self, field: &HeaderName) -> bool {
        self.detections.iter().any(|detection| matches!(detection, Detection::Field { name, .. } if name == field))
    }

    /// Whether the peer's address is appended to `x-forwarded-for`.
    pub(super) fn appends(&self, peer: IpAddr) -> bool {
        let by_extension = |detection: &Detection| match detection {
            Detection::Hops { append, .. } => *append,
            Detection::Trusted { ranges, append } => *append || !contains(ranges, peer),
            Detection::Field { .. } => false,
        };
        if self.use_remote_address { !self.skip_xff_append } else { self.detections.iter().any(by_extension) }
    }

    /// As Envoy: one of our own is who comes without a list, or where lists are believed, who is alone in it.
    fn found(&self, headers: &HeaderMap, peer: IpAddr) -> Option<Found> {
        if !self.use_remote_address {
            return forwarded(headers, self.trusted_hops);
        }
        let hops_back = self.trusted_hops.checked_sub(1);
        let told = hops_back.and_then(|back| forwarded(headers, back));
        let address = told.map_or(peer, |found| found.address);
        Some(Found { address, trusted: !headers.contains_key(FORWARDED_FOR) })
    }

    fn detected(&self, headers: &HeaderMap, peer: IpAddr) -> Result<Option<Found>, Failure> {
        for detection in &self.detections {
            if let Some(found) = detection.find(headers, peer)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

impl Detection {
    fn find(&self, headers: &HeaderMap, peer: IpAddr) -> Result<Option<Found>, Failure> {
        match self {
            Self::Hops { hops, .. } => Ok(forwarded(headers, *hops)),
            Self::Trusted { ranges, .. } if !contains(ranges, peer) => Ok(None),
            Self::Trusted { ranges, .. } => Ok(beyond(headers, ranges)),
            Self::Field { name, trusted, reject } => {
                let said = headers.get(name).and_then(|value| value.to_str().ok()?.parse().ok());
                match (said, reject) {
                    (Some(address), _) => Ok(Some(Found { address, trusted: *trusted })),
                    (None, Some(status)) => Err(Failure::Refused(*status, "rejecting_because_detection_failed")),
                    (None, None) => Ok(None),
                }
            }
        }
    }
}

/// The address so many places before the last one of the list.
fn forwarded(headers: &HeaderMap, back: usize) -> Option<Found> {
    let address = listed(headers).nth(back)?.parse().ok()?;
    Some(Found { address, trusted: listed(headers).nth(1).is_none() })
}

/// The last address of the list that is none of these proxies; the first one where all are.
fn beyond(headers: &HeaderMap, proxies: &[Prefix]) -> Option<Found> {
    let mut address = None;
    for text in listed(headers) {
        let next: IpAddr = text.parse().ok()?;
        address = Some(next);
        if !contains(proxies, next) {
            break;
        }
    }
    address.map(|address| Found { address, trusted: false })
}

/// The addresses of `x-forwarded-for`, the last one first.
fn listed(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    lines
        .flat_map(|value| value.to_str().unwrap_or_default().rsplit(','))
        .map(str::trim)
        .filter(|text| !text.is_empty())
}

fn contains(ranges: &[Prefix], address: IpAddr) -> bool {
    ranges.iter().any(|range| range.contains(address))
}
