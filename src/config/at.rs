//! Where building stands in the configuration, so that a fault found there names its line.
//!
//! The `build` functions of higher floors turn messages into running types. Each takes an [`At`] beside the message,
//! steps into fields with [`At::field`], [`At::item`] and [`At::entry`], and reports with [`At::error`], which gives
//! the [`Invalid`] to return. A step is a link on the stack: nothing is allocated or looked up until something is
//! reported. Build the parts first and use `?` afterwards, so that one run reports every fault:
//!
//! ```
//! use quicgate::config::proto::envoy::config::listener::v3::{FilterChain, Listener};
//! use quicgate::config::{At, Invalid, Report};
//!
//! struct Running { name: String, chains: Vec<usize> }
//!
//! fn build(at: At<'_>, listener: &Listener) -> Result<Running, Invalid> {
//!     let name = match listener.name.as_str() {
//!         "" => Err(at.field("name").error("a listener needs a name")),
//!         name => Ok(name.to_owned()),
//!     };
//!     let chains = at.each("filter_chains", &listener.filter_chains, build_chain);
//!     Ok(Running { name: name?, chains: chains? })
//! }
//!
//! fn build_chain(at: At<'_>, chain: &FilterChain) -> Result<usize, Invalid> {
//!     match chain.filters.len() {
//!         0 => Err(at.error("a filter chain needs a filter")),
//!         filters => Ok(filters),
//!     }
//! }
//!
//! let report = Report::new("example");
//! let listener = Listener { filter_chains: vec![FilterChain::default()], ..Listener::default() };
//! assert!(build(report.at(), &listener).is_err());
//! assert_eq!(report.diagnostics().len(), 2);
//! assert_eq!(report.diagnostics()[1].path, "filter_chains[0]");
//! ```

use std::fmt;

use prost::{Message, Name};
use prost_types::Any;

use super::any::unpack;
use super::diagnostic::{Code, Diagnostic, Severity};
use super::node::{Content, Location, Quoted};
use super::place::Place;
use super::report::Report;
use super::support;

/// A place in the configuration, as a chain of steps from the top.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    report: &'a Report,
    parent: Option<&'a At<'a>>,
    step: Step<'a>,
}

/// Proof that a fault was reported: only [`At`] makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalid(());

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Top,
    Field(&'a str),
    Item(&'a str, usize),
    Entry(&'a str, &'a str),
}

impl<'a> At<'a> {
    /// The top of the configuration.
    #[must_use]
    pub fn root(report: &'a Report) -> Self {
        Self { report, parent: None, step: Step::Top }
    }

    /// The field of this name. Several steps may be written at once: `static_resources.listeners`.
    #[must_use]
    pub fn field<'b>(&'b self, name: &'b str) -> At<'b> {
        self.step(Step::Field(name))
    }

    /// One item of a repeated field.
    #[must_use]
    pub fn item<'b>(&'b self, name: &'b str, index: usize) -> At<'b> {
        self.step(Step::Item(name, index))
    }

    /// One entry of a map field.
    #[must_use]
    pub fn entry<'b>(&'b self, name: &'b str, key: &'b str) -> At<'b> {
        self.step(Step::Entry(name, key))
    }

    fn step<'b>(&'b self, step: Step<'b>) -> At<'b> {
        At { report: self.report, parent: Some(self), step }
    }

    /// The items of a repeated field, each with its place.
    pub fn items<'b, T>(&'b self, name: &'b str, items: &'b [T]) -> impl Iterator<Item = (At<'b>, &'b T)> {
        items.iter().enumerate().map(move |(index, item)| (self.item(name, index), item))
    }

    /// Builds every item of a repeated field.
    ///
    /// # Errors
    /// [`Invalid`] when one or more items are; all of them have been reported then.
    pub fn each<T, U>(
        &self,
        name: &str,
        items: &[T],
        mut build: impl FnMut(At<'_>, &T) -> Result<U, Invalid>,
    ) -> Result<Vec<U>, Invalid> {
        // Each is built before the first fault ends the collecting.
        let results: Vec<_> = self.items(name, items).map(|(at, item)| build(at, item)).collect();
        results.into_iter().collect()
    }

    /// The message of a field that has to be set.
    ///
    /// # Errors
    /// [`Invalid`] when the field is not set, which is reported.
    pub fn required<'m, M>(&self, name: &str, message: Option<&'m M>) -> Result<&'m M, Invalid> {
        message.ok_or_else(|| self.field(name).error("is required and not set"))
    }

    /// Decodes the message inside a `typed_config`.
    ///
    /// # Errors
    /// [`Invalid`] when it holds another message or cannot be decoded, which is reported here.
    pub fn unpack<M: Message + Name + Default>(&self, any: &Any) -> Result<M, Invalid> {
        unpack(any).map_err(|error| self.error(error))
    }

    /// Reports an error at this place.
    pub fn error(&self, message: impl fmt::Display) -> Invalid {
        self.add(Code::Invalid, None, message.to_string(), None)
    }

    /// Reports an error and says what may have been meant.
    pub fn error_with_hint(&self, message: impl fmt::Display, hint: impl fmt::Display) -> Invalid {
        self.add(Code::Invalid, None, message.to_string(), Some(hint.to_string()))
    }

    /// Reports that no `kind` is called `name`, and which of the names that there are was meant.
    pub fn dangling<'n>(&self, kind: &str, name: &str, known: impl Iterator<Item = &'n str>) -> Invalid {
        let known: Vec<&str> = known.collect();
        let hint = match self.nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => format!("the configuration has no {kind} at all"),
            None if known.len() > MAX_LISTED => format!("the configuration has {} others", known.len()),
            None => format!("the configuration has `{}`", known.join("`, `")),
        };
        self.add(Code::Invalid, None, format!("there is no {kind} {}", Quoted(name)), Some(hint))
    }

    /// Reports a value that the support table does not list. In a text the walk has refused it before.
    #[must_use]
    pub fn not_implemented(&self) -> Invalid {
        self.add(Code::NotImplemented, None, support::NOT_IMPLEMENTED.to_owned(), None)
    }

    /// Reports a value of the field `name` of an `M` that goes beyond the part of it that is implemented.
    #[must_use]
    pub fn beyond<M: Name>(&self, name: &str) -> Invalid {
        self.field(name).add(Code::NotImplemented, None, support::refusal(&M::full_name(), name), None)
    }

    /// Reports a part of a value that the support table calls not implemented: `what` is its word for it.
    #[must_use]
    pub fn without(&self, what: &str) -> Invalid {
        self.add(Code::NotImplemented, None, format!("{what} {}", support::NOT_IMPLEMENTED), None)
    }

    /// Nothing is said: what makes this impossible to build has been reported elsewhere.
    #[must_use]
    pub fn given_up(&self) -> Invalid {
        Invalid(())
    }

    /// Reports something that is set and has no effect.
    pub fn no_effect(&self, message: impl fmt::Display) {
        self.add(Code::NoEffect, None, message.to_string(), None);
    }

    /// Reports something that works and is probably not what was wanted.
    pub fn lint(&self, message: impl fmt::Display) {
        self.add(Code::Lint, None, message.to_string(), None);
    }

    /// Adds a remark at this place, or more exactly at `location`.
    pub(crate) fn add(
        &self,
        code: Code,
        location: Option<Location>,
        message: String,
        suggestion: Option<String>,
    ) -> Invalid {
        let location = location.or_else(|| self.location());
        let severity = match code {
            Code::NoEffect | Code::Deprecated | Code::Lint => Severity::Warning,
            _ => Severity::Error,
        };
        self.report.add(Diagnostic { severity, code, location, path: self.path(), message, suggestion });
        Invalid(())
    }

    /// Whether an error was reported anywhere, so that what seems unused may not be.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.report.has_errors()
    }

    /// Whether something at, around or below this place could not be read, which has been reported: what is found
    /// here is then no ground to judge something else by.
    #[must_use]
    pub fn is_tainted(&self) -> bool {
        self.report.is_tainted(&self.path())
    }

    /// The name that was meant, if one is near.
    pub(crate) fn nearest<'n>(&self, wrong: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
        self.report.nearest(wrong, known)
    }

    /// The key at this location is read as the field `name`.
    pub(crate) fn respell(&self, location: Location, name: &str) {
        self.report.respell(location, name);
    }

    /// The path, as `static_resources.listeners[0].name`.
    pub fn path(&self) -> String {
        let mut path = self.parent.map_or_else(String::new, At::path);
        let (name, index) = match self.step {
            Step::Top => return path,
            Step::Field(name) => (name, String::new()),
            Step::Item(name, index) => (name, format!("[{index}]")),
            Step::Entry(name, key) => (name, format!("[{key:?}]")),
        };
        if !path.is_empty() && !name.is_empty() {
            path.push('.');
        }
        path.extend(name.chars().take(MAX_NAME));
        path + &index
    }

    /// Where the place stands in the text: at the value when it is a scalar, else at its key; for what is not written,
    /// the nearest place around it that is.
    #[must_use]
    pub fn location(&self) -> Option<Location> {
        let place = self.place()?;
        let scalar = matches!(place.node.content, Content::Scalar(_)) && !place.node.is_null();
        Some(if scalar { place.node.location } else { place.key })
    }

    fn place(&self) -> Option<Place<'a>> {
        let Some(parent) = self.parent else {
            let node = self.report.root()?;
            return Some(Place { node, key: node.location, exact: true });
        };
        let place = parent.place()?;
        Some(match self.step {
            Step::Top => place,
            Step::Field(path) => place.fields(path, self.report),
            Step::Item(path, index) => place.fields(path, self.report).item(index),
            Step::Entry(path, key) => place.fields(path, self.report).entry(&[key]),
        })
    }
}

/// A message lists this many names.
const MAX_LISTED: usize = 8;

/// A path shows this much of a key, for a wrong one may be any text.
const MAX_NAME: usize = 80;

#[cfg(test)]
mod tests {
    use prost::bytes::Bytes;

    use super::*;
    use crate::config::node::Syntax;
    use crate::config::proto::envoy::config::core::v3::{Locality, Node as NodeMessage};
    use crate::config::yaml;

    fn report(text: &str) -> Report {
        let mut report = Report::new("test.yaml");
        report.set_root(yaml::parse(text, 0, Syntax::Yaml).unwrap());
        report
    }

    fn place(at: At<'_>) -> (usize, usize) {
        let location = at.location().unwrap();
        (location.line, location.column)
    }

    #[test]
    fn a_scalar_is_found_at_its_value_and_a_collection_at_its_key() {
        let report = report("a:\n  b: [x, y]\n  c: {d: 1}\n");
        let at = report.at();
        assert_eq!(place(at.field("a")), (1, 1));
        assert_eq!(place(at.field("a.b")), (2, 3));
        assert_eq!(place(at.item("a.b", 1)), (2, 10));
        assert_eq!(place(at.entry("a.c", "d")), (3, 10));
    }

    #[test]
    fn json_names_are_found_too() {
        let report = report("statsFlushInterval: 1s");
        assert_eq!(place(report.at().field("stats_flush_interval")), (1, 21));
    }

    #[test]
    fn what_is_not_written_is_found_at_what_surrounds_it() {
        let report = report("a:\n  b:\n    c: 1\n");
        let at = report.at();
        assert_eq!(place(at.field("a.b.missing.deeper")), (2, 3));
        assert_eq!(place(at.item("a.missing", 3)), (1, 1));
        // A key below the missing one does not count, whatever its name.
        assert_eq!(place(at.field("a.missing.b")), (1, 1));
    }

    #[test]
    fn the_path_goes_on_inside_an_any_and_a_typed_struct() {
        let report = report(
            "any: {\"@type\": a/b.C, name: x}\nstruct:\n  \"@type\": a/xds.type.v3.TypedStruct\n  value:\n    name: y\n",
        );
        let at = report.at();
        assert_eq!(place(at.field("any.name")), (1, 29));
        assert_eq!(place(at.field("struct.name")), (5, 11));
    }

    #[test]
    fn one_value_is_its_own_first_item() {
        let report = report("clusters:\n  name: one\n");
        assert_eq!(place(report.at().item("clusters", 0).field("name")), (2, 9));
    }

    #[test]
    fn paths_read_as_they_are_written() {
        let report = Report::new("none");
        let at = report.at();
        assert_eq!(at.path(), "");
        assert_eq!(at.item("a.b", 2).entry("c", "k").field("d").path(), "a.b[2].c[\"k\"].d");
        assert_eq!(at.location(), None);
    }

    #[test]
    fn each_reports_every_item() {
        let report = report("list: [1, 2, 3]");
        let odd =
            |at: At<'_>, number: &u32| if number.is_multiple_of(2) { Ok(*number) } else { Err(at.error("is odd")) };
        assert!(report.at().each("list", &[1, 2, 3], odd).is_err());
        let columns: Vec<_> = report.diagnostics().iter().map(|fault| fault.location.unwrap().column).collect();
        assert_eq!(columns, [8, 14]);
        assert_eq!(report.at().each("list", &[2, 4], odd), Ok(vec![2, 4]));
    }

    #[test]
    fn unpack_reports_another_message_and_broken_bytes() {
        let report = Report::new("none");
        let at = report.at();
        let node = NodeMessage { id: "one".to_owned(), ..NodeMessage::default() };
        let mut any = Any::from_msg(&node).unwrap();
        assert_eq!(at.unpack::<NodeMessage>(&any), Ok(node));
        assert!(at.field("node").unpack::<Locality>(&any).is_err());
        any.value = Bytes::from_static(b"\xff").into();
        assert!(at.unpack::<NodeMessage>(&any).is_err());
        let messages: Vec<_> = report.diagnostics().iter().map(|fault| fault.message.clone()).collect();
        assert_eq!(
            messages,
            [
                "holds `envoy.config.core.v3.Node`: expected `envoy.config.core.v3.Locality`",
                "its bytes are no `envoy.config.core.v3.Node`",
            ]
        );
    }

    #[test]
    fn required_reports_what_is_not_set() {
        let report = report("a: 1");
        assert_eq!(report.at().required("a", Some(&1)), Ok(&1));
        assert!(report.at().required::<u32>("b", None).is_err());
        assert_eq!(report.diagnostics()[0].path, "b");
    }
}
