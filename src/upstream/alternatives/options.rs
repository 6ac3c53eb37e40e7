//! `alternate_protocols_cache_options` as they run.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::{Alternatives, Origin};
use crate::config::proto::envoy::config::core::v3::AlternateProtocolsCacheOptions;
use crate::config::{At, Invalid};

/// What a cache was configured with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Options {
    name: Arc<str>,
    /// Origins of which something is known.
    pub(super) max_entries: usize,
    /// Names that end with one of them share what each announces.
    suffixes: Vec<Arc<str>>,
    pub(super) prepopulated: Vec<Origin>,
}

/// All caches, while clusters are built: clusters that name the same one share it.
#[derive(Default)]
pub(in crate::upstream) struct Caches(RefCell<HashMap<Arc<str>, Arc<Alternatives>>>);

impl Caches {
    /// The cache of these options.
    ///
    /// # Errors
    /// [`Invalid`] where they cannot be had, or another cluster has others under the same name.
    pub(in crate::upstream) fn cache(
        &self,
        written: &AlternateProtocolsCacheOptions,
        at: At<'_>,
    ) -> Result<Arc<Alternatives>, Invalid> {
        let options = Options::build(written, at)?;
        let mut caches = self.0.borrow_mut();
        match caches.get(&options.name) {
            Some(cache) if cache.options == options => Ok(Arc::clone(cache)),
            Some(_) => {
                let hint = "give it a name of its own, or write the same options in both clusters";
                Err(at.field("name").error_with_hint(
                    format_args!("another cluster has a cache named `{}` with other options", options.name),
                    hint,
                ))
            }
            None => {
                let name = Arc::clone(&options.name);
                let cache = Arc::new(Alternatives::new(options, Instant::now()));
                caches.insert(name, Arc::clone(&cache));
                Ok(cache)
            }
        }
    }
}

impl Options {
    fn build(written: &AlternateProtocolsCacheOptions, at: At<'_>) -> Result<Self, Invalid> {
        let suffixes = at.each("canonical_suffixes", &written.canonical_suffixes, |at, suffix| {
            if suffix.starts_with('.') {
                return Ok(Arc::from(suffix.to_ascii_lowercase()));
            }
            let hint = format!("did you mean `.{suffix}`?");
            Err(at.error_with_hint("has to begin with a dot: other names may end in the same letters", hint))
        });
        let prepopulated = at.each("prepopulated_entries", &written.prepopulated_entries, |at, entry| {
            if entry.hostname.is_empty() {
                return Err(at.error("needs a `hostname`: the name that connections to the cluster ask for"));
            }
            let port = u16::try_from(entry.port).map_err(|_| at.field("port").error("is no port"))?;
            Ok(Origin::written(&entry.hostname, port))
        });
        Ok(Self {
            name: Arc::from(written.name.as_str()),
            max_entries: written.max_entries.map_or(MAX_ENTRIES, |max| max as usize),
            suffixes: suffixes?,
            prepopulated: prepopulated?,
        })
    }

    /// The first suffix that the name of an origin ends with.
    pub(super) fn suffix(&self, origin: &Origin) -> Option<&Arc<str>> {
        let name = origin.name()?;
        self.suffixes.iter().find(|suffix| name.ends_with(&***suffix))
    }

    #[cfg(test)]
    pub(super) fn of(max_entries: usize, suffixes: &[&str], prepopulated: Vec<Origin>) -> Self {
        let suffixes = suffixes.iter().map(|suffix| Arc::from(*suffix)).collect();
        Self { name: Arc::from("test"), max_entries, suffixes, prepopulated }
    }
}

/// Envoy's default `max_entries`.
const MAX_ENTRIES: usize = 1024;
