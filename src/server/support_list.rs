//! `quicgate config support`: the support table for a person, or for a program.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::ValueEnum;

use super::complain;
use crate::config::{Part, Status, Supported, support_list};

/// What to list, and how.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// Only messages or fields whose name contains this.
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// Only fields with this status.
    #[arg(long, value_enum)]
    pub status: Option<Wanted>,
    /// For a person, or one JSON object a field.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// What becomes of a field that is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Wanted {
    /// It has its effect, or a part of it.
    Applied,
    /// It is a warning.
    Ignored,
    /// It is an error.
    NotImplemented,
}

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a person.
    Text,
    /// One JSON object a line.
    Json,
}

/// Prints the list.
pub(super) fn run(args: &Args) -> ExitCode {
    let chosen: Vec<Supported> = support_list().into_iter().filter_map(|entry| narrowed(entry, args)).collect();
    if chosen.is_empty() {
        let name = args.name.as_deref().unwrap_or_default();
        return complain(&format!(
            "nothing that is supported has `{name}` in its name: a message that is not listed is not implemented"
        ));
    }
    let mut stdout = std::io::stdout().lock();
    let text = match args.format {
        Format::Text => text(&chosen, stdout.is_terminal()),
        Format::Json => json(&chosen),
    };
    // Whoever reads may stop early.
    let _ = stdout.write_all(text.as_bytes());
    ExitCode::SUCCESS
}

/// The part of an entry that was asked for; none where there is nothing of it.
fn narrowed(mut entry: Supported, args: &Args) -> Option<Supported> {
    let wanted = |status: Status| match args.status {
        None => true,
        Some(Wanted::Applied) => matches!(status, Status::Applied | Status::Partly),
        Some(Wanted::Ignored) => status == Status::Ignored,
        Some(Wanted::NotImplemented) => matches!(status, Status::Refused | Status::NotImplemented),
    };
    let name = args.name.as_deref().unwrap_or_default().to_ascii_lowercase();
    let whole = entry.name.to_ascii_lowercase().contains(&name);
    if entry.refused.is_some() {
        return (whole && wanted(Status::Refused)).then_some(entry);
    }
    // An extension without fields of its own is applied by being there.
    let fieldless = entry.parts.is_empty();
    entry.parts.retain(|part| (whole || part.name.contains(&name)) && wanted(part.status));
    (!entry.parts.is_empty() || (fieldless && whole && wanted(Status::Applied))).then_some(entry)
}

fn text(entries: &[Supported], colour: bool) -> String {
    let (bold, dim, plain) = if colour { ("\x1b[1m", "\x1b[2m", "\x1b[0m") } else { ("", "", "") };
    let mut text = String::new();
    for entry in entries {
        let _ = writeln!(text, "{bold}{}{plain}", entry.name);
        if let Some(why) = &entry.refused {
            let _ = writeln!(text, "  {:<16} {why}", "refused");
        } else if entry.parts.is_empty() {
            let _ = writeln!(text, "  {:<16} it has no fields", "applied");
        }
        for (status, label) in LABELS {
            let parts: Vec<&Part> = entry.parts.iter().filter(|part| part.status == status).collect();
            if status == Status::Applied || status == Status::NotImplemented {
                lines(&mut text, label, &parts, if status == Status::Applied { "" } else { dim }, plain);
                continue;
            }
            for part in parts {
                let not = if status == Status::Partly { "not " } else { "" };
                let _ = writeln!(text, "  {label:<16} {}: {not}{}", part.name, part.because);
            }
        }
    }
    let count =
        |of: &[Status]| entries.iter().flat_map(|entry| &entry.parts).filter(|part| of.contains(&part.status)).count();
    let _ = writeln!(
        text,
        "{bold}{} messages and enums{plain}: {} fields and values applied, {} without effect, {} not implemented",
        entries.iter().filter(|entry| entry.refused.is_none()).count(),
        count(&[Status::Applied, Status::Partly]),
        count(&[Status::Ignored]),
        count(&[Status::Refused, Status::NotImplemented]),
    );
    text
}

/// Names after a label, in lines of a readable length.
fn lines(text: &mut String, label: &str, parts: &[&Part], paint: &str, plain: &str) {
    let mut line = String::new();
    let mut label = label;
    for part in parts {
        if !line.is_empty() && line.len() + part.name.len() >= WIDTH {
            let _ = writeln!(text, "  {label:<16} {paint}{}{plain}", line.trim_end());
            line.clear();
            label = "";
        }
        line.push_str(&part.name);
        line.push(' ');
    }
    if !line.is_empty() {
        let _ = writeln!(text, "  {label:<16} {paint}{}{plain}", line.trim_end());
    }
}

fn json(entries: &[Supported]) -> String {
    let mut text = String::new();
    for entry in entries {
        if let Some(why) = &entry.refused {
            let object = serde_json::json!({"type": entry.name, "name": null, "status": "refused", "because": why});
            let _ = writeln!(text, "{object}");
        } else if entry.parts.is_empty() {
            let object = serde_json::json!({"type": entry.name, "name": null, "status": "applied", "because": null});
            let _ = writeln!(text, "{object}");
        }
        for part in &entry.parts {
            let status = match part.status {
                Status::Applied => "applied",
                Status::Partly => "partly",
                Status::Ignored => "ignored",
                Status::Refused => "refused",
                Status::NotImplemented => "not-implemented",
            };
            let because = Some(&part.because).filter(|because| !because.is_empty());
            let object =
                serde_json::json!({"type": entry.name, "name": part.name, "status": status, "because": because});
            let _ = writeln!(text, "{object}");
        }
    }
    text
}

const LABELS: [(Status, &str); 5] = [
    (Status::Applied, "applied"),
    (Status::Partly, "in part"),
    (Status::Ignored, "no effect"),
    (Status::Refused, "refused"),
    (Status::NotImplemented, "not implemented"),
];

/// Characters of names in a line.
const WIDTH: usize = 96;

/// For `--help`.
pub(super) const EXAMPLES: &str = "\
Examples:
  quicgate config support                             everything
  quicgate config support listener.v3                 the messages of listeners
  quicgate config support idle_timeout                every field of that name
  quicgate config support --status not-implemented    what is missing in messages that are read
  quicgate config support --format json               for a program";
