//! One remark on a configuration: what is wrong or has no effect, and where.

use serde::Serialize;

use super::node::Location;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// The configuration can be used, and means something else than one might think.
    Warning,
}

/// A remark with its place: the file comes from the report that holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// Where in the text; a configuration without text, such as one from a control plane, has none.
    pub location: Option<Location>,
    /// The path of the field, as `static_resources.listeners[0].name`; empty for the text as a whole.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What was meant, probably.
    pub suggestion: Option<String>,
}

impl Diagnostic {
    /// Errors and warnings in the order of the text.
    pub(crate) fn order(&self) -> (usize, usize) {
        self.location.map_or((0, 0), |location| (location.line, location.column))
    }
}
