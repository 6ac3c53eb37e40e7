//! Durations as messages have them, for clocks and timers.

use std::time::Duration;

/// The same length of time. The loader refuses negative durations, so that a negative part counts as none.
#[must_use]
pub fn duration(written: &prost_types::Duration) -> Duration {
    let seconds = u64::try_from(written.seconds).unwrap_or_default();
    let nanos = u32::try_from(written.nanos).unwrap_or_default();
    Duration::from_secs(seconds).saturating_add(Duration::from_nanos(u64::from(nanos)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_negative_part_counts_as_none() {
        assert_eq!(duration(&prost_types::Duration { seconds: 1, nanos: 500_000_000 }), Duration::from_millis(1500));
        assert_eq!(duration(&prost_types::Duration { seconds: -1, nanos: -5 }), Duration::ZERO);
    }
}
