//! The same rules for a message that another parser has typed: HTTP/2, of which the h2 crate hands over the parts.
//!
//! Nothing is parsed or kept a second time. What such a parser refuses by itself never gets here.

use http::uri::{PathAndQuery, Scheme};
use http::{HeaderMap, Method, request, response};

use super::response::check_status;
use super::section::check_field;
use super::size::Size;
use super::target::Target;
use super::{ContentLength, Refused, SectionLimits};

/// Whether this is a request; `protocol` where `:protocol` came with it, which this side has allowed.
///
/// # Errors
/// [`Refused`] when the request is malformed or its section too large.
pub fn check_request(parts: &request::Parts, protocol: bool, limits: SectionLimits) -> Result<ContentLength, Refused> {
    let request::Parts { method, uri, headers, .. } = parts;
    let tunnel = method == Method::CONNECT && !protocol;
    let path = uri.path_and_query().filter(|_| !uri.path().is_empty()).map(PathAndQuery::as_str);
    // A URI keeps a scheme only beside an authority: where that is `host` alone, there was one that is not known.
    let scheme = uri.scheme().or_else(|| (!tunnel).then_some(&Scheme::HTTPS));
    let mut size = Size::new(limits);
    size.count(":method", method.as_str())?;
    if let Some(authority) = uri.authority() {
        size.count(":authority", authority.as_str())?;
    }
    if let Some(scheme) = scheme {
        size.count(":scheme", scheme.as_str())?;
    }
    if let Some(path) = path {
        size.count(":path", path)?;
    }
    check_fields(headers, size)?;
    Ok(Target { method, scheme, authority: uri.authority(), path, protocol }.check(headers)?)
}

/// Whether this is the head of a response, interim or final.
///
/// # Errors
/// [`Refused`] when the response is malformed or its section too large.
pub fn check_response(parts: &response::Parts, limits: SectionLimits) -> Result<ContentLength, Refused> {
    let mut size = Size::new(limits);
    size.count(":status", parts.status.as_str())?;
    check_fields(&parts.headers, size)?;
    check_status(parts.status)?;
    Ok(ContentLength::of(&parts.headers)?)
}

/// Whether these are trailers.
///
/// # Errors
/// [`Refused`] when they are malformed or too large.
pub fn check_trailers(trailers: &HeaderMap, limits: SectionLimits) -> Result<(), Refused> {
    check_fields(trailers, Size::new(limits))
}

fn check_fields(fields: &HeaderMap, mut size: Size) -> Result<(), Refused> {
    fields.iter().try_for_each(|(name, value)| {
        size.count(name, value)?;
        Ok(check_field(name, value.as_bytes())?)
    })
}
