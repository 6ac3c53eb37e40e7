//! A secret as it is now, and how it is read again.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

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
        if tried.places.are_unwatched() { Places::default() } else { tried.places.clone() }
    }

    fn begin(&self) {
        if let Origin::Delivered(_, stats) = &self.origin {
            stats.in_use();
        }
    }

    fn renew(&self, asked: bool) {
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        if tried.places.are_unwatched() && !asked {
            return;
        }
        let stamp = tried.places.stamp();
        if stamp == tried.stamp {
            return;
        }
        match &self.origin {
            Origin::Fixed => {}
            Origin::Written(written) => {
                tried.stamp = stamp;
                let report = Report::new(M::FIELD);
                let read = M::load(written, report.at()).map_err(|_| report.lines(Severity::Error));
                self.take(read, &report.lines(Severity::Warning), M::NAME);
            }
            Origin::Delivered(delivery, stats) => {
                let before = std::mem::take(&mut *tried);
                let (read, now) = at_rest::<M>(delivery, before.places.clone());
                stats.read(read.secret.is_ok(), before.own != now.own);
                if read.secret.is_ok() {
                    stats.in_use();
                }
                self.take(read.secret, &read.warnings, &format!("the secret `{}`", delivery.name()));
                *tried = now;
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
            return (read, Tried { places, stamp, own });
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
