//! Whose turn it is. Pure: a turn depends on the turns before it and on nothing else.

/// Weighted round robin: earliest deadline first, as Envoy's. Hosts of equal weight take turns in order.
#[derive(Debug)]
pub struct RoundRobin {
    turns: Vec<Turn>,
}

#[derive(Debug)]
struct Turn {
    /// When this host is due, in units of the reciprocal of its weight.
    due: f64,
    interval: f64,
}

impl RoundRobin {
    /// `weights` are the hosts' `load_balancing_weight`s, 1 where unset. `start` is where the first turn falls, so that
    /// workers that begin together do not all begin with the same host.
    #[must_use]
    pub fn new(weights: &[u32], start: usize) -> Self {
        let turns = weights.iter().map(|weight| {
            let interval = 1.0 / f64::from((*weight).max(1));
            Turn { due: interval, interval }
        });
        let mut round = Self { turns: turns.collect() };
        for _ in 0..start.checked_rem(weights.len()).unwrap_or_default() {
            round.pick();
        }
        round
    }

    /// The index of the host whose turn it is; `None` where there are no hosts.
    pub fn pick(&mut self) -> Option<usize> {
        let (index, turn) =
            self.turns.iter_mut().enumerate().min_by(|(_, left), (_, right)| left.due.total_cmp(&right.due))?;
        turn.due += turn.interval;
        Some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(weights: &[u32], start: usize, count: usize) -> Vec<usize> {
        let mut round = RoundRobin::new(weights, start);
        (0..count).map_while(|_| round.pick()).collect()
    }

    #[test]
    fn equal_hosts_take_turns() {
        assert_eq!(turns(&[1, 1, 1], 0, 6), [0, 1, 2, 0, 1, 2]);
        assert_eq!(turns(&[1, 1, 1], 4, 4), [1, 2, 0, 1]);
    }

    #[test]
    fn weights_are_shares() {
        let counts = turns(&[3, 1], 0, 400).iter().fold([0; 2], |mut counts, index| {
            counts[*index] += 1;
            counts
        });
        assert_eq!(counts, [300, 100]);
    }

    #[test]
    fn no_hosts_no_turn() {
        assert!(turns(&[], 3, 1).is_empty());
    }
}
