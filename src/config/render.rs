//! Reports as text for a person and as JSON for a program.

use std::fmt::{self, Write};

use serde::Serialize;

use super::diagnostic::{Diagnostic, Severity};
use super::node::Location;
use super::report::Report;

/// See [`Report::to_text`].
pub(crate) fn text(report: &Report, colour: bool) -> String {
    let paint = if colour { Paint::COLOURS } else { Paint::NONE };
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_all(&mut out, report, &paint);
    out
}

/// See [`Report::to_json`].
pub(crate) fn json(report: &Report) -> String {
    let objects = in_order(report).into_iter().filter_map(|diagnostic| {
        let object = Object {
            severity: diagnostic.severity,
            file: report.file(),
            line: diagnostic.location.map(|location| location.line),
            column: diagnostic.location.map(|location| location.column),
            path: Some(diagnostic.path.as_str()).filter(|path| !path.is_empty()),
            message: &diagnostic.message,
            suggestion: diagnostic.suggestion.as_deref(),
        };
        serde_json::to_string(&object).ok()
    });
    objects.flat_map(|object| [object, "\n".to_owned()]).collect()
}

#[derive(Serialize)]
struct Object<'a> {
    severity: Severity,
    file: &'a str,
    line: Option<usize>,
    column: Option<usize>,
    path: Option<&'a str>,
    message: &'a str,
    suggestion: Option<&'a str>,
}

fn in_order(report: &Report) -> Vec<Diagnostic> {
    let mut diagnostics = report.diagnostics().to_vec();
    diagnostics.sort_by_key(Diagnostic::order);
    diagnostics
}

fn write_all(out: &mut String, report: &Report, paint: &Paint) -> fmt::Result {
    let diagnostics = in_order(report);
    let shown = diagnostics.len().min(MAX_SHOWN);
    for diagnostic in diagnostics.iter().take(shown) {
        write_one(out, report, diagnostic, paint)?;
    }
    match diagnostics.len() - shown {
        0 => Ok(()),
        rest => writeln!(out, "... and {rest} more"),
    }
}

fn write_one(out: &mut String, report: &Report, diagnostic: &Diagnostic, paint: &Paint) -> fmt::Result {
    let Paint { strong, hint, plain, .. } = paint;
    let mark = if diagnostic.severity == Severity::Error { paint.bad } else { paint.odd };
    write!(out, "{strong}{}", clean(report.file()))?;
    if let Some(Location { line, column }) = diagnostic.location {
        write!(out, ":{line}:{column}")?;
    }
    write!(out, ": ")?;
    if diagnostic.severity == Severity::Warning {
        write!(out, "{mark}warning:{plain}{strong} ")?;
    }
    if !diagnostic.path.is_empty() {
        write!(out, "{}: ", clean(&diagnostic.path))?;
    }
    writeln!(out, "{plain}{}", clean(&diagnostic.message))?;
    if let Some(location) = diagnostic.location {
        write_excerpt(out, report.text(), location, (mark, plain))?;
    }
    match &diagnostic.suggestion {
        Some(suggestion) => writeln!(out, "      {hint}{}{plain}", clean(suggestion)),
        None => Ok(()),
    }
}

/// The line of the text and a marker under the place. Of a long line a window is shown.
fn write_excerpt(out: &mut String, text: &str, location: Location, (mark, plain): (&str, &str)) -> fmt::Result {
    let line = text.lines().nth(location.line.saturating_sub(1)).unwrap_or_default();
    if line.trim().is_empty() {
        return Ok(());
    }
    let column = location.column.saturating_sub(1);
    let start = column.saturating_sub(WINDOW * 3 / 4);
    let window: String = line.chars().skip(start).take(WINDOW).collect();
    let word = line.chars().skip(column).take_while(|c| !c.is_whitespace() && !",:{}[]".contains(*c)).count();
    let marker = "^".repeat(word.clamp(1, WINDOW / 4));
    writeln!(out, "{:>5} | {}", location.line, clean(window.trim_end()))?;
    writeln!(out, "      | {:indent$}{mark}{marker}{plain}", "", indent = column - start)
}

/// A control character of the input never reaches the terminal.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Terminal sequences, or nothing.
struct Paint {
    strong: &'static str,
    bad: &'static str,
    odd: &'static str,
    hint: &'static str,
    plain: &'static str,
}

impl Paint {
    const NONE: Self = Self { strong: "", bad: "", odd: "", hint: "", plain: "" };
    const COLOURS: Self =
        Self { strong: "\x1b[1m", bad: "\x1b[1;31m", odd: "\x1b[1;33m", hint: "\x1b[36m", plain: "\x1b[0m" };
}

/// Remarks shown to a person; the JSON form has them all.
const MAX_SHOWN: usize = 200;

/// Characters shown of a source line.
const WINDOW: usize = 120;
