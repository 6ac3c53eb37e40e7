//! A report as an aligned table, for a person.

use std::{
    env,
    fmt::Display,
    io::{self, IsTerminal, Write},
    time::Duration,
};

use super::{outcome::Outcome, report::Report};
use crate::http::AltSvc;

/// Whether the table has colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// As on a terminal.
    Colour,
    /// As in a file.
    Plain,
}

impl Paint {
    /// Colours on a terminal only, and not where `NO_COLOR` or `TERM=dumb` asks for none.
    #[must_use]
    pub fn for_stdout() -> Self {
        let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || env::var_os("TERM").is_some_and(|value| value == "dumb");
        if io::stdout().is_terminal() && !unwanted { Self::Colour } else { Self::Plain }
    }
}

/// Writes the table and, when `with_body`, the body after an empty line.
pub(super) fn write(report: &Report, with_body: bool, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table { out, paint };
    connection(report, &mut table)?;
    response(report, &mut table)?;
    if let Some(failure) = &report.failure {
        table.coloured("error", RED, &failure.message)?;
        table.optional("next", failure.next_step.as_ref())?;
    }
    let answer = &report.answer;
    if with_body && !answer.body_start.is_empty() {
        writeln!(table.out)?;
        table.out.write_all(&answer.body_start)?;
    }
    Ok(())
}

fn connection(report: &Report, table: &mut Table<'_>) -> io::Result<()> {
    table.optional("version", report.version)?;
    table.optional("address", report.address.map(|(address, transport)| format!("{address} ({transport})")))?;
    if let Some(tls) = &report.tls {
        let unknown = || "unknown".to_owned();
        let suite = tls.cipher_suite.clone().unwrap_or_else(unknown);
        let group = tls.key_exchange.clone().unwrap_or_else(unknown);
        table.row("tls", &format_args!("{}, {suite}, {group}", tls.version))?;
        table.row("alpn", &tls.alpn.as_deref().unwrap_or("none"))?;
        if let Some(certificate) = &tls.certificate {
            let names = certificate.names.join(", ");
            table.row("certificate", &format_args!("for {names} until {}", certificate.not_after))?;
            table.row("", &format_args!("by {}", certificate.issuer))?;
        }
        if !tls.verified {
            table.coloured("", YELLOW, "not verified (--insecure)")?;
        }
    }
    table.optional("connect", report.connect.map(time))?;
    table.optional("handshake", report.handshake.map(time))?;
    table.optional("resumption", report.resumption.as_ref())?;
    table.optional("0-rtt", report.early_data.as_ref())
}

fn response(report: &Report, table: &mut Table<'_>) -> io::Result<()> {
    let answer = &report.answer;
    for status in &answer.interim {
        table.row("interim", status)?;
    }
    let Some(status) = answer.status else { return Ok(()) };
    let colour = match Outcome::of_status(status.as_u16()) {
        Outcome::Ok => GREEN,
        Outcome::ClientError => YELLOW,
        _ => RED,
    };
    table.coloured("status", colour, &status.to_string())?;
    table.optional("first byte", answer.first_byte.map(time))?;
    table.fields("header", &answer.headers)?;
    match report.alt_svc() {
        Some(AltSvc::Clear) => table.row("alternative", &"none: earlier ones are to be forgotten")?,
        Some(AltSvc::Malformed(_)) => table.coloured("alternative", YELLOW, "alt-svc cannot be read")?,
        Some(AltSvc::Alternatives(list)) => {
            for alternative in list {
                table.row("alternative", &alternative)?;
            }
        }
        None => {}
    }
    let cut = if answer.is_cut() { ", only the first MiB is kept" } else { "" };
    let took = answer.total.map(|total| format!(" in {}", time(total))).unwrap_or_default();
    table.row("body", &format_args!("{} bytes{took}{cut}", answer.body_bytes))?;
    table.fields("trailer", &answer.trailers)
}

struct Table<'a> {
    out: &'a mut dyn Write,
    paint: Paint,
}

impl Table<'_> {
    fn row(&mut self, label: &str, value: &dyn Display) -> io::Result<()> {
        let value = printable(&value.to_string());
        match self.paint {
            Paint::Colour => writeln!(self.out, "{DIM}{label:<WIDTH$}{RESET}{value}"),
            Paint::Plain => writeln!(self.out, "{label:<WIDTH$}{value}"),
        }
    }

    fn optional(&mut self, label: &str, value: Option<impl Display>) -> io::Result<()> {
        value.map_or(Ok(()), |value| self.row(label, &value))
    }

    fn coloured(&mut self, label: &str, colour: &str, value: &str) -> io::Result<()> {
        match self.paint {
            Paint::Colour => {
                writeln!(self.out, "{DIM}{label:<WIDTH$}{RESET}{colour}{}{RESET}", printable(value))
            }
            Paint::Plain => self.row(label, &value),
        }
    }

    /// One field a line, the label on the first.
    fn fields(&mut self, label: &str, fields: &[(String, String)]) -> io::Result<()> {
        for (index, (name, value)) in fields.iter().enumerate() {
            self.row(if index == 0 { label } else { "" }, &format_args!("{name}: {value}"))?;
        }
        Ok(())
    }
}

/// What a server sends must not steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { char::REPLACEMENT_CHARACTER } else { char }).collect()
}

fn time(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1e3)
}

const WIDTH: usize = 13;
const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const RESET: &str = "\x1b[0m";

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode};

    use super::*;

    fn table(paint: Paint, with_body: bool) -> String {
        let mut report = Report::new("http://localhost/");
        let mut headers = HeaderMap::new();
        headers.insert("alt-svc", HeaderValue::from_static("h3=\":443\"; ma=60"));
        headers.insert("x", HeaderValue::from_bytes("a\u{9b}31m".as_bytes()).unwrap());
        report.answer.interim.push(103);
        report.answer.head(StatusCode::NOT_FOUND, &headers);
        report.answer.data(b"body\n");
        let mut out = Vec::new();
        write(&report, with_body, paint, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn rows_are_aligned_and_the_body_comes_last() {
        let expected = "\
interim      103
status       404 Not Found
header       alt-svc: h3=\":443\"; ma=60
             x: a\u{fffd}31m
alternative  h3 on the same host, port 443, for 60 s
body         5 bytes
";
        assert_eq!(table(Paint::Plain, false), expected);
        assert_eq!(table(Paint::Plain, true), format!("{expected}\nbody\n"));
    }

    #[test]
    fn colours_are_for_a_terminal() {
        assert!(table(Paint::Colour, false).contains("\x1b[33m404 Not Found\x1b[0m"));
        assert!(!table(Paint::Plain, false).contains('\x1b'));
    }
}
