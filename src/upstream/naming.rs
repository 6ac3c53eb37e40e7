//! `upstream_http_protocol_options`: what a request says of the name that its connection asks for.
//!
//! As Envoy: the request's host, after the route has rewritten it, or another field that is named; connections for one name are
//! not used for another. What is no name a handshake can ask for says nothing; as a name to be verified it is nobody's.

use std::net::IpAddr;

use http::header::HOST;
use http::{HeaderMap, HeaderName};

use crate::config::proto::envoy::config::core::v3::UpstreamHttpProtocolOptions;
use crate::config::{At, Invalid};
use crate::tls::Wanted;

/// What is read from each request.
#[derive(Clone, Debug, Default)]
pub struct Naming {
    sni: bool,
    san: bool,
    /// In place of the host, where a request has it and it is not empty.
    header: Option<HeaderName>,
}

impl Naming {
    /// Builds the options at `at`.
    ///
    /// # Errors
    /// [`Invalid`] where the field is none that a request has.
    pub(super) fn build(written: &UpstreamHttpProtocolOptions, at: At<'_>) -> Result<Self, Invalid> {
        let UpstreamHttpProtocolOptions { auto_sni, auto_san_validation, override_auto_sni_header } = written;
        let at = at.field("override_auto_sni_header");
        let header = match override_auto_sni_header.as_str() {
            "" | ":authority" => None,
            name => Some(HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
                at.error(format_args!(
                    "`{name}` is no header field of a request: name one, or leave it out for the host"
                ))
            })?),
        };
        if header.is_some() && !auto_sni && !auto_san_validation {
            at.no_effect("`override_auto_sni_header` has no effect without `auto_sni` or `auto_san_validation`");
        }
        Ok(Self { sni: *auto_sni, san: *auto_san_validation, header })
    }

    /// Whether connections depend on what requests say.
    #[must_use]
    pub fn is_by_request(&self) -> bool {
        self.sni || self.san
    }

    /// Whether the certificate has to stand for what a request says.
    pub(super) fn verifies(&self) -> bool {
        self.san
    }

    /// What a request with these fields wants.
    #[must_use]
    pub fn wanted<'a>(&self, fields: &'a HeaderMap) -> Wanted<'a> {
        let named = self.header.as_ref().and_then(|header| fields.get(header)).filter(|value| !value.is_empty());
        // What is not text is still something that a certificate has to stand for: it never does.
        let said = named.or_else(|| fields.get(HOST)).map(|value| host(value.to_str().unwrap_or_default()));
        let name = said.filter(|host| host.parse::<IpAddr>().is_err());
        Wanted { sni: name.filter(|_| self.sni), san: said.filter(|_| self.san) }
    }
}

/// The host of an authority, without its port (RFC 3986 §3.2.2).
fn host(authority: &str) -> &str {
    if let Some((address, _)) = authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return address;
    }
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn fields(all: &[(&'static str, &'static str)]) -> HeaderMap {
        all.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    /// As measured of Envoy 1.40.
    #[test]
    fn the_host_without_its_port_is_asked_for_unless_it_is_an_address() {
        let naming = Naming { sni: true, san: true, header: None };
        for (said, sni, san) in [
            ("a.test", Some("a.test"), "a.test"),
            ("a.test:8443", Some("a.test"), "a.test"),
            ("127.0.0.1", None, "127.0.0.1"),
            ("127.0.0.1:80", None, "127.0.0.1"),
            ("[::1]:80", None, "::1"),
            ("x:y", Some("x:y"), "x:y"),
        ] {
            let fields = fields(&[("host", said)]);
            let wanted = naming.wanted(&fields);
            assert_eq!((wanted.sni, wanted.san), (sni, Some(san)), "{said}");
        }
    }

    #[test]
    fn another_field_comes_before_the_host_where_it_says_something() {
        let naming = Naming { sni: true, san: false, header: Some(HeaderName::from_static("x-sni")) };
        for (said, sni) in [(Some("b.test:1"), "b.test"), (Some(""), "a.test"), (None, "a.test")] {
            let mut all = vec![("host", "a.test")];
            all.extend(said.map(|said| ("x-sni", said)));
            assert_eq!(naming.wanted(&fields(&all)).sni, Some(sni), "{said:?}");
        }
    }

    #[test]
    fn nothing_is_wanted_that_is_not_asked_for() {
        let fields = fields(&[("host", "a.test")]);
        for (sni, san) in [(false, false), (true, false), (false, true)] {
            let wanted = Naming { sni, san, header: None }.wanted(&fields);
            assert_eq!((wanted.sni.is_some(), wanted.san.is_some()), (sni, san));
        }
    }
}
