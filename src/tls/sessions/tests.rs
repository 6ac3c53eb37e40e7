//! Bounds, single use, and that scopes never meet.

use std::collections::HashSet;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use super::*;

const DAY: Duration = LIFETIME;

fn store(shards: usize, entries: usize, bytes: usize) -> SessionStore {
    SessionStore::with(Bounds { shards, entries, bytes })
}

fn key(number: usize) -> Key {
    Scope::default().key(&number.to_be_bytes())
}

fn scope(facts: &[(&str, &str)]) -> Scope {
    let mut scope = Scope::default();
    for (fact, value) in facts {
        scope.bind(fact, value);
    }
    scope
}

#[test]
fn rfc8446_8_1_a_session_is_taken_once() {
    let store = Arc::new(SessionStore::default());
    let sessions = ScopedSessions::new(&store, Scope::default(), DAY);
    assert!(sessions.put(b"id".to_vec(), b"session".to_vec()));
    assert_eq!(sessions.get(b"id"), None);
    assert_eq!(sessions.take(b"id").as_deref(), Some(b"session".as_slice()));
    assert_eq!(sessions.take(b"id"), None);
    assert_eq!(store.held(), (0, 0));
}

#[test]
fn rfc8446_8_1_of_many_at_once_one_gets_it() {
    const THREADS: usize = 8;
    const ROUNDS: usize = 500;
    let store = store(4, 10_000, 1 << 30);
    let (taken, together) = (AtomicUsize::new(0), Barrier::new(THREADS));
    let now = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (store, taken, together) = (&store, &taken, &together);
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    if round % THREADS == thread {
                        assert!(store.put(key(round), vec![0; 100], now, DAY));
                    }
                    together.wait();
                    taken.fetch_add(usize::from(store.take(&key(round), now).is_some()), Ordering::Relaxed);
                    together.wait();
                }
            });
        }
    });
    assert_eq!(taken.load(Ordering::Relaxed), ROUNDS);
    assert_eq!(store.held(), (0, 0));
}

#[test]
fn the_oldest_goes_first() {
    let store = store(1, 3, 1 << 20);
    let now = Instant::now();
    for number in 0..3 {
        assert!(store.put(key(number), vec![0], now, DAY));
    }
    assert!(store.take(&key(1), now).is_some());
    assert!(store.put(key(3), vec![3], now, DAY));
    assert!(store.put(key(4), vec![4], now, DAY));
    let left: Vec<_> = (0..5).filter(|number| store.take(&key(*number), now).is_some()).collect();
    assert_eq!(left, [2, 3, 4]);
}

#[test]
fn a_session_that_is_put_again_is_the_later_one() {
    let store = store(1, 2, 1 << 20);
    let now = Instant::now();
    for (number, value) in [(1, 1), (2, 2), (1, 3), (3, 4)] {
        assert!(store.put(key(number), vec![value], now, DAY));
    }
    assert_eq!(store.take(&key(1), now), Some(vec![3]));
    assert_eq!(store.take(&key(2), now), None);
}

#[test]
fn a_session_that_fits_nowhere_is_not_kept_and_displaces_none() {
    let store = store(1, 10, 1000);
    let now = Instant::now();
    assert!(store.put(key(1), vec![0], now, DAY));
    assert!(!store.put(key(2), vec![0; 1000], now, DAY));
    assert!(store.take(&key(1), now).is_some());
}

#[test]
fn a_session_lives_for_a_day() {
    let store = store(1, 10, 1 << 20);
    let now = Instant::now();
    let later = now + DAY;
    for number in 0..3 {
        assert!(store.put(key(number), vec![0], now, DAY));
    }
    assert!(store.take(&key(0), now + Duration::from_secs(24 * 60 * 60 - 1)).is_some());
    assert!(store.take(&key(1), later).is_none());
    // What nobody asks for goes with the next one that comes.
    assert!(store.put(key(3), vec![0], later, DAY));
    assert_eq!(store.held().0, 1);
}

#[test]
fn a_session_lives_no_longer_than_its_listener_lets_it() {
    let store = store(1, 10, 1 << 20);
    let now = Instant::now();
    assert!(store.put(key(1), vec![0], now, DAY));
    assert!(store.put(key(2), vec![0], now, Duration::from_secs(60)));
    let later = now + Duration::from_secs(60);
    assert!(store.take(&key(2), later).is_none());
    assert!(store.take(&key(1), later).is_some());
}

#[test]
fn another_scope_finds_nothing() {
    let store = Arc::new(SessionStore::default());
    let here = ScopedSessions::new(&store, scope(&[("alpn", "h3"), ("certificate", "one")]), DAY);
    let there = ScopedSessions::new(&store, scope(&[("alpn", "h3"), ("certificate", "two")]), DAY);
    assert!(here.put(b"id".to_vec(), b"session".to_vec()));
    assert_eq!(there.take(b"id"), None);
    // Nor is it gone by that.
    let twin = ScopedSessions::new(&store, scope(&[("alpn", "h3"), ("certificate", "one")]), DAY);
    assert!(twin.take(b"id").is_some());
}

#[test]
fn the_bounds_of_the_process_are_divided_among_its_shards() {
    let store = SessionStore::default();
    assert_eq!(BOUNDS.entries % BOUNDS.shards + BOUNDS.bytes % BOUNDS.shards, 0);
    let now = Instant::now();
    for number in 0..2 * BOUNDS.entries {
        assert!(store.put(key(number), vec![0; 64], now, DAY));
    }
    let (entries, bytes) = store.held();
    assert!(entries <= BOUNDS.entries && bytes <= BOUNDS.bytes, "{entries} {bytes}");
    // Digests fill all shards equally.
    assert_eq!(entries, BOUNDS.entries);
}

proptest! {
    #[test]
    fn nothing_outgrows_its_bounds(
        acts in prop::collection::vec((any::<bool>(), 0..40_usize, 0..900_usize, 0..200_u32), 1..300),
        entries in 1..20_usize,
        bytes in 0..10_000_usize,
    ) {
        let store = store(1, entries, bytes);
        let mut now = Instant::now();
        let (mut put, mut taken) = (HashSet::new(), HashSet::new());
        for (turn, (puts, number, length, minutes)) in acts.into_iter().enumerate() {
            now += Duration::from_secs(60) * minutes;
            if puts {
                let mut session = vec![0; length];
                session.extend(turn.to_be_bytes());
                if store.put(key(number), session.clone(), now, DAY) {
                    put.insert(session);
                }
            } else if let Some(session) = store.take(&key(number), now) {
                prop_assert!(put.contains(&session));
                prop_assert!(taken.insert(session), "taken twice");
            }
            let held = store.held();
            prop_assert!(held.0 <= entries && held.1 <= bytes, "{held:?}");
        }
    }

    #[test]
    fn scopes_are_the_same_when_all_that_was_bound_is(
        one in prop::collection::vec(("[ab]{0,2}", "[ab]{0,2}"), 0..4),
        two in prop::collection::vec(("[ab]{0,2}", "[ab]{0,2}"), 0..4),
    ) {
        let bound = |facts: &[(String, String)]| {
            let facts: Vec<_> = facts.iter().map(|(fact, value)| (fact.as_str(), value.as_str())).collect();
            scope(&facts)
        };
        prop_assert_eq!(bound(&one) == bound(&two), one == two);
    }
}
