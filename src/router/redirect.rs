//! Answers that send the client elsewhere.
//!
//! The parts of the new URL are those of the request but for what the action replaces, put together as Envoy does.

use http::{HeaderValue, StatusCode};

use crate::config::proto::envoy::config::route::v3::RedirectAction;
use crate::config::proto::envoy::config::route::v3::redirect_action::{
    PathRewriteSpecifier, RedirectResponseCode, SchemeRewriteSpecifier,
};
use crate::config::{At, Invalid};

use super::literal;
use super::path_match::PathMatch;
use super::request::{Request, Target};
use super::rewrite::PathRewrite;

/// A redirect: Envoy's `RedirectAction`.
#[derive(Clone, Debug)]
pub struct Redirect {
    status: StatusCode,
    scheme: Option<Box<str>>,
    host: Option<Box<str>>,
    port: Option<u16>,
    path: Path,
    strip_query: bool,
}

#[derive(Clone, Debug)]
enum Path {
    Rewrite(PathRewrite),
    /// This path with the query of the request.
    Literal(Box<str>),
    /// This path and query, none of which is ever stripped.
    LiteralWithQuery(Box<str>),
}

// === impl Redirect ===

impl Redirect {
    /// The redirect that an action says for what `matched`.
    ///
    /// # Errors
    /// When a part cannot stand in a URL.
    pub(super) fn build(at: At<'_>, proto: &RedirectAction, matched: &PathMatch) -> Result<Self, Invalid> {
        let status = status(proto.response_code).map_err(|error| at.field("response_code").error(error));
        let scheme = match &proto.scheme_rewrite_specifier {
            Some(SchemeRewriteSpecifier::HttpsRedirect(true)) => Ok(Some("https".into())),
            Some(SchemeRewriteSpecifier::SchemeRedirect(scheme)) => part(at.field("scheme_redirect"), scheme),
            Some(SchemeRewriteSpecifier::HttpsRedirect(false)) | None => Ok(None),
        };
        let host = part(at.field("host_redirect"), &proto.host_redirect);
        let port = match u16::try_from(proto.port_redirect) {
            Ok(port) => Ok((port > 0).then_some(port)),
            Err(_) => Err(at.field("port_redirect").error("is not a port: the greatest is 65535")),
        };
        let path = Path::build(at, proto.path_rewrite_specifier.as_ref(), matched);
        Ok(Self {
            status: status?,
            scheme: scheme?,
            host: host?,
            port: port?,
            path: path?,
            strip_query: proto.strip_query,
        })
    }

    /// The status to answer with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The URL to send the client to. None when a part of the request has bytes that no field may hold, which one that
    /// was parsed never has.
    #[must_use]
    pub fn location(&self, request: &Request<'_>) -> Option<HeaderValue> {
        let scheme = self.scheme.as_deref().unwrap_or(request.scheme);
        let host = self.host.as_deref().unwrap_or_else(|| host(request, scheme, self.port));
        let port = self.port.map_or_else(String::new, |port| format!(":{port}"));
        url(&[scheme, "://", host, &port], &self.path.apply(request.target, self.strip_query))
    }
}

/// The URL a request asked for, which Envoy names in a direct response with status 201 or 3xx. None as for
/// [`Redirect::location`].
pub(super) fn asked_for(request: &Request<'_>) -> Option<HeaderValue> {
    url(&[request.scheme, "://", host(request, request.scheme, None)], request.target.as_str())
}

/// The same URL over TLS, the port kept: where a virtual host that requires TLS sends a request. None as for
/// [`Redirect::location`].
#[must_use]
pub fn over_tls(request: &Request<'_>) -> Option<HeaderValue> {
    let url = ["https://", request.authority, request.target.as_str()].concat();
    HeaderValue::try_from(url).ok()
}

fn url(start: &[&str], target: &str) -> Option<HeaderValue> {
    let slash = if target.is_empty() || target.starts_with('/') { "" } else { "/" };
    HeaderValue::try_from([&start.concat(), slash, target].concat()).ok()
}

/// The authority of the request, without its port where another takes its place or where it is the default of the
/// protocol that is left.
fn host<'r>(request: &Request<'r>, scheme: &str, port: Option<u16>) -> &'r str {
    let authority = request.authority;
    let end = if authority.starts_with('[') {
        authority.rfind("]:").map(|bracket| bracket + 1)
    } else {
        authority.rfind(':')
    };
    let Some((host, written)) = end.and_then(|end| authority.split_at_checked(end)) else { return authority };
    let leaves_default = scheme != request.forwarded_proto
        && matches!((request.forwarded_proto, written), ("https", ":443") | ("http", ":80"));
    if port.is_some() || leaves_default { host } else { authority }
}

/// A part that is set when it is not empty.
fn part(at: At<'_>, text: &str) -> Result<Option<Box<str>>, Invalid> {
    match HeaderValue::from_str(text) {
        Ok(_) => Ok((!text.is_empty()).then(|| text.into())),
        Err(_) => Err(at.error("no URL can have a control character")),
    }
}

fn status(code: i32) -> Result<StatusCode, prost::UnknownEnumValue> {
    Ok(match RedirectResponseCode::try_from(code)? {
        RedirectResponseCode::MovedPermanently => StatusCode::MOVED_PERMANENTLY,
        RedirectResponseCode::Found => StatusCode::FOUND,
        RedirectResponseCode::SeeOther => StatusCode::SEE_OTHER,
        RedirectResponseCode::TemporaryRedirect => StatusCode::TEMPORARY_REDIRECT,
        RedirectResponseCode::PermanentRedirect => StatusCode::PERMANENT_REDIRECT,
    })
}

// === impl Path ===

impl Path {
    fn build(at: At<'_>, specifier: Option<&PathRewriteSpecifier>, matched: &PathMatch) -> Result<Self, Invalid> {
        let rewrite = match specifier {
            None => PathRewrite::Keep,
            Some(PathRewriteSpecifier::PathRedirect(path)) => return Self::literal(at.field("path_redirect"), path),
            Some(PathRewriteSpecifier::PathRewrite(format)) => {
                let at = at.field("path_rewrite");
                return Self::literal(at, &literal::text(at, format)?);
            }
            Some(PathRewriteSpecifier::PrefixRewrite(prefix)) => {
                let prefix = part(at.field("prefix_rewrite"), prefix)?;
                PathRewrite::prefix(&prefix.unwrap_or_default(), matched)
            }
            Some(PathRewriteSpecifier::RegexRewrite(substitution)) => {
                part(at.field("regex_rewrite.substitution"), &substitution.substitution)?;
                PathRewrite::substitute(at.field("regex_rewrite"), substitution)?
            }
        };
        Ok(Self::Rewrite(rewrite))
    }

    fn literal(at: At<'_>, path: &str) -> Result<Self, Invalid> {
        Ok(match part(at, path)? {
            None => Self::Rewrite(PathRewrite::Keep),
            Some(path) if path.contains('?') => Self::LiteralWithQuery(path),
            Some(path) => Self::Literal(path),
        })
    }

    /// The new path and query.
    fn apply(&self, target: Target<'_>, strip_query: bool) -> String {
        let mut new = match self {
            Self::LiteralWithQuery(path) => return path.to_string(),
            Self::Literal(path) => match target.query() {
                Some(query) => [path, "?", query].concat(),
                None => path.to_string(),
            },
            Self::Rewrite(rewrite) => rewrite.apply(target).unwrap_or_else(|| target.as_str().to_owned()),
        };
        if strip_query && let Some(end) = new.find('?') {
            new.truncate(end);
        }
        new
    }
}
