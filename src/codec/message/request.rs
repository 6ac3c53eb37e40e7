//! The head of a request.

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Method, Uri};

use super::section::Section;
use super::target::Target;
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
        // RFC 8441 §4, RFC 9220 §3: only when the server has said that it takes it.
        if protocol.is_some() && !extended_connect {
            return Err(Malformed::ForbiddenPseudo);
        }
        let scheme = scheme.map(|scheme| Scheme::try_from(&*scheme).map_err(|_| Malformed::Scheme)).transpose()?;
        let authority = authority.map(Authority::from_maybe_shared).transpose().map_err(|_| Malformed::Authority)?;
        let path = path.map(parse_path).transpose()?;
        let target = Target {
            method: &method,
            scheme: scheme.as_ref(),
            authority: authority.as_ref(),
            path: path.as_ref().map(PathAndQuery::as_str),
            protocol: protocol.is_some(),
        };
        let content_length = target.check(&headers)?;
        let mut uri = http::uri::Parts::default();
        // A URI with a scheme has an authority: where only `host` says it, the scheme is known by the connection.
        uri.scheme = scheme.filter(|_| authority.is_some());
        (uri.authority, uri.path_and_query) = (authority, path);
        let uri = Uri::from_parts(uri).map_err(|_| Malformed::Path)?;
        let protocol = protocol.map(ConnectProtocol::try_from).transpose().map_err(|_| Malformed::Protocol)?;
        Ok(RequestHead { method, uri, headers, protocol, content_length })
    }
}

fn parse_path(path: Bytes) -> Result<PathAndQuery, Malformed> {
    // RFC 9110 §4.1: no fragment is sent. The parser would cut it off.
    if path.contains(&b'#') {
        return Err(Malformed::Path);
    }
    PathAndQuery::from_maybe_shared(path).map_err(|_| Malformed::Path)
}

/// The pseudo-header fields of a request (RFC 9114 §4.3.1, RFC 8441 §4).
const PSEUDO: [&str; 5] = [":method", ":scheme", ":authority", ":path", ":protocol"];
