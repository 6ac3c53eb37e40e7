//! Everything there is to say about one configuration, and the texts it is said about.
//!
//! `read` begins a report, the walk and later the building of running types add to it through `At`, and whoever
//! started it (the command line, the reload) shows it. All faults of a configuration are found in one run: what the walk
//! could not read is left out of the messages, and what building then misses there is not said again.

use std::cell::{Ref, RefCell};
use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::fmt;

use super::at::At;
use super::diagnostic::{Diagnostic, Severity};
use super::node::{Location, Node};
use super::render;
use super::spelling::nearest;
use super::taint::Taint;

/// The remarks on one configuration.
#[derive(Debug)]
pub struct Report {
    texts: Vec<Text>,
    root: Option<Node>,
    remarks: Box<RefCell<Remarks>>,
}

#[derive(Debug, Default)]
struct Remarks {
    diagnostics: Vec<Diagnostic>,
    said: HashSet<Said>,
    /// What the walk could not read.
    taint: Taint,
    /// Misspelt keys, and the fields they are read as.
    respelt: HashMap<Location, Box<str>>,
    /// Whether the walk is over.
    walked: bool,
    /// How much was compared to find out what wrong names may mean.
    compared: usize,
}

/// What was said of which field at which place: behind an anchor one place has many paths.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Said {
    location: Location,
    field: Box<str>,
    message: Box<str>,
}

/// One text of a configuration.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) name: Box<str>,
    pub(crate) content: Box<str>,
}

impl Report {
    /// A report on a configuration that has no text, known by a name such as the address of a control plane.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self::of_texts(vec![Text { name: name.into(), content: "".into() }])
    }

    pub(crate) fn of_texts(texts: Vec<Text>) -> Self {
        Self { texts, root: None, remarks: Box::default() }
    }

    pub(crate) fn set_root(&mut self, root: Node) {
        self.root = Some(root);
    }

    pub(crate) fn root(&self) -> Option<&Node> {
        self.root.as_ref()
    }

    pub(crate) fn text(&self, index: usize) -> Option<&Text> {
        self.texts.get(index)
    }

    /// A cursor at the top of the configuration.
    #[must_use]
    pub fn at(&self) -> At<'_> {
        At::root(self)
    }

    /// The file, or what the configuration is called; both where one text was merged over another.
    #[must_use]
    pub fn name(&self) -> String {
        let names: Vec<&str> = self.texts.iter().map(|text| &*text.name).collect();
        names.join(" with ")
    }

    /// The remarks so far, in the order in which they were made.
    #[must_use]
    pub fn diagnostics(&self) -> Ref<'_, [Diagnostic]> {
        Ref::map(self.remarks.borrow(), |remarks| remarks.diagnostics.as_slice())
    }

    /// Whether the configuration cannot be used.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics().iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Ends the walk: from here on nothing is said where it found a fault.
    pub(crate) fn walked(&self) {
        self.remarks.borrow_mut().walked = true;
    }

    /// The key at this location is read as the field `name`.
    pub(crate) fn respell(&self, location: Location, name: &str) {
        self.remarks.borrow_mut().respelt.insert(location, name.into());
    }

    /// Whether the key at this location is read as the field `name`.
    pub(crate) fn is_respelt(&self, location: Location, name: &str) -> bool {
        self.remarks.borrow().respelt.get(&location).is_some_and(|field| **field == *name)
    }

    /// The name that was meant, if one is near. In a report with very many wrong names it is not looked for any more.
    pub(crate) fn nearest<'n>(&self, wrong: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
        let compared = &mut self.remarks.borrow_mut().compared;
        let affordable = |name: &&str| {
            // Names of about the same length are compared letter by letter.
            *compared += if name.len().abs_diff(wrong.len()) <= 5 { name.len() } else { 1 };
            *compared < MAX_COMPARED
        };
        nearest(wrong, known.take_while(affordable))
    }

    /// Whether something at, around or below the place could not be read.
    pub(crate) fn is_tainted(&self, path: &str) -> bool {
        self.remarks.borrow().taint.touches(path)
    }

    /// Adds a remark, unless it was made before or follows from one of the walk.
    pub(crate) fn add(&self, diagnostic: Diagnostic) {
        let mut remarks = self.remarks.borrow_mut();
        if remarks.walked {
            if remarks.taint.touches(&diagnostic.path) {
                return;
            }
        } else if diagnostic.severity == Severity::Error {
            remarks.taint.add(&diagnostic.path);
        }
        let field = diagnostic.path.rsplit('.').next().unwrap_or_default();
        let new = diagnostic.location.is_none_or(|location| {
            let said = Said { location, field: field.into(), message: diagnostic.message.as_str().into() };
            remarks.said.insert(said)
        });
        if new {
            remarks.diagnostics.push(diagnostic);
        }
    }

    /// The remarks for a person, in the order of the text: `file:line:column: path: what is wrong`, the line with a
    /// marker under the place, and what was probably meant. `colour` adds terminal colours.
    #[must_use]
    pub fn to_text(&self, colour: bool) -> String {
        render::text(self, colour)
    }

    /// The remarks of that severity in a line each, without the text: `file:line:column: path: what is wrong`.
    #[must_use]
    pub fn lines(&self, severity: Severity) -> Vec<String> {
        render::lines(self, severity)
    }

    /// The remarks for a program: one JSON object a line, with `severity`, `code`, `file`, `line`, `column`, `path`,
    /// `message` and `suggestion`; what does not apply is null.
    #[must_use]
    pub fn to_json(&self) -> String {
        render::json(self)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.to_text(false))
    }
}

impl Error for Report {}

/// Letters that are compared to find out what wrong names may mean: beyond that, which takes a second or two, a file has
/// another problem than misspellings.
const MAX_COMPARED: usize = 20_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions_end_where_they_would_take_too_long() {
        let report = Report::new("test");
        // Too long to be compared, and counted all the same.
        let (wrong, near, long) = ("n".repeat(298), "n".repeat(299), "n".repeat(301));
        let known = || std::iter::repeat_n(long.as_str(), 30_000).chain([near.as_str()]);
        let found: Vec<_> = (0..4).map(|_| report.nearest(&wrong, known()).is_some()).collect();
        assert_eq!(found, [true, true, false, false]);
        assert!(Report::new("another").nearest(&wrong, known()).is_some());
    }
}
