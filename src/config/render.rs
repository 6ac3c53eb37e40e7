//! Reports as text for a person and as JSON for a program.

use std::fmt::{self, Write};

use serde::Serialize;

use super::diagnostic::{Code, Diagnostic, Severity};
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
        let (file, place) = place(report, &diagnostic);
        let object = Object {
            severity: diagnostic.severity,
            code: diagnostic.code,
            file: &file,
            line: place.map(|location| location.line),
            column: place.map(|location| location.column),
            path: Some(diagnostic.path.as_str()).filter(|path| !path.is_empty()),
            message: &diagnostic.message,
            suggestion: diagnostic.suggestion.as_deref(),
        };
        serde_json::to_string(&object).ok()
    });
    objects.flat_map(|object| [object, "\n".to_owned()]).collect()
}

/// See [`Report::lines`].
pub(crate) fn lines(report: &Report, severity: Severity) -> Vec<String> {
    let of_severity = in_order(report).into_iter().filter(|diagnostic| diagnostic.severity == severity);
    of_severity.map(|diagnostic| line(report, &diagnostic)).collect()
}

fn line(report: &Report, diagnostic: &Diagnostic) -> String {
    let (file, place) = place(report, diagnostic);
    let place = place.map(|Location { line, column, .. }| format!(":{line}:{column}"));
    let path = Some(&diagnostic.path).filter(|path| !path.is_empty()).map(|path| format!("{path}: "));
    let (place, path) = (place.unwrap_or_default(), path.unwrap_or_default());
    let hint = diagnostic.suggestion.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    clean(&format!("{file}{place}: {path}{}{hint}", diagnostic.message))
}

#[derive(Serialize)]
struct Object<'a> {
    severity: Severity,
    code: Code,
    file: &'a str,
    line: Option<usize>,
    column: Option<usize>,
    path: Option<&'a str>,
    message: &'a str,
    suggestion: Option<&'a str>,
}

fn in_order(report: &Report) -> Vec<Diagnostic> {
    let mut diagnostics = report.diagnostics().to_vec();
    // In the order of the texts, so that a person goes through them once.
    diagnostics.sort_by_key(|diagnostic| diagnostic.location);
    diagnostics
}

/// The text of a remark, and the place in it unless the remark is about the text as a whole.
fn place(report: &Report, diagnostic: &Diagnostic) -> (String, Option<Location>) {
    let Some(location) = diagnostic.location else { return (report.name(), None) };
    let name = report.text(location.text).map(|text| text.name.to_string()).unwrap_or_default();
    (name, Some(location).filter(|location| location.line > 0))
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
    let (file, place) = place(report, diagnostic);
    write!(out, "{strong}{}", clean(&file))?;
    if let Some(Location { line, column, .. }) = place {
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
    if let Some((text, location)) = place.and_then(|place| Some((report.text(place.text)?, place))) {
        write_excerpt(out, &text.content, location, (mark, plain))?;
    }
    match &diagnostic.suggestion {
        Some(suggestion) => writeln!(out, "      {hint}{}{plain}", clean(suggestion)),
        None => Ok(()),
    }
}

/// The line of the text and a marker under the place. Of a long line a window is shown.
fn write_excerpt(out: &mut String, text: &str, location: Location, (mark, plain): (&str, &str)) -> fmt::Result {
    let line = nth_line(text, location.line);
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

/// The line of this number, from 1, as YAML counts: a carriage return ends one too (YAML 1.2.2 §5.4).
fn nth_line(text: &str, number: usize) -> &str {
    let mut rest = text;
    for _ in 1..number {
        let Some(end) = rest.find(['\r', '\n']) else { return "" };
        let after = rest.get(end..).unwrap_or_default();
        rest = after.strip_prefix("\r\n").or_else(|| after.get(1..)).unwrap_or_default();
    }
    rest.split(['\r', '\n']).next().unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_carriage_return_ends_a_line() {
        let text = "a\rb\r\nc\n\nd";
        let lines: Vec<&str> = (1..=6).map(|number| nth_line(text, number)).collect();
        assert_eq!(lines, ["a", "b", "c", "", "d", ""]);
    }
}
