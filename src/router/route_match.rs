//! Which requests a route is for: Envoy's `RouteMatch`.

use http::{HeaderMap, header};

use crate::config::proto::envoy::config::route::v3::RouteMatch as Proto;
use crate::config::{At, Invalid};

use super::cookie_match::CookieMatch;
use super::fraction::Fraction;
use super::header_match::HeaderMatch;
use super::path_match::PathMatch;
use super::query_match::QueryMatch;
use super::request::Request;

/// The conditions of a route, all of which a request has to meet.
#[derive(Clone, Debug)]
pub struct RouteMatch {
    path: PathMatch,
    headers: Box<[HeaderMatch]>,
    query: Box<[QueryMatch]>,
    cookies: Box<[CookieMatch]>,
    fraction: Option<Fraction>,
    grpc: bool,
}

// === impl RouteMatch ===

impl RouteMatch {
    /// The conditions that the match says.
    ///
    /// # Errors
    /// When one of them cannot be built.
    pub fn build(at: At<'_>, proto: &Proto) -> Result<Self, Invalid> {
        let path = PathMatch::build(at, proto);
        let headers = at.each("headers", &proto.headers, HeaderMatch::build);
        let query = at.each("query_parameters", &proto.query_parameters, QueryMatch::build);
        let cookies = at.each("cookies", &proto.cookies, CookieMatch::build);
        let fraction = proto.runtime_fraction.as_ref();
        let fraction = fraction.map(|percent| Fraction::build(at.field("runtime_fraction"), percent)).transpose();
        Ok(Self {
            path: path?,
            headers: headers?.into(),
            query: query?.into(),
            cookies: cookies?.into(),
            fraction: fraction?,
            grpc: proto.grpc.is_some(),
        })
    }

    /// The condition on the path.
    pub(super) fn path(&self) -> &PathMatch {
        &self.path
    }

    /// Whether a request meets them all. `path` is what the path is compared as; `random` is a number of its own that
    /// is the same for all routes it is tried on.
    #[must_use]
    pub fn is_match(&self, request: &Request<'_>, path: &str, random: u64) -> bool {
        self.path.is_match(request.method, path)
            && self.fraction.is_none_or(|fraction| fraction.holds(random))
            && (!self.grpc || is_grpc(request.headers))
            && self.headers.iter().all(|header| header.is_match(request))
            && self.query.iter().all(|query| query.is_match(request.target.query()))
            && self.cookies.iter().all(|cookie| cookie.is_match(request.headers))
    }
}

/// Whether it is a gRPC request: its type is `application/grpc`, or that with a suffix such as `+proto`.
fn is_grpc(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    content_type.strip_prefix(b"application/grpc").is_some_and(|rest| matches!(rest.first(), None | Some(b'+')))
}
