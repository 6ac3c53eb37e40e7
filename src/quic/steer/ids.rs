//! The connection ids that one worker issues: random, and they name that worker.

use std::time::Duration;

use quinn::{ConnectionId, ConnectionIdGenerator};

use super::rule::{ID_LENGTH, Rule};

/// Draws ids until one names its worker: as many draws as there are workers, on average.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ids {
    rule: Rule,
    worker: usize,
}

impl Ids {
    /// `worker` is one of those of the rule.
    pub(super) fn new(rule: Rule, worker: usize) -> Self {
        Self { rule, worker }
    }
}

impl ConnectionIdGenerator for Ids {
    fn generate_cid(&mut self) -> ConnectionId {
        loop {
            let id: [u8; ID_LENGTH] = rand::random();
            if self.rule.worker(id) == self.worker {
                return ConnectionId::new(&id);
            }
        }
    }

    fn cid_len(&self) -> usize {
        ID_LENGTH
    }

    fn cid_lifetime(&self) -> Option<Duration> {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_id_names_its_worker_and_none_comes_twice() {
        for workers in [1, 2, 3, 8, 64] {
            let rule = Rule::new([7, 11], workers);
            let mut seen = HashSet::new();
            for worker in 0..workers {
                let mut ids = Ids::new(rule, worker);
                for _ in 0..20 {
                    let id = ids.generate_cid();
                    assert_eq!(id.len(), ids.cid_len());
                    assert_eq!(rule.worker((*id).try_into().unwrap()), worker);
                    assert!(seen.insert(id));
                }
            }
        }
    }
}
