//! What a request may ask for, and in which form: its fields' names, its path and its authority before it is routed.

mod host;
mod path;

use http::header::HOST;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Method, StatusCode, Uri};

use self::path::Cleaned;
pub(super) use self::{host::Port, path::EscapedSlashes};
use crate::http::{AskedTunnel, Failure, Protocol};

/// What a connection manager does to the targets of requests.
#[derive(Clone, Debug, Default)]
pub(super) struct Targets {
    /// To their paths.
    pub path: path::Rules,
    /// To their authorities.
    pub host: host::Rules,
    /// To fields with `_` in their names.
    pub underscores: Underscores,
    /// The authority of a request of HTTP/1.0 that names none.
    pub default_host: Option<HeaderValue>,
    /// Whether HTTP/1 goes on with the connection when a request has no host, or a path that is refused.
    pub survives: bool,
}

/// Envoy's `headers_with_underscores_action`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Underscores {
    /// They pass.
    #[default]
    Allow,
    /// The request is refused.
    Reject,
    /// They are left out.
    Drop,
}

/// Where a request is to go on.
#[derive(Debug)]
pub(super) enum Way {
    /// Here.
    Here,
    /// The client is to ask for this path.
    Elsewhere(HeaderValue),
}

impl Targets {
    /// Looks at the names of fields, and leaves out what is to be left out.
    ///
    /// # Errors
    /// [`Failure::DownstreamProtocol`] where one is refused.
    pub(super) fn names(&self, head: &mut Parts) -> Result<(), Failure> {
        if self.underscores == Underscores::Allow {
            return Ok(());
        }
        let with = |name: &&HeaderName| name.as_str().contains('_');
        let named: Vec<HeaderName> = head.headers.keys().filter(with).cloned().collect();
        if self.underscores == Underscores::Reject && !named.is_empty() {
            let details = match Protocol::from(head.version) {
                Protocol::Http10 | Protocol::Http11 => "http1.unexpected_underscore",
                Protocol::Http2 => "http2.unexpected_underscore",
                Protocol::Http3 => "http3.unexpected_underscore",
            };
            return Err(Failure::DownstreamProtocol(details.into()));
        }
        for name in named {
            head.headers.remove(name);
        }
        Ok(())
    }

    /// Brings path and authority into their form. `local` is the port that the client came to.
    ///
    /// # Errors
    /// [`Failure::Refused`] where the path may not be asked for.
    pub(super) fn clean(&self, head: &mut Parts, local: Option<u16>, grpc: bool) -> Result<Way, Failure> {
        let way = self.path(head, grpc)?;
        let rules = match AskedTunnel::of(&head.method, &head.extensions) {
            // RFC 9110 §9.3.6: the target of a CONNECT is host and port, always.
            Some(AskedTunnel::Connect) => host::Rules { port: Port::Keep, ..self.host },
            _ => self.host,
        };
        let clean = |host: &HeaderValue| rules.clean(host.to_str().ok()?, local);
        if let Some(host) = head.headers.get(HOST).and_then(clean)
            && let Ok(host) = HeaderValue::try_from(host)
        {
            head.headers.insert(HOST, host);
        }
        Ok(way)
    }

    fn path(&self, head: &mut Parts, grpc: bool) -> Result<Way, Failure> {
        let asked = head.uri.path_and_query().map_or("", PathAndQuery::as_str);
        if head.method == Method::CONNECT && asked.is_empty() {
            return Ok(Way::Here);
        }
        // RFC 9112 §3.2.4: the asterisk-form is about the server, and there is nothing to say of this one.
        if head.uri.scheme().is_some() || !asked.starts_with('/') {
            return Err(Failure::Refused(StatusCode::NOT_FOUND, "absolute_path_rejected"));
        }
        let refused = Failure::Refused(StatusCode::BAD_REQUEST, NOT_NORMALIZED);
        match self.path.clean(asked) {
            Cleaned::AsItIs => Ok(Way::Here),
            Cleaned::As(path) => rewrite(head, &path).then_some(Way::Here).ok_or(refused),
            Cleaned::Elsewhere(path) => {
                rewrite(head, &path);
                // As Envoy: a client of gRPC follows no redirect.
                let location = HeaderValue::try_from(on_this_host(path)).ok().filter(|_| !grpc);
                location.map(Way::Elsewhere).ok_or(refused)
            }
            Cleaned::Refused(path) => {
                rewrite(head, &path);
                Err(refused)
            }
        }
    }
}

fn rewrite(head: &mut Parts, path: &str) -> bool {
    let Ok(path) = PathAndQuery::try_from(path) else { return false };
    let mut parts = http::uri::Parts::default();
    parts.path_and_query = Some(path);
    Uri::from_parts(parts).map(|uri| head.uri = uri).is_ok()
}

/// A path as a reference that leads to no other host: one that begins with two slashes names an authority (RFC 3986 §4.2), and
/// browsers read a backslash as one. Envoy sends it as it is.
fn on_this_host(path: String) -> String {
    if path.starts_with("//") || path.starts_with("/\\") { format!("/.{path}") } else { path }
}

/// What Envoy's log says of a path that is refused, or that the client is sent away from.
pub(super) const NOT_NORMALIZED: &str = "path_normalization_failed";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3986_4_2_nobody_is_sent_to_another_host() {
        let targets = Targets {
            path: path::Rules { escaped_slashes: EscapedSlashes::Redirect, ..path::Rules::default() },
            ..Targets::default()
        };
        for (asked, expected) in [
            ("/%2Fb.test", "/.//b.test"),
            ("/%5Cb.test", "/./\\b.test"),
            ("/a%2Fb", "/a/b"),
            ("//b.test%2F", "/.//b.test/"),
        ] {
            let (mut head, ()) = http::Request::get(asked).body(()).unwrap().into_parts();
            let way = targets.clean(&mut head, None, false).unwrap();
            assert!(matches!(&way, Way::Elsewhere(location) if location == expected), "{asked} {way:?}");
        }
    }
}
