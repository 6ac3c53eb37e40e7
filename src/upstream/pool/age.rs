//! When a connection to an upstream has served for long enough: Envoy's `common_http_protocol_options` of a cluster.
//!
//! One timer a connection, set to the earliest instant that could matter and looked at again when it fires; nothing is
//! re-armed while requests flow.

use std::time::Instant;

use crate::codec::Activity;
use crate::upstream::{ClusterStats, Limits};

/// Why a connection takes no more requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// It had no exchange for `idle_timeout`.
    Idle,
    /// It is older than `max_connection_duration`.
    Old,
}

impl Over {
    /// Counts one.
    pub(super) fn count(self, stats: &ClusterStats) {
        match self {
            Self::Idle => stats.cx_idle_timeout.inc(),
            Self::Old => stats.cx_max_duration_reached.inc(),
        }
    }
}

/// Resolves when a connection with these exchanges has served for long enough. Cancel-safe.
pub(super) async fn over(limits: &Limits, activity: &Activity) -> Over {
    loop {
        let now = Instant::now();
        if let Some(over) = due(limits, activity, now) {
            return over;
        }
        match next_look(limits, activity, now) {
            Some(at) => tokio::time::sleep_until(at.into()).await,
            None => std::future::pending().await,
        }
    }
}

/// Whether it has taken as many requests as it may.
pub(super) fn is_used_up(limits: &Limits, activity: &Activity) -> bool {
    limits.max_requests_per_connection.is_some_and(|max| activity.served() >= max)
}

fn due(limits: &Limits, activity: &Activity, now: Instant) -> Option<Over> {
    if limits.max_connection_duration.is_some_and(|max| now >= activity.born() + max) {
        return Some(Over::Old);
    }
    let (timeout, since) = (limits.idle_timeout?, activity.idle_since()?);
    (now >= since + timeout).then_some(Over::Idle)
}

/// The earliest instant at which `due` could say something new.
fn next_look(limits: &Limits, activity: &Activity, now: Instant) -> Option<Instant> {
    let idle = limits.idle_timeout.map(|timeout| activity.idle_since().unwrap_or(now) + timeout);
    let old = limits.max_connection_duration.map(|max| activity.born() + max);
    [idle, old].into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn idle_only_while_nothing_is_open_and_old_in_any_case() {
        let limits = Limits {
            idle_timeout: Some(Duration::from_secs(5)),
            max_connection_duration: Some(Duration::from_secs(60)),
            ..Limits::default()
        };
        let activity = Activity::new(Instant::now());
        let after = |seconds| due(&limits, &activity, activity.born() + Duration::from_secs(seconds));
        assert_eq!((after(4), after(5), after(60)), (None, Some(Over::Idle), Some(Over::Old)));
        let busy = activity.begin();
        assert_eq!((after(5), after(60)), (None, Some(Over::Old)));
        drop(busy);
    }

    #[test]
    fn used_up_by_as_many_requests_as_are_allowed() {
        let limits = Limits { max_requests_per_connection: Some(2), ..Limits::default() };
        let activity = Activity::new(Instant::now());
        drop(activity.begin());
        assert!(!is_used_up(&limits, &activity));
        drop(activity.begin());
        assert!(is_used_up(&limits, &activity));
        assert!(!is_used_up(&Limits::default(), &activity));
    }
}
