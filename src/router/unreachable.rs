//! Routes that no request can reach, for an earlier one takes all that they match.
//!
//! Told is only what is certain: an earlier route without further conditions whose path covers the later one's, or one
//! with the very same match.

use std::collections::{HashMap, HashSet};

use prost::Message;

use crate::config::At;
use crate::config::proto::envoy::config::route::v3::route_match::PathSpecifier;
use crate::config::proto::envoy::config::route::v3::{Route, RouteMatch};

/// Remarks on every such route of the field `routes` of the virtual host at `at`.
pub(super) fn lint(routes: &[Route], at: At<'_>) {
    let mut before = Before::default();
    for (index, (at, route)) in at.items("routes", routes).enumerate() {
        let Some(written) = &route.r#match else { continue };
        if let Some(earlier) = before.covering(written) {
            at.field("match").lint(format_args!("no request gets here: `routes[{earlier}]` takes them all"));
        }
        before.add(index, written);
    }
}

/// What earlier routes take, each with the index of its route.
#[derive(Default)]
struct Before {
    /// Matches as written.
    same: HashMap<Vec<u8>, usize>,
    /// Paths that are taken whatever else the request is like.
    whole: HashMap<Path, usize>,
    /// Lengths of the prefixes among them.
    lengths: HashSet<usize>,
}

/// A path that a route takes; of a route that ignores case, in lower case.
#[derive(PartialEq, Eq, Hash)]
enum Path {
    Exact(String, bool),
    Prefix(String, bool),
    /// A prefix that ends at a slash or with the path.
    Separated(String, bool),
    Regex(String),
}

impl Before {
    fn add(&mut self, index: usize, written: &RouteMatch) {
        self.same.entry(written.encode_to_vec()).or_insert(index);
        if let Some(path) = Path::of(written).filter(|_| is_unconditional(written)) {
            if let Path::Prefix(text, _) | Path::Separated(text, _) = &path {
                self.lengths.insert(text.len());
            }
            self.whole.entry(path).or_insert(index);
        }
    }

    /// The first of the earlier routes that leaves nothing to this one.
    fn covering(&self, written: &RouteMatch) -> Option<usize> {
        let same = self.same.get(&written.encode_to_vec()).copied();
        let path = Path::of(written);
        let covered = path.and_then(|path| {
            // A route that ignores case covers one that minds it, and not the other way round.
            let folded = path.folded();
            let mut found: Vec<usize> = self.of(&path);
            if let Some(folded) = folded {
                found.extend(self.of(&folded));
            }
            found.into_iter().min()
        });
        same.into_iter().chain(covered).min()
    }

    /// The routes that take the path, minding case as it does.
    fn of(&self, path: &Path) -> Vec<usize> {
        let (text, case, is_exact) = match path {
            Path::Exact(text, case) => (text, *case, true),
            Path::Prefix(text, case) | Path::Separated(text, case) => (text, *case, false),
            Path::Regex(_) => return self.whole.get(path).copied().into_iter().collect(),
        };
        let is_separated = matches!(path, Path::Separated(..));
        let mut found = Vec::new();
        let mut take = |path: Path| found.extend(self.whole.get(&path).copied());
        if is_exact {
            take(Path::Exact(text.clone(), case));
        }
        for length in self.lengths.iter().filter(|length| **length <= text.len()) {
            let Some((start, rest)) = text.split_at_checked(*length) else { continue };
            take(Path::Prefix(start.to_owned(), case));
            if (rest.is_empty() && (is_exact || is_separated)) || rest.starts_with('/') {
                take(Path::Separated(start.to_owned(), case));
            }
        }
        found
    }
}

impl Path {
    fn of(written: &RouteMatch) -> Option<Self> {
        let case = written.case_sensitive.unwrap_or(true);
        let text = |text: &String| if case { text.clone() } else { text.to_ascii_lowercase() };
        Some(match written.path_specifier.as_ref()? {
            PathSpecifier::Path(path) => Self::Exact(text(path), case),
            PathSpecifier::Prefix(prefix) => Self::Prefix(text(prefix), case),
            PathSpecifier::PathSeparatedPrefix(prefix) => Self::Separated(text(prefix), case),
            PathSpecifier::SafeRegex(regex) => Self::Regex(regex.regex.clone()),
            PathSpecifier::ConnectMatcher(_) | PathSpecifier::PathMatchPolicy(_) => return None,
        })
    }

    /// As a route that ignores case would have it.
    fn folded(&self) -> Option<Self> {
        match self {
            Self::Exact(text, true) => Some(Self::Exact(text.to_ascii_lowercase(), false)),
            Self::Prefix(text, true) => Some(Self::Prefix(text.to_ascii_lowercase(), false)),
            Self::Separated(text, true) => Some(Self::Separated(text.to_ascii_lowercase(), false)),
            _ => None,
        }
    }
}

/// Whether nothing but the path decides.
fn is_unconditional(written: &RouteMatch) -> bool {
    let path_only = RouteMatch {
        path_specifier: written.path_specifier.clone(),
        case_sensitive: written.case_sensitive,
        ..RouteMatch::default()
    };
    *written == path_only
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::proto::envoy::config::route::v3::HeaderMatcher;
    use crate::config::proto::envoy::r#type::matcher::v3::RegexMatcher;

    fn route(path: PathSpecifier) -> RouteMatch {
        RouteMatch { path_specifier: Some(path), ..RouteMatch::default() }
    }

    fn path(text: &str) -> RouteMatch {
        route(PathSpecifier::Path(text.to_owned()))
    }

    fn prefix(text: &str) -> RouteMatch {
        route(PathSpecifier::Prefix(text.to_owned()))
    }

    fn separated(text: &str) -> RouteMatch {
        route(PathSpecifier::PathSeparatedPrefix(text.to_owned()))
    }

    fn regex(text: &str) -> RouteMatch {
        route(PathSpecifier::SafeRegex(RegexMatcher { regex: text.to_owned(), ..RegexMatcher::default() }))
    }

    fn any_case(written: RouteMatch) -> RouteMatch {
        RouteMatch { case_sensitive: Some(false), ..written }
    }

    fn with_header(written: RouteMatch, name: &str) -> RouteMatch {
        RouteMatch { headers: vec![HeaderMatcher { name: name.to_owned(), ..HeaderMatcher::default() }], ..written }
    }

    #[test]
    fn an_earlier_route_covers_what_it_surely_takes() {
        let table = [
            (prefix("/"), path("/a"), true),
            (prefix("/a"), prefix("/ab"), true),
            (prefix("/a"), separated("/a/b"), true),
            (prefix("/ab"), prefix("/a"), false),
            (prefix("/a"), path("/A"), false),
            (any_case(prefix("/A")), path("/a"), true),
            (any_case(prefix("/A")), any_case(path("/aB")), true),
            (prefix("/a"), any_case(path("/a")), false),
            (separated("/a"), path("/a"), true),
            (separated("/a"), path("/a/b"), true),
            (separated("/a"), separated("/a"), true),
            (separated("/a"), prefix("/a/"), true),
            (separated("/a"), prefix("/a"), false),
            (separated("/a"), path("/ab"), false),
            (path("/a"), path("/a"), true),
            (path("/a"), prefix("/a"), false),
            (regex("/a.*"), regex("/a.*"), true),
            (regex("/a.*"), path("/ab"), false),
            (prefix("/"), regex("/a.*"), false),
            (prefix("/"), with_header(path("/a"), "x"), true),
            (with_header(prefix("/"), "x"), path("/a"), false),
            (with_header(prefix("/"), "x"), with_header(prefix("/"), "x"), true),
            (with_header(prefix("/"), "x"), with_header(prefix("/"), "y"), false),
        ];
        for (earlier, later, covered) in table {
            let mut before = Before::default();
            before.add(0, &earlier);
            assert_eq!(before.covering(&later).is_some(), covered, "{earlier:?} before {later:?}");
        }
    }

    #[test]
    fn the_first_that_covers_is_named() {
        let mut before = Before::default();
        for (index, written) in [path("/b"), prefix("/a"), prefix("/")].iter().enumerate() {
            before.add(index, written);
        }
        assert_eq!(before.covering(&path("/a/b")), Some(1));
        assert_eq!(before.covering(&path("/c")), Some(2));
    }
}
