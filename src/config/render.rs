//! Reports as text for a person and as JSON for a program.

use std::fmt::Write;

use serde::Serialize;

use super::diagnostic::{Diagnostic, Severity};
use super::node::Location;
use super::report::Report;

/// See [`Report::to_text`].
pub(crate) fn text(report: &Report, colour: bool) -> String {
    let paint = if colour { Paint::COLOURS } else { Paint::NONE };
    let diagnostics = in_order(report);
    let mut out = String::new();
    for diagnostic in diagnostics.iter().take(MAX_SHOWN) {
        remark(&mut out, report, diagnostic, &paint);
    }
    if let Some(rest) = diagnostics.len().checked_sub(MAX_SHOWN).filter(|rest| *rest > 0) {
        out += &format!("... and {rest} more\n");
    }
    out
}

/// See [`Report::to_json`].
pub(crate) fn json(report: &Report) -> String {
    let lines = in_order(report).into_iter().filter_map(|diagnostic| {
        let line = Line {
            severity: diagnostic.severity,
            file: report.file(),
            line: diagnostic.location.map(|location| location.line),
            column: diagnostic.location.map(|location| location.column),
            path: Some(diagnostic.path.as_str()).filter(|path| !path.is_empty()),
            message: &diagnostic.message,
            suggestion: diagnostic.suggestion.as_deref(),
        };
        serde_json::to_string(&line).ok()
    });
    lines.flat_map(|line| [line, "\n".to_owned()]).collect()
}

#[derive(Serialize)]
struct Line<'a> {
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

fn remark(out: &mut String, report: &Report, diagnostic: &Diagnostic, paint: &Paint) {
    let Paint { strong, bad, odd, plain, .. } = paint;
    *out += strong;
    *out += report.file();
    if let Some(Location { line, column }) = diagnostic.location {
        *out += &format!(":{line}:{column}");
    }
    *out += ": ";
    if diagnostic.severity == Severity::Warning {
        *out += &format!("{odd}warning:{plain}{strong} ");
    }
    if !diagnostic.path.is_empty() {
        *out += &format!("{}: ", diagnostic.path);
    }
    let mark = if diagnostic.severity == Severity::Error { bad } else { odd };
    *out += &format!("{plain}{}\n", diagnostic.message);
    if let Some(location) = diagnostic.location {
        excerpt(out, report.text(), location, mark, plain);
    }
    if let Some(suggestion) = &diagnostic.suggestion {
        *out += &format!("      {}{suggestion}{plain}\n", paint.hint);
    }
}

/// The line of the text and a marker under the place. Of a long line a window is shown.
fn excerpt(out: &mut String, text: &str, location: Location, mark: &str, plain: &str) {
    let Some(line) = text.lines().nth(location.line.saturating_sub(1)).filter(|line| !line.trim().is_empty()) else {
        return;
    };
    let column = location.column.saturating_sub(1);
    let start = column.saturating_sub(WINDOW * 3 / 4);
    // A control character of the input never reaches the terminal.
    let window: String = line.chars().skip(start).take(WINDOW).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let length = line.chars().skip(column).take_while(|c| !c.is_whitespace() && !",:{}[]".contains(*c)).count();
    let number = location.line;
    let _ = writeln!(out, "{number:>5} | {}", window.trim_end());
    let _ =
        writeln!(out, "      | {}{mark}{}{plain}", " ".repeat(column - start), "^".repeat(length.clamp(1, WINDOW / 4)));
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
