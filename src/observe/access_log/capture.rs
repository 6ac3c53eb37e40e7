//! The header fields that access logs read, kept while an exchange runs.
//!
//! A request is moved upstream before its line is written, so what a line will say must be kept. [`Captures`] is worked out
//! when the formats are built: a list without repeats, each field with its place. [`Captured`] holds the values of one
//! exchange in those places: `HeaderValue`s, whose clones share their bytes.

use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

/// The header fields a set of formats reads.
#[derive(Clone, Debug, Default)]
pub struct Captures {
    fields: Vec<(Side, Field)>,
    /// The sides whose sizes are asked for.
    sized: Vec<Side>,
    /// What filters ask of the request.
    conditions: Vec<Arc<dyn RequestCondition>>,
}

/// A condition on the head of a request, built by a floor above. It is judged while the request is there, and the answer kept.
pub trait RequestCondition: fmt::Debug + Send + Sync {
    /// Whether it holds; `None` is a message that never became a request.
    fn holds(&self, head: Option<&Head<'_>>) -> bool;
}

/// The head of a request.
#[derive(Clone, Copy)]
pub struct Head<'a> {
    /// Its fields.
    pub headers: &'a HeaderMap,
    /// Its pseudo-header fields.
    pub pseudo: &'a dyn Fn(Pseudo) -> Option<HeaderValue>,
}

/// The values of one exchange.
#[derive(Clone, Debug, Default)]
pub struct Captured {
    values: Box<[Option<HeaderValue>]>,
    /// Bytes of the request's, the response's and the trailer section.
    sizes: [u64; 3],
    /// Which conditions hold.
    held: Box<[bool]>,
}

/// Which field section a field stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The request's header section.
    Request,
    /// The response's header section.
    Response,
    /// The response's trailer section.
    Trailers,
}

/// A pseudo-header field of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pseudo {
    /// `:method`
    Method,
    /// `:path`
    Path,
    /// `:authority`, in HTTP/1 `Host`
    Authority,
    /// `:scheme`
    Scheme,
    /// `:protocol`, of an extended CONNECT
    Protocol,
}

/// A field by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Pseudo(Pseudo),
    Status,
    Named(HeaderName),
    /// A name that this section never has, such as `:path` in a response.
    Never,
}

/// The place of a field's value in [`Captured`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(usize);

/// The place of the answer to a condition in [`Captured`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer(usize);

// === impl Captures ===

impl Captures {
    /// Whether no field is read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.sized.is_empty() && self.conditions.is_empty()
    }

    /// The fields read, as `:path` or `user-agent`, each with its section.
    pub fn names(&self) -> impl Iterator<Item = (Side, &str)> {
        self.fields.iter().map(|(side, field)| (*side, field.name()))
    }

    /// Room for the values of one exchange; takes no memory when no field is read.
    #[must_use]
    pub fn start(&self) -> Captured {
        let held = self.conditions.iter().map(|condition| condition.holds(None)).collect();
        Captured { values: vec![None; self.fields.len()].into_boxed_slice(), sizes: [0; 3], held }
    }

    /// Keeps what is read of a request. `pseudo` gives its pseudo-header fields, and is asked only for those needed.
    /// Capturing again, after a route has rewritten the request, replaces what was kept.
    pub fn request(&self, kept: &mut Captured, headers: &HeaderMap, pseudo: impl Fn(Pseudo) -> Option<HeaderValue>) {
        self.keep(kept, Side::Request, |field| match field {
            Field::Pseudo(name) => pseudo(*name),
            Field::Named(name) => headers.get(name).cloned(),
            Field::Status | Field::Never => None,
        });
        if self.sized.contains(&Side::Request) {
            let one = |name: &Pseudo| pseudo(*name).map_or(0, |value| size(name.name(), &value));
            kept.sizes[0] = Pseudo::ALL.iter().map(one).sum::<u64>() + section_size(headers);
        }
        let head = Head { headers, pseudo: &pseudo };
        for (condition, held) in self.conditions.iter().zip(&mut kept.held) {
            *held = condition.holds(Some(&head));
        }
    }

    /// Keeps what is read of a response.
    pub fn response(&self, kept: &mut Captured, status: StatusCode, headers: &HeaderMap) {
        self.keep(kept, Side::Response, |field| match field {
            Field::Status => HeaderValue::from_str(status.as_str()).ok(),
            Field::Named(name) => headers.get(name).cloned(),
            Field::Pseudo(_) | Field::Never => None,
        });
        if self.sized.contains(&Side::Response) {
            kept.sizes[1] = STATUS_BYTES + section_size(headers);
        }
    }

    /// Keeps what is read of a response's trailers.
    pub fn trailers(&self, kept: &mut Captured, trailers: &HeaderMap) {
        self.keep(kept, Side::Trailers, |field| match field {
            Field::Named(name) => trailers.get(name).cloned(),
            Field::Pseudo(_) | Field::Status | Field::Never => None,
        });
        if self.sized.contains(&Side::Trailers) {
            kept.sizes[2] = section_size(trailers);
        }
    }

    /// The place for `field`: the same one for the same field.
    pub(super) fn slot(&mut self, side: Side, field: Field) -> Slot {
        let wanted = (side, field);
        let known = self.fields.iter().position(|known| *known == wanted);
        Slot(known.unwrap_or_else(|| {
            self.fields.push(wanted);
            self.fields.len() - 1
        }))
    }

    /// Asks for the answer to a condition.
    pub(super) fn ask(&mut self, condition: Arc<dyn RequestCondition>) -> Answer {
        self.conditions.push(condition);
        Answer(self.conditions.len() - 1)
    }

    /// Asks for the size of a section.
    pub(super) fn size_of(&mut self, side: Side) {
        if !self.sized.contains(&side) {
            self.sized.push(side);
        }
    }

    fn keep(&self, kept: &mut Captured, side: Side, value: impl Fn(&Field) -> Option<HeaderValue>) {
        for ((of, field), place) in self.fields.iter().zip(&mut kept.values) {
            if *of == side {
                *place = value(field);
            }
        }
    }
}

// === impl Captured ===

impl Captured {
    pub(super) fn value(&self, slot: Slot) -> Option<&HeaderValue> {
        self.values.get(slot.0)?.as_ref()
    }

    /// Whether a condition holds.
    pub(super) fn holds(&self, answer: Answer) -> bool {
        self.held.get(answer.0).copied().unwrap_or_default()
    }

    pub(super) fn size(&self, side: Side) -> u64 {
        match side {
            Side::Request => self.sizes[0],
            Side::Response => self.sizes[1],
            Side::Trailers => self.sizes[2],
        }
    }
}

// === impl Pseudo ===

impl Pseudo {
    const ALL: &[Self] = &[Self::Method, Self::Path, Self::Authority, Self::Scheme, Self::Protocol];

    fn name(self) -> &'static str {
        match self {
            Self::Method => ":method",
            Self::Path => ":path",
            Self::Authority => ":authority",
            Self::Scheme => ":scheme",
            Self::Protocol => ":protocol",
        }
    }
}

// === impl Field ===

impl Field {
    /// The field called `name` (in any case) in the section `side`; none when no field can be called so.
    pub(super) fn parse(side: Side, name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let pseudo = Pseudo::ALL.iter().find(|pseudo| pseudo.name() == name || (**pseudo, &*name) == HOST);
        match (side, pseudo, &*name) {
            (Side::Request, Some(pseudo), _) => Some(Self::Pseudo(*pseudo)),
            (Side::Response, _, ":status") => Some(Self::Status),
            (_, Some(_), _) if name.starts_with(':') => Some(Self::Never),
            (_, _, ":status") => Some(Self::Never),
            _ => HeaderName::try_from(name).ok().map(Self::Named),
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Pseudo(pseudo) => pseudo.name(),
            Self::Status => ":status",
            Self::Named(name) => name.as_str(),
            Self::Never => "",
        }
    }
}

/// In a request `host` is another name of `:authority`.
const HOST: (Pseudo, &str) = (Pseudo::Authority, "host");

/// Bytes of `:status` and its three digits.
const STATUS_BYTES: u64 = 10;

/// Names and values, as Envoy counts them: no separators.
fn section_size(headers: &HeaderMap) -> u64 {
    headers.iter().map(|(name, value)| size(name.as_str(), value)).sum()
}

fn size(name: &str, value: &HeaderValue) -> u64 {
    (name.len() + value.len()) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &'static str) -> Field {
        Field::Named(HeaderName::from_static(name))
    }

    #[test]
    fn a_field_has_one_place() {
        let mut captures = Captures::default();
        let first = captures.slot(Side::Request, named("user-agent"));
        let other = captures.slot(Side::Response, named("user-agent"));
        assert_eq!(captures.slot(Side::Request, named("user-agent")), first);
        assert_ne!(first, other);
        assert_eq!(
            captures.names().collect::<Vec<_>>(),
            [(Side::Request, "user-agent"), (Side::Response, "user-agent")]
        );
    }

    #[test]
    fn values_are_kept_by_side_and_replaced() {
        let mut captures = Captures::default();
        let path = captures.slot(Side::Request, Field::Pseudo(Pseudo::Path));
        let status = captures.slot(Side::Response, Field::Status);
        let kind = captures.slot(Side::Trailers, named("kind"));
        let mut kept = captures.start();
        let headers = HeaderMap::from_iter([(HeaderName::from_static("kind"), HeaderValue::from_static("header"))]);
        captures.request(&mut kept, &headers, |_| Some(HeaderValue::from_static("/old")));
        captures.request(&mut kept, &headers, |_| Some(HeaderValue::from_static("/new")));
        captures.response(&mut kept, StatusCode::NOT_FOUND, &headers);
        assert_eq!(kept.value(path).unwrap(), "/new");
        assert_eq!(kept.value(status).unwrap(), "404");
        assert_eq!(kept.value(kind), None);
        captures.trailers(&mut kept, &headers);
        assert_eq!(kept.value(kind).unwrap(), "header");
    }

    /// The sizes Envoy 1.40 gave: 28 for the trailers of a gRPC response.
    #[test]
    fn sizes_are_counted_only_when_asked_for() {
        let mut captures = Captures::default();
        let trailers = HeaderMap::from_iter([
            (HeaderName::from_static("grpc-status"), HeaderValue::from_static("5")),
            (HeaderName::from_static("grpc-message"), HeaderValue::from_static("nope")),
        ]);
        let mut kept = captures.start();
        captures.trailers(&mut kept, &trailers);
        assert_eq!(kept.size(Side::Trailers), 0);
        captures.size_of(Side::Trailers);
        captures.size_of(Side::Request);
        captures.size_of(Side::Response);
        captures.trailers(&mut kept, &trailers);
        captures.response(&mut kept, StatusCode::OK, &HeaderMap::new());
        captures.request(&mut kept, &HeaderMap::new(), |name| {
            (name == Pseudo::Method).then(|| HeaderValue::from_static("GET"))
        });
        let sizes = [Side::Request, Side::Response, Side::Trailers].map(|side| kept.size(side));
        assert_eq!(sizes, [":methodGET".len() as u64, ":status200".len() as u64, 28]);
    }

    #[test]
    fn names_are_read_as_envoy_reads_them() {
        assert_eq!(Field::parse(Side::Request, "Host"), Some(Field::Pseudo(Pseudo::Authority)));
        assert_eq!(Field::parse(Side::Request, ":PATH"), Some(Field::Pseudo(Pseudo::Path)));
        assert_eq!(Field::parse(Side::Response, ":status"), Some(Field::Status));
        assert_eq!(Field::parse(Side::Response, ":path"), Some(Field::Never));
        assert_eq!(Field::parse(Side::Response, "Host"), Some(named("host")));
        assert_eq!(Field::parse(Side::Request, ":foo"), None);
        assert_eq!(Field::parse(Side::Request, "a b"), None);
    }
}
