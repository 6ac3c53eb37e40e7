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

/// What kind of remark it is, for programs that read reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The text cannot be had, or is no YAML or JSON.
    Unreadable,
    /// A field or a type that Envoy does not have.
    Unknown,
    /// A field, a type or a value that Envoy has and this program has not.
    NotImplemented,
    /// A value of the wrong type or out of its range, something missing, something twice.
    Invalid,
    /// What is set has no effect.
    NoEffect,
    /// What is set is deprecated in Envoy's API.
    Deprecated,
    /// It works, and is probably not what was wanted.
    Lint,
}

/// A remark with its place: the text comes from the report that holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// What kind of remark.
    pub code: Code,
    /// Where in which text; a configuration without text, such as one from a control plane, has none.
    pub location: Option<Location>,
    /// The path of the field, as `static_resources.listeners[0].name`; empty for the text as a whole.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What was meant, probably.
    pub suggestion: Option<String>,
}

impl Diagnostic {
    /// An error that concerns a text as a whole, or the place where reading it ended.
    pub(crate) fn unreadable(location: Location, message: String) -> Self {
        Self {
            severity: Severity::Error,
            code: Code::Unreadable,
            location: Some(location),
            path: String::new(),
            message,
            suggestion: None,
        }
    }
}
