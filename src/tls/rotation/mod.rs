//! What changes of TLS contexts while the process runs: certificates, staples, authorities, revocation lists and ticket keys in
//! files.
//!
//! A [`Source`] is one of them as it is now, and knows how to read it again; a context ([`super::live`]) is made anew when one of
//! its sources is another. [`Rotation`] holds all of both. It waits on a thread of its own for something to happen to the files
//! that are watched, or for somebody to ask ([`Reread`]), and reads them there: handshakes go on meanwhile with what was good
//! last, and take up what is new by one load of a pointer. What cannot be read, or does not belong together, is told and left; it is tried again when something
//! changes.

mod delivered;
mod material;
mod source;
mod stats;

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::{io, thread};

use crate::files::{Bell, Places, Watcher};

pub(super) use delivered::Delivery;
pub(super) use material::Material;
pub(super) use source::Source;
pub(super) use stats::{ContextStats, SecretStats};

/// Everything that may change.
#[derive(Debug, Default)]
pub struct Rotation {
    sources: Vec<Arc<dyn Renewable>>,
    contexts: Vec<Arc<dyn Context>>,
}

/// Something that is read from files, and may be read again.
pub(super) trait Renewable: Debug + Send + Sync {
    /// Where its changes are noticed.
    fn places(&self) -> Places;

    /// The process uses it from now on.
    fn begin(&self) {}

    /// Reads it again if its files have changed; those that are not watched only where somebody has asked.
    fn renew(&self, asked: bool);
}

/// Something that is made of sources.
pub(super) trait Context: Debug + Send + Sync {
    /// Makes it anew if one of its sources is another.
    fn refresh(&self);
}

impl Rotation {
    pub(super) fn source(&mut self, source: Arc<dyn Renewable>) {
        self.sources.push(source);
    }

    pub(super) fn context(&mut self, context: Arc<dyn Context>) {
        self.contexts.push(context);
    }

    /// Takes up what changes, for ever, on a thread of its own. Nothing is done where nothing can change.
    ///
    /// # Errors
    /// What the system says where there is no thread to be had.
    pub fn start(self) -> io::Result<Reread> {
        for source in &self.sources {
            source.begin();
        }
        let bell = Arc::new(Bell::new()?);
        if !self.sources.is_empty() {
            let rung = Arc::clone(&bell);
            thread::Builder::new().name("rotation".to_owned()).spawn(move || self.run(&rung))?;
        }
        Ok(Reread(bell))
    }

    fn run(&self, bell: &Bell) {
        let mut told = Vec::new();
        loop {
            let places = self.places();
            let watcher = Watcher::new(&places);
            tell(&watcher, &mut told);
            // What happened before the watch began is found now.
            let asked = bell.take();
            if catch_unwind(AssertUnwindSafe(|| self.renew(asked))).is_err() {
                tracing::error!("certificates could not be read again: the last good ones stay");
            }
            if self.places() == places {
                watcher.changed(bell);
            }
        }
    }

    fn places(&self) -> Places {
        let mut all = Places::default();
        for source in &self.sources {
            all.add(&source.places());
        }
        all
    }

    fn renew(&self, asked: bool) {
        for source in &self.sources {
            source.renew(asked);
        }
        for context in &self.contexts {
            context.refresh();
        }
    }
}

/// Has everything that came from files read again where the files have changed, watched or not.
#[derive(Debug)]
pub struct Reread(Arc<Bell>);

impl Reread {
    /// Asks for it; it is done a moment later.
    pub fn ask(&self) {
        self.0.ring();
    }
}

/// Tells once of each directory that cannot be watched.
fn tell(watcher: &Watcher, told: &mut Vec<PathBuf>) {
    for (directory, error) in watcher.unwatched() {
        if !told.contains(directory) {
            let directory = directory.display();
            tracing::warn!(%directory, %error, "cannot be watched for changes: it is looked at every few seconds");
        }
    }
    *told = watcher.unwatched().iter().map(|(directory, _)| directory.clone()).collect();
}
