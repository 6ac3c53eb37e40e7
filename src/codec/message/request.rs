//! The head of a request.

use bytes::Bytes;
use http::header::HOST;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Method, Uri};

use super::section::Section;
use super::{ContentLength, Malformed, Refused, SectionLimits};
use crate::http::ConnectProtocol;

/// The field section that begins a request, as it is decoded.
#[derive(Debug)]
pub struct RequestSection {
    section: Section,
    /// Whether a field came that is no pseudo-header.
    fields_began: bool,
    pseudo: [Option<Bytes>; PSEUDO.len()],
}

/// The head of a well-formed request.
#[derive(Debug)]
pub struct RequestHead {
    /// `:method`.
    pub method: Method,
    /// `:scheme`, `:authority` and `:path` as they came.
    pub uri: Uri,
    /// The other fields.
    pub headers: HeaderMap,
    /// `:protocol` of an extended CONNECT (RFC 8441, RFC 9220).
    pub protocol: Option<ConnectProtocol>,
    /// How much content was announced.
    pub content_length: ContentLength,
}

impl RequestSection {
    /// An empty section.
    #[must_use]
    pub fn new(limits: SectionLimits) -> Self {
        Self { section: Section::new(limits), fields_began: false, pseudo: Default::default() }
    }

    /// Takes the next field line.
    ///
    /// # Errors
    /// [`Refused`] when the request is malformed or its section too large: nothing more is to be pushed then.
    pub fn push(&mut self, name: &[u8], value: Bytes) -> Result<(), Refused> {
        self.section.count(name, &value)?;
        if !name.starts_with(b":") {
            self.fields_began = true;
            return self.section.field(name, value);
        }
        let place = PSEUDO.iter().position(|pseudo| pseudo.as_bytes() == name).ok_or(Malformed::UnknownPseudo)?;
        // RFC 9114 §4.3: pseudo-header fields come before all others.
        if self.fields_began {
            return Err(Malformed::LatePseudo.into());
        }
        match self.pseudo.get_mut(place) {
            // RFC 9114 §4.3: each at most once.
            Some(Some(_)) | None => Err(Malformed::DuplicatePseudo.into()),
            Some(empty) => {
                *empty = Some(value);
                Ok(())
            }
        }
    }

    /// The head, at the end of the section; `extended_connect` where this side has allowed `:protocol`.
    ///
    /// # Errors
    /// [`Malformed`] when it is no request.
    pub fn finish(self, extended_connect: bool) -> Result<RequestHead, Malformed> {
        let [method, scheme, authority, path, protocol] = self.pseudo;
        let headers = self.section.headers;
        let method = Method::from_bytes(&method.ok_or(Malformed::MissingPseudo)?).map_err(|_| Malformed::Method)?;
        let authority = authority.map(parse_authority).transpose()?;
        agree(authority.as_ref(), &headers)?;
        let mut uri = http::uri::Parts::default();
        if protocol.is_some() && (!extended_connect || method != Method::CONNECT) {
            // RFC 8441 §4: only with CONNECT, and only when the server has said that it takes it.
            return Err(Malformed::ForbiddenPseudo);
        }
        if method == Method::CONNECT && protocol.is_none() {
            // RFC 9114 §4.4: only `:method` and `:authority`, which names host and port.
            if scheme.is_some() || path.is_some() {
                return Err(Malformed::ForbiddenPseudo);
            }
            if authority.as_ref().ok_or(Malformed::MissingPseudo)?.port().is_none() {
                return Err(Malformed::Authority);
            }
        } else {
            // RFC 9114 §4.3.1: every other request has `:scheme` and `:path`.
            let scheme = parse_scheme(&scheme.ok_or(Malformed::MissingPseudo)?)?;
            let path = path.ok_or(Malformed::MissingPseudo)?;
            let of_http = scheme == Scheme::HTTP || scheme == Scheme::HTTPS;
            // RFC 9114 §4.3.1: with a scheme that has an authority, `:authority` or `host` is there.
            if of_http && authority.is_none() && !headers.contains_key(HOST) {
                return Err(Malformed::MissingPseudo);
            }
            uri.path_and_query = Some(parse_path(path, &method)?);
            // A URI with a scheme has an authority: where only `host` says it, the scheme is known by the connection.
            uri.scheme = authority.is_some().then_some(scheme);
        }
        uri.authority = authority;
        let protocol = protocol.map(ConnectProtocol::try_from).transpose().map_err(|_| Malformed::Protocol)?;
        // RFC 9110 §9.3.6: a CONNECT request has no content. What comes goes through the tunnel.
        let tunnel = method == Method::CONNECT;
        let announced = ContentLength::of(&headers)?;
        Ok(RequestHead {
            content_length: if tunnel { ContentLength::UNKNOWN } else { announced },
            uri: Uri::from_parts(uri).map_err(|_| Malformed::Path)?,
            method,
            headers,
            protocol,
        })
    }
}

fn parse_scheme(scheme: &[u8]) -> Result<Scheme, Malformed> {
    // RFC 3986 §3.1: it begins with a letter.
    if !scheme.first().is_some_and(u8::is_ascii_alphabetic) {
        return Err(Malformed::Scheme);
    }
    Scheme::try_from(scheme).map_err(|_| Malformed::Scheme)
}

fn parse_authority(authority: Bytes) -> Result<Authority, Malformed> {
    // RFC 9114 §4.3.1: neither empty nor with userinfo.
    if authority.is_empty() || authority.contains(&b'@') {
        return Err(Malformed::Authority);
    }
    Authority::from_maybe_shared(authority).map_err(|_| Malformed::Authority)
}

fn parse_path(path: Bytes, method: &Method) -> Result<PathAndQuery, Malformed> {
    // RFC 9114 §4.3.1: not empty; `*` only for OPTIONS. RFC 9110 §4.1: no fragment is sent.
    let asterisk = *path == *b"*" && method == Method::OPTIONS;
    if !(path.starts_with(b"/") || asterisk) || path.contains(&b'#') {
        return Err(Malformed::Path);
    }
    PathAndQuery::from_maybe_shared(path).map_err(|_| Malformed::Path)
}

/// RFC 9114 §4.3.1: `:authority` and `host` say the same, and `host` says it once.
fn agree(authority: Option<&Authority>, headers: &HeaderMap) -> Result<(), Malformed> {
    let mut hosts = headers.get_all(HOST).iter();
    let Some(host) = hosts.next() else { return Ok(()) };
    if host.is_empty() || hosts.next().is_some() {
        return Err(Malformed::Authority);
    }
    match authority {
        Some(authority) if !host.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes()) => {
            Err(Malformed::AuthorityAndHost)
        }
        _ => Ok(()),
    }
}

/// The pseudo-header fields of a request (RFC 9114 §4.3.1, RFC 8441 §4).
const PSEUDO: [&str; 5] = [":method", ":scheme", ":authority", ":path", ":protocol"];
