//! How an event becomes a line: `[2026-11-20 12:00:00.000][info][listener] message key=value`.

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Instant;

use jiff::Zoned;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::level::{Level, Levels, component};
use super::{Limited, Output};

/// Writes the events that the levels let pass.
#[derive(Debug)]
pub(super) struct Lines {
    levels: Levels,
    output: Arc<Output>,
    /// What libraries say of their peers: they know no limit of their own.
    foreign: Limited,
}

/// What an event says: its message, then its fields.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

// === impl Lines ===

impl Lines {
    pub(super) fn new(levels: Levels, output: Arc<Output>) -> Self {
        Self { levels, output, foreign: Limited::default() }
    }

    /// Whether a line of this origin may be written now, and how many before it were not.
    fn admit(&self, target: &str) -> Option<u64> {
        let ours = target.split("::").next() == Some(env!("CARGO_CRATE_NAME"));
        if ours { Some(0) } else { self.foreign.admit(Instant::now()) }
    }

    fn allow(&self, metadata: &Metadata<'_>) -> bool {
        self.levels.allow(metadata.target(), *metadata.level())
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    /// Asked once for each place in the code, and again when a level changes: a place that is silent costs one load.
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.allow(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.allow(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.levels.loudest())
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let Some(suppressed) = self.admit(event.metadata().target()) else { return };
        let mut text = Text::default();
        event.record(&mut text);
        if suppressed > 0 {
            text.add("suppressed", &suppressed.to_string());
        }
        let level = Level::of(*event.metadata().level());
        let component = component(event.metadata().target());
        self.output.write(&line(&Zoned::now(), level, component, &text, self.output.colours));
    }
}

fn line(time: &Zoned, level: Level, component: &str, text: &Text, colours: bool) -> String {
    let (on, off) = if colours { (colour(level), "\x1b[0m") } else { ("", "") };
    let time = time.strftime("%Y-%m-%d %H:%M:%S.%3f");
    format!("[{time}][{on}{level}{off}][{component}] {}{}\n", text.message, text.fields)
}

fn colour(level: Level) -> &'static str {
    match level {
        Level::Trace | Level::Debug => "\x1b[2m",
        Level::Info => "\x1b[32m",
        Level::Warning => "\x1b[33m",
        Level::Error | Level::Critical | Level::Off => "\x1b[31m",
    }
}

// === impl Text ===

impl Text {
    fn add(&mut self, name: &str, value: &str) {
        // What a peer sent may stand in it: it must not begin a line or move a cursor.
        let plain = |letter: char, out: &mut String| {
            if letter.is_control() { out.extend(letter.escape_default()) } else { out.push(letter) }
        };
        if name == "message" {
            value.chars().for_each(|letter| plain(letter, &mut self.message));
        } else {
            let _ = write!(self.fields, " {name}=");
            value.chars().for_each(|letter| plain(letter, &mut self.fields));
        }
    }
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() != "message" && value.contains([' ', '"']) {
            self.add(field.name(), &format!("{value:?}"));
        } else {
            self.add(field.name(), value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field.name(), &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_envoys_shape() {
        let noon = jiff::civil::date(2026, 11, 20).at(12, 0, 0, 42_100_000);
        let time = noon.to_zoned(jiff::tz::TimeZone::UTC).unwrap();
        let mut text = Text::default();
        text.add("message", "accepted");
        text.add("peer", "192.0.2.1:5");
        let plain = line(&time, Level::Info, "listener", &text, false);
        assert_eq!(plain, "[2026-11-20 12:00:00.042][info][listener] accepted peer=192.0.2.1:5\n");
        let coloured = line(&time, Level::Warning, "tls", &text, true);
        assert!(coloured.contains("[\u{1b}[33mwarning\u{1b}[0m][tls]"), "{coloured}");
    }

    #[test]
    fn what_a_peer_sends_stays_on_its_line() {
        let mut text = Text::default();
        text.add("message", "bad name");
        text.add("name", "a\n[2026-11-20 12:00:00.000][info][admin] all is well\u{1b}[2J");
        assert_eq!(text.fields, " name=a\\n[2026-11-20 12:00:00.000][info][admin] all is well\\u{1b}[2J");
    }
}
