//! How an event becomes a line: `[2026-11-20 12:00:00.000][info][listener] message key=value`, or as [`Pattern`] says.

use std::sync::Arc;
use std::time::Instant;

use jiff::Zoned;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::level::Levels;
use super::pattern::{Entry, Pattern};
use super::{Limited, Output};

/// Writes the events that the levels let pass.
#[derive(Debug)]
pub(super) struct Lines {
    levels: Levels,
    output: Arc<Output>,
    pattern: Pattern,
    /// What libraries say of their peers: they know no limit of their own.
    foreign: Limited,
}

// === impl Lines ===

impl Lines {
    pub(super) fn new(levels: Levels, output: Arc<Output>, pattern: Pattern) -> Self {
        Self { levels, output, pattern, foreign: Limited::default() }
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
        let (time, colours) = (Zoned::now(), self.output.colours);
        self.output.write(&self.pattern.line(&Entry { event, time: &time, suppressed, colours }));
    }
}
