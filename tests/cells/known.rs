//! Where Quicgate differs from Envoy on purpose, and why. An entry that no longer occurs fails the comparison, too.

use crate::play::Cell;
use crate::support::client::Version::{self, Http1, Http2, Http3};

/// A difference that is meant to be.
pub(crate) struct Known {
    /// The case, or `*` for any.
    pub(crate) case: &'static str,
    pub(crate) from: &'static [Version],
    pub(crate) to: &'static [Version],
    /// The fact; with a `*` at its end, all that begin so.
    pub(crate) fact: &'static str,
    pub(crate) reason: &'static str,
    /// Whether it depends on who is faster.
    pub(crate) by_chance: bool,
}

impl Known {
    pub(crate) fn covers(&self, case: &str, cell: Cell, fact: &str) -> bool {
        (self.case == "*" || self.case == case)
            && self.from.contains(&cell.from)
            && self.to.contains(&cell.to)
            && match self.fact.strip_suffix('*') {
                Some(beginning) => fact.starts_with(beginning),
                None => fact == self.fact,
            }
    }
}

pub(crate) const KNOWN: &[Known] = &[
    any("*", "field server", "the product says its own name; `server_name` changes it"),
    any("103 twice", "interim 103*", "RFC 9110 §15.2: a proxy forwards interim responses; Envoy forwards the first"),
    cells("304 with the length of what there is", H1, ALL, "field content-length", "RFC 9110 §8.6: it may be left out"),
    cells("304 with the length of what there is", H2, H3, "end", "RFC 9110 §8.6: it tells of what would have come"),
    cells("HEAD of what has no length", H1, ALL, "field transfer-encoding", "RFC 9110 §9.3.2: it may be left out"),
    cells("trailers of the answer", H1, ALL, "trailer x-v", "RFC 9110 §6.5.1: hyper sends those that are announced"),
    chance("many fields of the answer", H1, H3, "field *", "RFC 9112 §6.3: a length that is known is said"),
    chance("nothing, without a length", H1, H3, "field *", "RFC 9112 §6.3: a length that is known is said"),
    cells("a larger head than a request may have", H2_AND_H3, ALL, "*", TOO_LARGE),
    cells("more fields than a request may have", H2_AND_H3, ALL, "*", TOO_LARGE),
    cells("more fields than a request may have", H1, ALL, "log details", "hyper does not say which limit it was"),
    cells(
        "more fields than an answer may have",
        ALL,
        H2_AND_H3,
        "*",
        "RFC 9110 §15.6.3: an answer that is not valid is 502",
    ),
    cells("gRPC to an upstream that resets", ALL, H3, "log details", NAMES),
    cells("a reset instead of an answer", ALL, H3, "log details", NAMES),
    cells("a reset in content with a length", ALL, H3, "log details", NAMES),
    cells("a reset in content without a length", ALL, H3, "log details", NAMES),
    cells("the client leaves before the answer", H3, ALL, "log *", LEFT),
    cells("the client leaves in the answer", H3, ALL, "log *", LEFT),
    cells("the client leaves in its request", H3, ALL, "log *", LEFT),
];

const TOO_LARGE: &str = "RFC 6585 §5: it is answered 431, as on HTTP/1, where Envoy resets the stream";

const NAMES: &str = "Envoy adds the error names of its QUIC library";

const LEFT: &str = "a client that leaves is told from one that stays";

const H1: &[Version] = &[Http1];
const H2: &[Version] = &[Http2];
const H3: &[Version] = &[Http3];
const H2_AND_H3: &[Version] = &[Http2, Http3];
const ALL: &[Version] = &Version::ALL;

const fn any(case: &'static str, fact: &'static str, reason: &'static str) -> Known {
    cells(case, ALL, ALL, fact, reason)
}

const fn cells(
    case: &'static str,
    from: &'static [Version],
    to: &'static [Version],
    fact: &'static str,
    reason: &'static str,
) -> Known {
    Known { case, from, to, fact, reason, by_chance: false }
}

/// One that depends on who is faster.
const fn chance(
    case: &'static str,
    from: &'static [Version],
    to: &'static [Version],
    fact: &'static str,
    reason: &'static str,
) -> Known {
    Known { by_chance: true, ..cells(case, from, to, fact, reason) }
}

/// Cells in few words: `1>1 1>2`, and `*>3` where it is all that come in.
pub(crate) fn names(cells: &[Cell]) -> String {
    let mut words = Vec::new();
    for to in ALL {
        let from: Vec<_> = cells.iter().filter(|cell| cell.to == *to).map(|cell| number(cell.from)).collect();
        match from.as_slice() {
            [] => {}
            [_, _, _] => words.push(format!("*>{}", number(*to))),
            some => words.push(format!("{}>{}", some.join(","), number(*to))),
        }
    }
    words.join(" ")
}

pub(crate) fn number(version: Version) -> &'static str {
    match version {
        Http1 => "1",
        Http2 => "2",
        Http3 => "3",
    }
}
