//! What changes in path and authority on the way upstream.

use http::{HeaderMap, HeaderName, HeaderValue, uri};

use crate::config::proto::envoy::config::route::v3::RouteAction;
use crate::config::proto::envoy::config::route::v3::route_action::HostRewriteSpecifier;
use crate::config::proto::envoy::r#type::matcher::v3::RegexMatchAndSubstitute;
use crate::config::{At, Invalid};

use super::literal;
use super::path_match::{PathMatch, PathText};
use super::request::Target;
use super::substitution::Substitution;

/// The rewrites of a route that forwards.
#[derive(Clone, Debug)]
pub struct Rewrite {
    path: PathRewrite,
    host: HostRewrite,
}

/// A change of the path; the query stays.
#[derive(Clone, Debug)]
pub(super) enum PathRewrite {
    Keep,
    /// The part that the route matched is replaced.
    Matched {
        matched: PathText,
        replacement: Box<str>,
    },
    /// All of it is replaced.
    Whole(Box<str>),
    Substitute(Substitution),
}

#[derive(Clone, Debug)]
enum HostRewrite {
    Keep,
    Literal(HeaderValue),
    Header(HeaderName),
    FromPath(Substitution),
    /// The upstream floor knows the name of the host it chose.
    Upstream,
}

/// The authority a request is forwarded with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authority {
    /// The one it came with.
    Keep,
    /// This one.
    Set(HeaderValue),
    /// The name of the host that is chosen.
    Upstream,
}

// === impl Rewrite ===

impl Rewrite {
    /// The rewrites that an action says for what `matched`.
    ///
    /// # Errors
    /// When it has two for the path, or a text that cannot stand where it goes.
    pub(super) fn build(at: At<'_>, action: &RouteAction, matched: &PathMatch) -> Result<Self, Invalid> {
        let path = path_rewrite(at, action, matched);
        let host = HostRewrite::build(at, action.host_rewrite_specifier.as_ref());
        Ok(Self { path: path?, host: host? })
    }

    /// The path and query to forward with; none when they stay as they are.
    #[must_use]
    pub fn target(&self, target: Target<'_>) -> Option<String> {
        self.path.apply(target)
    }

    /// The authority to forward with. `target` is the one the request came with, `headers` are the fields after the
    /// mutations of the route.
    #[must_use]
    pub fn authority(&self, target: Target<'_>, headers: &HeaderMap) -> Authority {
        let host = match &self.host {
            HostRewrite::Keep => None,
            HostRewrite::Upstream => return Authority::Upstream,
            HostRewrite::Literal(host) => Some(host.clone()),
            HostRewrite::Header(name) => headers.get(name).cloned(),
            HostRewrite::FromPath(substitution) => {
                substitution.apply(target.path()).and_then(|host| HeaderValue::try_from(host).ok())
            }
        };
        host.filter(|host| !host.is_empty()).map_or(Authority::Keep, Authority::Set)
    }
}

fn path_rewrite(at: At<'_>, action: &RouteAction, matched: &PathMatch) -> Result<PathRewrite, Invalid> {
    let ways = [
        !action.prefix_rewrite.is_empty(),
        action.regex_rewrite.is_some(),
        !action.path_rewrite.is_empty(),
        action.path_rewrite_policy.is_some(),
    ];
    if ways.into_iter().filter(|is_set| *is_set).count() > 1 {
        return Err(
            at.error("has more than one of prefix_rewrite, regex_rewrite, path_rewrite and path_rewrite_policy")
        );
    }
    if action.path_rewrite_policy.is_some() {
        return Err(at.field("path_rewrite_policy").not_implemented());
    }
    if let Some(substitution) = &action.regex_rewrite {
        in_a_target(at.field("regex_rewrite.substitution"), &substitution.substitution)?;
        return PathRewrite::substitute(at.field("regex_rewrite"), substitution);
    }
    if !action.path_rewrite.is_empty() {
        let at = at.field("path_rewrite");
        let path = literal::text(at, &action.path_rewrite)?;
        return in_a_target(at, &path).map(|()| PathRewrite::Whole(path.into()));
    }
    in_a_target(at.field("prefix_rewrite"), &action.prefix_rewrite)?;
    Ok(PathRewrite::prefix(&action.prefix_rewrite, matched))
}

/// RFC 9112 §3.2: a request target has no whitespace; what came after it would be read as another part of the request.
fn in_a_target(at: At<'_>, text: &str) -> Result<(), Invalid> {
    let found = text.chars().find(|letter| letter.is_ascii_control() || *letter == ' ');
    found.map_or(Ok(()), |letter| {
        let hint = format!("write `%{:02X}` for it", u32::from(letter));
        Err(at.error_with_hint(format_args!("no path can have the character {letter:?}"), hint))
    })
}

// === impl PathRewrite ===

impl PathRewrite {
    /// `prefix_rewrite`: replaces what the route matched, which is the whole path when that was an expression.
    pub(super) fn prefix(replacement: &str, matched: &PathMatch) -> Self {
        match matched {
            _ if replacement.is_empty() => Self::Keep,
            PathMatch::Text(matched) => Self::Matched { matched: matched.clone(), replacement: replacement.into() },
            PathMatch::Regex(_) | PathMatch::Connect => Self::Whole(replacement.into()),
        }
    }

    /// `regex_rewrite`.
    pub(super) fn substitute(at: At<'_>, proto: &RegexMatchAndSubstitute) -> Result<Self, Invalid> {
        Substitution::build(at, proto).map(Self::Substitute)
    }

    /// The new path with the query the request came with; none when nothing changes.
    pub(super) fn apply(&self, target: Target<'_>) -> Option<String> {
        let path = match self {
            Self::Keep => return None,
            // Parameters of a segment may have been left out for the match alone.
            Self::Matched { matched, replacement } => [replacement, matched.after(target.path())?].concat(),
            Self::Whole(path) => path.to_string(),
            Self::Substitute(substitution) => substitution.apply(target.path()).filter(|path| !path.is_empty())?,
        };
        Some(path + target.after_path())
    }
}

// === impl HostRewrite ===

impl HostRewrite {
    fn build(at: At<'_>, specifier: Option<&HostRewriteSpecifier>) -> Result<Self, Invalid> {
        match specifier {
            None => Ok(Self::Keep),
            Some(HostRewriteSpecifier::HostRewriteLiteral(host)) => {
                Self::literal(at.field("host_rewrite_literal"), host)
            }
            Some(HostRewriteSpecifier::HostRewrite(format)) => {
                let at = at.field("host_rewrite");
                Self::literal(at, &literal::text(at, format)?)
            }
            Some(HostRewriteSpecifier::AutoHostRewrite(auto)) => Ok(if *auto { Self::Upstream } else { Self::Keep }),
            Some(HostRewriteSpecifier::HostRewriteHeader(name)) if name.is_empty() => Ok(Self::Keep),
            Some(HostRewriteSpecifier::HostRewriteHeader(name)) => match HeaderName::from_bytes(name.as_bytes()) {
                Ok(name) => Ok(Self::Header(name)),
                Err(_) => Err(at
                    .field("host_rewrite_header")
                    .error(format_args!("no header field can have the name `{name}`"))),
            },
            Some(HostRewriteSpecifier::HostRewritePathRegex(substitution)) => {
                Substitution::build(at.field("host_rewrite_path_regex"), substitution).map(Self::FromPath)
            }
        }
    }

    fn literal(at: At<'_>, host: &str) -> Result<Self, Invalid> {
        if host.is_empty() {
            return Ok(Self::Keep);
        }
        let authority = host.parse::<uri::Authority>().ok().and_then(|_| HeaderValue::from_str(host).ok());
        let literal = authority.map(Self::Literal);
        literal.ok_or_else(|| at.error(format_args!("`{host}` is not a host, nor a host and a port")))
    }
}
