//! TLS handshakes under way over TCP, of which there are never too many: the oldest is given up for a new one.
//!
//! Who means to be served is done after a few round trips, so that whoever has been here longest is the least likely to be.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::listener::limits::{HandshakeLimits, source};

/// The handshakes on one socket of one worker. Locked by the tasks of one worker: never contended.
#[derive(Debug)]
pub(super) struct HalfOpen {
    limits: HandshakeLimits,
    places: Mutex<Places>,
}

/// A handshake that counts until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    half_open: Arc<HalfOpen>,
    number: u64,
    given_up: oneshot::Receiver<()>,
}

#[derive(Debug, Default)]
struct Places {
    next: u64,
    /// By age. Whoever has one hears when it is dropped.
    taken: BTreeMap<u64, (IpAddr, oneshot::Sender<()>)>,
    sources: HashMap<IpAddr, BTreeSet<u64>>,
}

impl HalfOpen {
    pub(super) fn new(limits: HandshakeLimits) -> Arc<Self> {
        Arc::new(Self { limits, places: Mutex::default() })
    }

    /// A handshake with `client` begins, for which another may have to end.
    pub(super) fn begin(self: &Arc<Self>, client: IpAddr) -> Place {
        let source = source(client);
        let mut places = self.lock();
        let own = places.sources.get(&source);
        let oldest = match own {
            Some(own) if own.len() >= self.limits.per_source => own.first().copied(),
            _ if places.taken.len() >= self.limits.at_most => places.taken.keys().next().copied(),
            _ => None,
        };
        if let Some(oldest) = oldest {
            places.free(oldest);
        }
        let number = places.next;
        places.next += 1;
        let (giving_up, given_up) = oneshot::channel();
        places.taken.insert(number, (source, giving_up));
        places.sources.entry(source).or_default().insert(number);
        drop(places);
        Place { half_open: Arc::clone(self), number, given_up }
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    fn free(&mut self, number: u64) {
        let Some((source, _)) = self.taken.remove(&number) else { return };
        if let Some(own) = self.sources.get_mut(&source) {
            own.remove(&number);
            if own.is_empty() {
                self.sources.remove(&source);
            }
        }
    }
}

impl Place {
    /// Resolves when another needs the place.
    pub(super) async fn given_up(&mut self) {
        // There is nothing to hear but the end.
        let _ = (&mut self.given_up).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.half_open.lock().free(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn half_open(at_most: usize, per_source: usize) -> Arc<HalfOpen> {
        HalfOpen::new(HandshakeLimits { at_most, before_retry: 0, per_source })
    }

    fn begin(half_open: &Arc<HalfOpen>, hosts: &[u8]) -> Vec<Place> {
        hosts.iter().map(|host| half_open.begin([192, 0, 2, *host].into())).collect()
    }

    /// The places that were given up.
    fn given_up(places: &mut [Place]) -> Vec<usize> {
        let ended = |place: &mut Place| place.given_up.try_recv() != Err(oneshot::error::TryRecvError::Empty);
        places.iter_mut().enumerate().filter_map(|(index, place)| ended(place).then_some(index)).collect()
    }

    #[test]
    fn the_oldest_gives_way() {
        let half_open = half_open(3, 9);
        let mut places = begin(&half_open, &[1, 2, 3]);
        assert_eq!(given_up(&mut places), [0_usize; 0]);
        places.extend(begin(&half_open, &[4, 5]));
        assert_eq!(given_up(&mut places), [0, 1]);
        // Who is done leaves room.
        drop(places.remove(4));
        places.extend(begin(&half_open, &[6]));
        assert_eq!(given_up(&mut places), [0, 1]);
    }

    #[test]
    fn who_begins_too_many_gives_up_his_own() {
        let half_open = half_open(100, 2);
        let mut places = begin(&half_open, &[1, 2, 2, 2, 1, 2]);
        assert_eq!(given_up(&mut places), [1, 2]);
        places.clear();
        assert!(half_open.lock().taken.is_empty());
        assert!(half_open.lock().sources.is_empty());
    }

    #[test]
    fn with_none_allowed_the_newest_is_tried() {
        let mut places = begin(&half_open(0, 9), &[1, 2]);
        assert_eq!(given_up(&mut places), [0]);
    }
}
