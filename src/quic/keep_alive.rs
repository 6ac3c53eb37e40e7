//! Keeping connections alive on which a response is awaited: Envoy's `connection_keepalive`.
//!
//! The settings stand here; `codec::h3` asks for a sign of life by them, while a request is open. As in Envoy, a listener does
//! that only where it has an `initial_interval`.

use std::time::Duration;

use super::written::Written;
use crate::config::duration;

/// After how much time the peer is asked for a sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    /// The first time.
    pub first: Duration,
    /// Each time twice as late as the time before, and no later than this.
    pub most: Duration,
}

impl KeepAlive {
    /// What comes after `before`.
    #[must_use]
    pub fn after(self, before: Duration) -> Duration {
        before.saturating_mul(2).min(self.most)
    }
}

/// Reads the settings; `None` where nobody is asked.
pub(super) fn keep_alive(written: &Written<'_>) -> Option<KeepAlive> {
    let settings = written.options().and_then(|options| options.connection_keepalive.as_ref());
    let default = if written.is_of_cluster() { PROBE } else { ENVOYS };
    let most = settings.and_then(|settings| settings.max_interval.as_ref()).map_or(default, duration);
    let first = settings.and_then(|settings| settings.initial_interval.as_ref()).map(duration);
    let first = first.filter(|first| !first.is_zero());
    if first.is_none() && settings.is_some() && !written.is_of_cluster() {
        let at = written.options_at();
        at.field("connection_keepalive").no_effect(
            "a listener asks its clients for signs of life only where `initial_interval` is set, as in Envoy",
        );
    }
    let wanted = (written.is_of_cluster() || first.is_some()) && !most.is_zero();
    wanted.then(|| KeepAlive { first: first.unwrap_or(most).min(most), most })
}

/// Envoy's default `max_interval`, where a listener has only an `initial_interval`.
const ENVOYS: Duration = Duration::from_secs(15);

/// The same for clusters. Servers close what is idle for 10 s and more, and one that has gone without a word is found the sooner.
const PROBE: Duration = Duration::from_secs(5);
