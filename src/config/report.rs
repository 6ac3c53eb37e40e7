//! Everything there is to say about one configuration, and the text it is said about.
//!
//! `load` begins a report, the walk and later the building of running types add to it through `At`, and whoever
//! started it (the command line, the reload) shows it. All faults of a file are found in one run.

use std::cell::{Ref, RefCell};
use std::error::Error;
use std::fmt;

use super::at::At;
use super::diagnostic::{Diagnostic, Severity};
use super::node::Node;
use super::render;

/// The remarks on one configuration.
#[derive(Debug)]
pub struct Report {
    file: Box<str>,
    text: Box<str>,
    root: Option<Node>,
    diagnostics: RefCell<Vec<Diagnostic>>,
}

impl Report {
    /// A report on a configuration that has no text, known by a name such as the address of a control plane.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self::of_text(name, String::new())
    }

    pub(crate) fn of_text(file: &str, text: String) -> Self {
        Self { file: file.into(), text: text.into(), root: None, diagnostics: RefCell::default() }
    }

    pub(crate) fn set_root(&mut self, root: Node) {
        self.root = Some(root);
    }

    pub(crate) fn root(&self) -> Option<&Node> {
        self.root.as_ref()
    }

    /// A cursor at the top of the configuration.
    pub fn at(&self) -> At<'_> {
        At::root(self)
    }

    /// The file or the name of the configuration.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The text of the configuration.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The remarks so far, in the order in which they were made.
    pub fn diagnostics(&self) -> Ref<'_, [Diagnostic]> {
        Ref::map(self.diagnostics.borrow(), Vec::as_slice)
    }

    /// Whether the configuration cannot be used.
    pub fn has_errors(&self) -> bool {
        self.diagnostics().iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    pub(crate) fn add(&self, diagnostic: Diagnostic) {
        self.diagnostics.borrow_mut().push(diagnostic);
    }

    /// The remarks for a person, in the order of the text: `file:line:column: path: what is wrong`, the line with a
    /// marker under the place, and what was probably meant. `colour` adds terminal colours.
    pub fn to_text(&self, colour: bool) -> String {
        render::text(self, colour)
    }

    /// The remarks for a program: one JSON object a line, with `severity`, `file`, `line`, `column`, `path`, `message`
    /// and `suggestion`; what does not apply is null.
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
