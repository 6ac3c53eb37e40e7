//! What a request asks for, and whom: the rules that hold between its pseudo-header fields, and between them and `host`.

use http::header::HOST;
use http::uri::{Authority, Scheme};
use http::{HeaderMap, Method};

use super::{ContentLength, Malformed};

/// The pseudo-header fields of a request, typed by whoever decoded them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    pub(super) method: &'a Method,
    pub(super) scheme: Option<&'a Scheme>,
    pub(super) authority: Option<&'a Authority>,
    pub(super) path: Option<&'a str>,
    /// Whether `:protocol` came, which this side has allowed.
    pub(super) protocol: bool,
}

impl Target<'_> {
    /// Whether it is a request, together with its other fields; how much content it announces.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<ContentLength, Malformed> {
        // RFC 9114 §4.3.1, RFC 9113 §8.3.1: no userinfo.
        if self.authority.is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(Malformed::Authority);
        }
        let host = self.host(headers)?;
        if self.protocol && self.method != Method::CONNECT {
            // RFC 8441 §4: only with CONNECT.
            return Err(Malformed::ForbiddenPseudo);
        }
        if self.method == Method::CONNECT && !self.protocol {
            self.check_tunnel()?;
        } else {
            self.check_resource(host)?;
        }
        let announced = ContentLength::of(headers)?;
        // RFC 9110 §9.3.6: a CONNECT request has no content. What comes goes through the tunnel.
        Ok(if self.method == Method::CONNECT { ContentLength::UNKNOWN } else { announced })
    }

    /// RFC 9114 §4.4, RFC 9113 §8.5: only `:method` and `:authority`, which names host and port.
    fn check_tunnel(&self) -> Result<(), Malformed> {
        if self.scheme.is_some() || self.path.is_some() {
            return Err(Malformed::ForbiddenPseudo);
        }
        match self.authority.ok_or(Malformed::MissingPseudo)?.port() {
            Some(_) => Ok(()),
            None => Err(Malformed::Authority),
        }
    }

    /// RFC 9114 §4.3.1, RFC 9113 §8.3.1: every other request has `:scheme` and `:path`.
    fn check_resource(&self, host: bool) -> Result<(), Malformed> {
        let scheme = self.scheme.ok_or(Malformed::MissingPseudo)?;
        let path = self.path.ok_or(Malformed::MissingPseudo)?;
        // RFC 3986 §3.1: it begins with a letter.
        if !scheme.as_str().starts_with(|first: char| first.is_ascii_alphabetic()) {
            return Err(Malformed::Scheme);
        }
        // With a scheme that has an authority, `:authority` or `host` is there.
        let of_http = *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS;
        if of_http && self.authority.is_none() && !host {
            return Err(Malformed::MissingPseudo);
        }
        // Not empty; `*` only for OPTIONS.
        let asterisk = path == "*" && self.method == Method::OPTIONS;
        if path.starts_with('/') || asterisk { Ok(()) } else { Err(Malformed::Path) }
    }

    /// Whether there is a `host`. RFC 9114 §4.3.1, RFC 9113 §8.3.1: it says the same as `:authority`, and says it once.
    fn host(&self, headers: &HeaderMap) -> Result<bool, Malformed> {
        let mut hosts = headers.get_all(HOST).iter();
        let Some(host) = hosts.next() else { return Ok(false) };
        if host.is_empty() || hosts.next().is_some() {
            return Err(Malformed::Authority);
        }
        match self.authority {
            Some(authority) if !host.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes()) => {
                Err(Malformed::AuthorityAndHost)
            }
            _ => Ok(true),
        }
    }
}
