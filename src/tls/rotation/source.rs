//! A secret as it is now, and how it is read again.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;

use super::Renewable;
use super::delivered::{Delivered, Delivery};
use super::material::Material;
use super::stats::SecretStats;
use crate::config::{At, Invalid, Report, Severity};
use crate::files::{Places, Stamp};

/// A certificate, or keys for tickets, as it is now.
pub(in crate::tls) struct Source<M: Material> {
    origin: Origin<M::Written>,
    now: ArcSwap<M>,
    tried: Mutex<Tried>,
    refused: AtomicU64,
}

/// Where it comes from.
enum Origin<W> {
    /// The configuration, which names no files.
    Fixed,
    /// The configuration, which names files.
    Written(W),
    /// A file that holds a secret, which may name files.
    Delivered(Delivery, SecretStats),
}

/// What was read last, be it good or not.
#[derive(Debug, Default)]
struct Tried {
    places: Places,
    stamp: Stamp,
    /// Of the file that holds the secret.
    own: Stamp,
    /// It was no good.
    failed: bool,
    /// Something was there that could not be opened: whoever has no descriptor left has one again later.
    unread: bool,
}

impl<M: Material> Source<M> {
    /// What the configuration describes.
    pub(in crate::tls) fn written(written: &M::Written, at: At<'_>) -> Result<Arc<Self>, Invalid> {
        let places = M::places(written, false);
        if places.are_none() {
            return M::load(written, at).map(|now| Self::new(Origin::Fixed, now, Tried::default()));
        }
        // Before it is read, so that what is written meanwhile makes a difference.
        let stamp = places.stamp();
        let now = M::load(written, at)?;
        Ok(Self::new(Origin::Written(written.clone()), now, Tried { places, stamp, ..Tried::default() }))
    }

    /// What is delivered; `at` is where that is said.
    pub(in crate::tls) fn delivered(delivery: &Delivery, stats: SecretStats, at: At<'_>) -> Result<Arc<Self>, Invalid> {
        let (read, tried) = at_rest::<M>(delivery, delivery.places());
        for warning in &read.warnings {
            at.lint(warning);
        }
        stats.read(read.secret.is_ok(), true);
        let now = read.secret.map_err(|faults| {
            at.error(format_args!("the secret `{}` cannot be used: {}", delivery.name(), faults.join("; ")))
        })?;
        Ok(Self::new(Origin::Delivered(delivery.clone(), stats), now, tried))
    }

    fn new(origin: Origin<M::Written>, now: M, tried: Tried) -> Arc<Self> {
        let (now, tried) = (ArcSwap::from_pointee(now), Mutex::new(tried));
        Arc::new(Self { origin, now, tried, refused: AtomicU64::new(0) })
    }

    /// As it is now.
    pub(in crate::tls) fn now(&self) -> Arc<M> {
        self.now.load_full()
    }

    /// Whether it may be another some time.
    pub(in crate::tls) fn changes(&self) -> bool {
        !matches!(self.origin, Origin::Fixed)
    }

    /// How often what was read was refused.
    pub(in crate::tls) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    fn take(&self, read: Result<M, Vec<String>>, warnings: &[String], what: &str) {
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        match read {
            Ok(now) => {
                self.now.store(Arc::new(now));
                tracing::info!("{what} was read again");
            }
            Err(faults) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                let reason = faults.join("; ");
                tracing::warn!(reason, "{what} is not taken into use, the last good one stays");
            }
        }
    }
}

impl<M: Material> Renewable for Source<M> {
    fn places(&self) -> Places {
        let tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        let mut places = if tried.places.are_unwatched() { Places::default() } else { tried.places.clone() };
        if tried.unread {
            places.every(AGAIN);
        }
        places
    }

    fn begin(&self) {
        if let Origin::Delivered(_, stats) = &self.origin {
            stats.in_use();
        }
    }

    fn renew(&self, asked: bool) {
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        let again = tried.unread || asked && tried.failed;
        if tried.places.are_unwatched() && !asked && !again {
            return;
        }
        let stamp = tried.places.stamp();
        if stamp == tried.stamp && !again {
            return;
        }
        match &self.origin {
            Origin::Fixed => {}
            Origin::Written(written) => {
                tried.stamp = stamp;
                let report = Report::new(M::FIELD);
                let read = M::load(written, report.at()).map_err(|_| report.lines(Severity::Error));
                tried.failed = read.is_err();
                tried.unread = tried.failed && tried.places.are_shut();
                self.take(read, &report.lines(Severity::Warning), M::NAME);
            }
            Origin::Delivered(delivery, stats) => {
                let before = std::mem::take(&mut *tried);
                let (read, now) = at_rest::<M>(delivery, before.places.clone());
                stats.read(read.secret.is_ok(), before.own != now.own);
                if read.secret.is_ok() {
                    stats.in_use();
                }
                let failed = read.secret.is_err();
                self.take(read.secret, &read.warnings, &format!("the secret `{}`", delivery.name()));
                *tried = Tried { failed, unread: failed && now.places.are_shut(), ..now };
            }
        }
    }
}

/// Reads a secret, and what its files were then: which they are is known only when it has been read.
fn at_rest<M: Material>(delivery: &Delivery, mut places: Places) -> (Delivered<M>, Tried) {
    let own = delivery.places().stamp();
    let mut tries = 0;
    loop {
        let stamp = places.stamp();
        let read = delivery.read::<M>();
        tries += 1;
        if read.places == places {
            return (read, Tried { places, stamp, own, ..Tried::default() });
        }
        places = read.places.clone();
        if tries == TRIES {
            // One that is another each time is read again as soon as it is watched.
            return (read, Tried { places, own, ..Tried::default() });
        }
    }
}

impl<M: Material> fmt::Debug for Source<M> {
    /// Without what the configuration says, which may be a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let delivery = match &self.origin {
            Origin::Delivered(delivery, _) => Some(delivery),
            Origin::Fixed | Origin::Written(_) => None,
        };
        let (now, places) = (self.now(), self.places());
        f.debug_struct("Source")
            .field("now", &now)
            .field("delivery", &delivery)
            .field("places", &places)
            .finish_non_exhaustive()
    }
}

const TRIES: u32 = 3;

/// How soon what could not be opened is tried again.
const AGAIN: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::config::proto::envoy::config::core::v3::{DataSource, WatchedDirectory, data_source::Specifier};
    use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::{GenericSecret, secret::Type};

    /// What can be read as long as nothing keeps it from that.
    #[derive(Debug)]
    struct Readable;

    static SHUT: AtomicBool = AtomicBool::new(false);

    impl Material for Readable {
        type Written = GenericSecret;
        const FIELD: &'static str = "generic_secret";
        const NAME: &'static str = "a secret";

        fn of(_: &Type) -> Option<&GenericSecret> {
            None
        }

        fn load(_: &GenericSecret, at: At<'_>) -> Result<Self, Invalid> {
            if SHUT.load(Ordering::Relaxed) { Err(at.error("cannot be read")) } else { Ok(Self) }
        }

        fn files(written: &GenericSecret) -> (Vec<&DataSource>, Option<&WatchedDirectory>) {
            (written.secret.iter().collect(), None)
        }
    }

    #[test]
    fn what_could_not_be_read_is_tried_again_where_that_is_asked_for() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().display().to_string();
        let secret = DataSource { specifier: Some(Specifier::Filename(path)), ..DataSource::default() };
        let written = GenericSecret { secret: Some(secret), ..GenericSecret::default() };
        let report = Report::new("test");
        let source = Source::<Readable>::written(&written, report.at()).unwrap();
        let first = source.now();
        let renewed = |asked| {
            let before = source.now();
            source.renew(asked);
            !Arc::ptr_eq(&before, &source.now())
        };
        assert!(!renewed(true), "it is the same file");
        SHUT.store(true, Ordering::Relaxed);
        std::fs::write(file.path(), "other").unwrap();
        assert!(!renewed(true));
        assert!(Arc::ptr_eq(&first, &source.now()) && source.refused() == 1);
        SHUT.store(false, Ordering::Relaxed);
        assert!(!renewed(false), "nothing watches it");
        assert!(renewed(true), "the file is as it was, and can be read now");
        assert!(!renewed(true));
    }
}
