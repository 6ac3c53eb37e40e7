//! What hosts have announced by `alt-svc` (RFC 7838): where HTTP/3 is spoken beside TCP. Envoy's
//! `alternate_protocols_cache_options`.
//!
//! All workers share it. The pool asks it before every request, without a lock: what is known is replaced as a whole when an
//! origin announces something else, which is rare. An alternative is taken on the same host only, at any port; those on other
//! hosts, and drafts of HTTP/3, are passed over. Whether it works is its `health`.

mod health;
mod options;
mod origin;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use http::header::ALT_SVC;
use http::{HeaderMap, HeaderValue};

use self::options::Options;
use crate::http::{AltSvc, Alternative};

pub use self::health::{Health, Trust};
pub(super) use self::options::Caches;
pub use self::origin::Origin;

/// What is known of alternatives.
pub struct Alternatives {
    options: Options,
    known: ArcSwap<Known>,
    began: Instant,
}

/// All that is known at one moment.
#[derive(Clone, Default)]
struct Known {
    origins: HashMap<Origin, Arc<Announced>>,
    /// By suffix and port: the origin that was the last to announce something for all of the suffix.
    shared: HashMap<(Arc<str>, u16), Origin>,
    /// The number of the next that is added.
    next: u64,
}

/// That an origin is served by HTTP/3, too.
#[derive(Debug)]
pub struct Announced {
    /// The field as it came, where it is one line.
    said: Box<[u8]>,
    /// The port of UDP.
    pub port: u16,
    /// Whether it works.
    pub health: Arc<Health>,
    max_age: Duration,
    /// Milliseconds since the cache began.
    expires: AtomicU64,
    /// Its turn to leave.
    number: u64,
}

/// What is to be remembered of an origin: the field as it came, the port of UDP, and for how long.
struct Offer<'a> {
    said: &'a [u8],
    port: u16,
    max_age: Duration,
}

impl Alternatives {
    fn new(options: Options, now: Instant) -> Self {
        let known = ArcSwap::from_pointee(Known::default());
        let alternatives = Self { options, known, began: now };
        for origin in &alternatives.options.prepopulated {
            alternatives.add(origin, &Offer { said: &[], port: origin.port(), max_age: PREPOPULATED }, now);
        }
        alternatives
    }

    /// What is known of an origin: its own announcement, or that of another under the same suffix.
    #[must_use]
    pub fn find(&self, origin: &Origin, now: Instant) -> Option<Arc<Announced>> {
        let known = self.known.load();
        let announced = known.origins.get(origin).or_else(|| {
            let suffix = self.options.suffix(origin)?;
            known.origins.get(known.shared.get(&(Arc::clone(suffix), origin.port()))?)
        })?;
        (self.millis(now) < announced.expires.load(Ordering::Relaxed)).then(|| Arc::clone(announced))
    }

    /// Takes note of what a response of the origin says.
    pub fn learn(&self, origin: &Origin, fields: &HeaderMap, now: Instant) {
        let mut lines = fields.get_all(ALT_SVC).iter();
        let Some(first) = lines.next() else { return };
        // What takes more than one line is read each time.
        let said = if lines.next().is_none() { first.as_bytes() } else { &[] };
        if !said.is_empty()
            && let Some(announced) = self.known.load().origins.get(origin)
            && *announced.said == *said
        {
            return announced.lasts_until(self.millis(now + announced.max_age));
        }
        let lines = fields.get_all(ALT_SVC);
        if lines.iter().map(HeaderValue::len).sum::<usize>() > MAX_SAID {
            return;
        }
        // RFC 7838 §3: what is said now takes the place of all that was said before.
        match AltSvc::of_lines(lines.iter().filter_map(|line| line.to_str().ok())) {
            None | Some(AltSvc::Malformed(_)) => {}
            Some(AltSvc::Clear) => self.forget(origin),
            Some(AltSvc::Alternatives(list)) => match list.iter().find(|alternative| is_usable(alternative, origin)) {
                None => self.forget(origin),
                Some(chosen) => {
                    let max_age = Duration::from_secs(chosen.max_age_s).min(MAX_AGE);
                    self.add(origin, &Offer { said, port: chosen.port, max_age }, now);
                }
            },
        }
    }

    /// The origin is served by TCP only, for all that is known.
    fn forget(&self, origin: &Origin) {
        if !self.known.load().origins.contains_key(origin) {
            return;
        }
        self.known.rcu(|known| {
            let mut known = Known::clone(known);
            known.origins.remove(origin);
            known.shared.retain(|_, other| other != origin);
            known
        });
    }

    /// What was asked for the origin over HTTP/3 is not served there, whoever has announced it (RFC 7838 §6).
    pub fn misdirected(&self, origin: &Origin) {
        let known = self.known.load();
        let shared = || known.shared.get(&(Arc::clone(self.options.suffix(origin)?), origin.port()));
        let whose = if known.origins.contains_key(origin) { Some(origin) } else { shared() };
        if let Some(whose) = whose {
            self.forget(whose);
        }
    }

    fn add(&self, origin: &Origin, offer: &Offer<'_>, now: Instant) {
        let Offer { said, port, max_age } = *offer;
        let suffix = self.options.suffix(origin);
        let expires = self.millis(now + max_age);
        self.known.rcu(|known| {
            let mut known = Known::clone(known);
            let before = known.origins.remove(origin).filter(|before| before.port == port);
            while known.origins.len() >= self.options.max_entries {
                let oldest = known.origins.iter().min_by_key(|(_, announced)| announced.number);
                let Some(oldest) = oldest.map(|(origin, _)| origin.clone()) else { break };
                known.origins.remove(&oldest);
                known.shared.retain(|_, other| *other != oldest);
            }
            // Who says it again has not made it work.
            let health = before.map_or_else(|| Arc::new(Health::new(now)), |before| Arc::clone(&before.health));
            let announced = Announced {
                said: said.into(),
                port,
                health,
                max_age,
                expires: AtomicU64::new(expires),
                number: known.next,
            };
            known.next += 1;
            known.origins.insert(origin.clone(), Arc::new(announced));
            if let Some(suffix) = suffix {
                known.shared.insert((Arc::clone(suffix), origin.port()), origin.clone());
            }
            known
        });
    }

    fn millis(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.began).as_millis()).unwrap_or(u64::MAX)
    }
}

impl Announced {
    /// It was said once more. Who hears it all the time need not note it each time.
    fn lasts_until(&self, expires: u64) {
        if expires.abs_diff(self.expires.load(Ordering::Relaxed)) >= NOTED_AGAIN {
            self.expires.store(expires, Ordering::Relaxed);
        }
    }
}

/// What was configured, and for which origins something is known.
impl fmt::Debug for Alternatives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.known.load();
        let mut origins: Vec<_> = known.origins.iter().map(|(origin, announced)| (origin, announced.port)).collect();
        origins.sort_unstable();
        f.debug_struct("Alternatives")
            .field("options", &self.options)
            .field("origins", &origins)
            .finish_non_exhaustive()
    }
}

/// RFC 9114 §3.1.1: `h3` is HTTP/3. What is on another host would have to prove that it stands for this one, and is not asked.
fn is_usable(alternative: &Alternative, origin: &Origin) -> bool {
    let same_host = alternative.host.as_deref().is_none_or(|host| origin.is_on(host));
    alternative.protocol == "h3" && same_host && alternative.port != 0 && alternative.max_age_s > 0
}

/// Envoy's lifetime of `prepopulated_entries`.
const PREPOPULATED: Duration = Duration::from_secs(7 * 86_400);

/// No announcement is believed for longer.
const MAX_AGE: Duration = Duration::from_secs(30 * 86_400);

/// Bytes that an announcement may have.
const MAX_SAID: usize = 4096;

/// Milliseconds by which an announcement must last longer to be noted once more.
const NOTED_AGAIN: u64 = 1000;

#[cfg(test)]
mod tests;
