//! Levels of the log, one for each component, changed while the process runs.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use tracing::level_filters::LevelFilter;

/// From which severity on lines are written, in Envoy's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Everything.
    Trace,
    /// What helps to find a fault.
    Debug,
    /// What is worth knowing.
    #[default]
    Info,
    /// What may need attention.
    Warning,
    /// What went wrong.
    Error,
    /// What ends the process. No event has this severity, so it silences like [`Level::Off`].
    Critical,
    /// Nothing.
    Off,
}

/// The level of every component. Clones are the same levels.
#[derive(Clone, Debug)]
pub struct Levels(Arc<[AtomicU8; COMPONENTS.len()]>);

/// A level or a component that does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LevelError {
    /// No level is called so.
    UnknownLevel(String),
    /// No component is called so.
    UnknownComponent(String),
    /// Not of the form `name:level`.
    NotAPair(String),
}

// === impl Level ===

impl Level {
    /// Every level, from the loudest to silence.
    pub const ALL: [Self; 7] =
        [Self::Trace, Self::Debug, Self::Info, Self::Warning, Self::Error, Self::Critical, Self::Off];

    /// Envoy's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
            Self::Off => "off",
        }
    }

    /// The letter that stands for it in a short line.
    pub(super) fn letter(self) -> char {
        match self {
            Self::Trace => 'T',
            Self::Debug => 'D',
            Self::Info => 'I',
            Self::Warning => 'W',
            Self::Error => 'E',
            Self::Critical => 'C',
            Self::Off => 'O',
        }
    }

    /// The severity of an event.
    pub(super) fn of(level: tracing::Level) -> Self {
        match level {
            tracing::Level::TRACE => Self::Trace,
            tracing::Level::DEBUG => Self::Debug,
            tracing::Level::INFO => Self::Info,
            tracing::Level::WARN => Self::Warning,
            tracing::Level::ERROR => Self::Error,
        }
    }

    fn filter(self) -> LevelFilter {
        match self {
            Self::Trace => LevelFilter::TRACE,
            Self::Debug => LevelFilter::DEBUG,
            Self::Info => LevelFilter::INFO,
            Self::Warning => LevelFilter::WARN,
            Self::Error => LevelFilter::ERROR,
            Self::Critical | Self::Off => LevelFilter::OFF,
        }
    }
}

impl FromStr for Level {
    type Err = LevelError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let wanted = if name == "warn" { "warning" } else { name };
        let found = Self::ALL.into_iter().find(|level| level.name() == wanted);
        found.ok_or_else(|| LevelError::UnknownLevel(name.to_owned()))
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

// === impl Levels ===

impl Levels {
    /// Every component at `level`.
    #[must_use]
    pub fn new(level: Level) -> Self {
        Self(Arc::new(std::array::from_fn(|_| AtomicU8::new(level as u8))))
    }

    /// Sets every component to `level`.
    pub fn set_all(&self, level: Level) {
        self.0.iter().for_each(|own| own.store(level as u8, Relaxed));
        tracing::callsite::rebuild_interest_cache();
    }

    /// Sets the component `name`, or those that do what Envoy's component of that name does, to `level`.
    ///
    /// # Errors
    /// [`LevelError::UnknownComponent`], with nothing changed.
    pub fn set(&self, name: &str, level: Level) -> Result<(), LevelError> {
        let alias = |component: &str| ENVOYS.iter().any(|(envoys, ours)| *envoys == name && *ours == component);
        let mut known = false;
        for (component, own) in COMPONENTS.iter().zip(&*self.0) {
            if *component == name || alias(component) {
                own.store(level as u8, Relaxed);
                known = true;
            }
        }
        if !known {
            return Err(LevelError::UnknownComponent(name.to_owned()));
        }
        tracing::callsite::rebuild_interest_cache();
        Ok(())
    }

    /// Every component and its level, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Level)> {
        COMPONENTS.iter().zip(&*self.0).map(|(component, own)| (*component, level(own)))
    }

    /// Whether an event of `severity` from `target` is written.
    pub(super) fn allow(&self, target: &str, severity: tracing::Level) -> bool {
        let component = component(target);
        let own = COMPONENTS.iter().zip(&*self.0).find(|(name, _)| **name == component);
        own.is_some_and(|(_, own)| Level::of(severity) >= level(own))
    }

    /// The loudest level of any component.
    pub(super) fn loudest(&self) -> LevelFilter {
        self.0.iter().map(level).min().unwrap_or(Level::Off).filter()
    }
}

// === impl LevelError ===

impl fmt::Display for LevelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownLevel(name) => {
                write!(f, "no log level is called '{name}'; there are {}", Level::ALL.map(Level::name).join(", "))
            }
            Self::UnknownComponent(name) => {
                write!(f, "no log component is called '{name}'; there are {}", COMPONENTS.join(", "))
            }
            Self::NotAPair(text) => write!(f, "'{text}' is not of the form component:level"),
        }
    }
}

impl std::error::Error for LevelError {}

/// Reads `--component-log-level`: `upstream:debug,quic:trace`.
///
/// # Errors
/// [`LevelError::NotAPair`] or [`LevelError::UnknownLevel`]; whether a component exists is said when it is set.
pub fn components(list: &str) -> Result<Vec<(String, Level)>, LevelError> {
    let pair = |pair: &str| {
        let (name, level) = pair.split_once(':').ok_or_else(|| LevelError::NotAPair(pair.to_owned()))?;
        Ok((name.trim().to_owned(), level.trim().parse()?))
    };
    list.split(',').filter(|pair| !pair.trim().is_empty()).map(pair).collect()
}

/// The component of a target: the module under the crate's root; of what is not this crate's, [`MISC`].
pub(super) fn component(target: &str) -> &'static str {
    let module = target.strip_prefix(concat!(env!("CARGO_PKG_NAME"), "::")).and_then(|path| path.split("::").next());
    COMPONENTS.iter().copied().find(|component| Some(*component) == module).unwrap_or(MISC)
}

fn level(own: &AtomicU8) -> Level {
    Level::ALL.get(usize::from(own.load(Relaxed))).copied().unwrap_or(Level::Off)
}

/// The component of the crates this one is built on.
const MISC: &str = "misc";

/// The components: the floors of this crate, and the rest.
const COMPONENTS: [&str; 18] = [
    "admin", "codec", "config", "drain", "filter", "hcm", "http", "listener", MISC, "net", "observe", "probe", "quic",
    "router", "server", "tls", "upstream", "xds",
];

/// Components of Envoy, and where here that work is done.
const ENVOYS: &[(&str, &str)] = &[
    ("http", "hcm"),
    ("http2", "codec"),
    ("http3", "codec"),
    ("client", "codec"),
    ("quic_stream", "quic"),
    ("connection", "net"),
    ("conn_handler", "listener"),
    ("pool", "upstream"),
    ("hc", "upstream"),
    ("dns", "upstream"),
    ("main", "server"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_read_by_envoys_name() {
        assert!(Level::ALL.into_iter().all(|level| level.name().parse() == Ok(level)));
        assert_eq!("warn".parse(), Ok(Level::Warning));
        assert!("loud".parse::<Level>().is_err());
    }

    #[test]
    fn a_component_is_the_module_under_the_root() {
        assert_eq!(component("quicgate::listener::tcp"), "listener");
        assert_eq!(component("quicgate::quic"), "quic");
        assert_eq!(component("quicgate"), MISC);
        assert_eq!(component("h2::codec"), MISC);
        assert_eq!(component("quicgates::quic"), MISC);
    }

    #[test]
    fn a_level_is_set_for_one_component() {
        let levels = Levels::new(Level::Warning);
        levels.set("quic", Level::Trace).unwrap();
        assert!(levels.allow("quicgate::quic::endpoint", tracing::Level::TRACE));
        assert!(!levels.allow("quicgate::tls", tracing::Level::INFO));
        assert!(levels.allow("quicgate::tls", tracing::Level::WARN));
        assert_eq!(levels.loudest(), LevelFilter::TRACE);
        levels.set_all(Level::Off);
        assert!(!levels.allow("quicgate::quic", tracing::Level::ERROR));
        assert_eq!(levels.loudest(), LevelFilter::OFF);
    }

    #[test]
    fn a_component_of_envoys_is_what_does_its_work_here() {
        let levels = Levels::new(Level::Info);
        levels.set("http", Level::Debug).unwrap();
        let louder: Vec<_> = levels.iter().filter(|(_, level)| *level == Level::Debug).map(|(name, _)| name).collect();
        assert_eq!(louder, ["hcm", "http"]);
        assert!(ENVOYS.iter().all(|(_, ours)| COMPONENTS.contains(ours)));
        assert!(COMPONENTS.is_sorted());
    }

    #[test]
    fn errors_name_what_there_is() {
        let levels = Levels::new(Level::Info);
        insta::assert_snapshot!(levels.set("upsteam", Level::Debug).unwrap_err(), @"no log component is called 'upsteam'; there are admin, codec, config, drain, filter, hcm, http, listener, misc, net, observe, probe, quic, router, server, tls, upstream, xds");
        insta::assert_snapshot!(components("quic:loud").unwrap_err(), @"no log level is called 'loud'; there are trace, debug, info, warning, error, critical, off");
        insta::assert_snapshot!(components("quic").unwrap_err(), @"'quic' is not of the form component:level");
        assert_eq!(
            components("upstream:debug, quic:warn,").unwrap(),
            [("upstream".to_owned(), Level::Debug), ("quic".to_owned(), Level::Warning)]
        );
    }
}
