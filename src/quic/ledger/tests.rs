//! The ledger with datagrams that are made here, and a socket that keeps what is sent.

use std::collections::HashMap;
use std::io::{self, IoSliceMut};
use std::pin::Pin;
use std::task::{Context, Poll};

use proptest::prelude::*;
use quinn::UdpPoller;
use quinn::udp::{RecvMeta, Transmit};

use super::accounts::{Allowance, Held};
use super::*;
use crate::observe::stats::Store;

/// A packet with a long header of this type, filled up to a datagram of so many bytes.
fn long(kind: u8, destination: [u8; 8], source: [u8; 8], length: usize) -> Vec<u8> {
    let token: &[u8] = if kind == INITIAL { &[0] } else { &[] };
    let head = [&[0xc0 | kind << 4, 0, 0, 0, 1, 8], &destination[..], &[8], &source, token].concat();
    let rest = u16::try_from(length - head.len() - 2).unwrap();
    let mut datagram = [&head[..], &(rest | 0x4000).to_be_bytes()].concat();
    datagram.resize(length, 0);
    datagram
}

/// A datagram with a short header.
fn short(length: usize) -> Vec<u8> {
    vec![0x40; length]
}

fn address(host: u8) -> SocketAddr {
    ([192, 0, 2, host], 4433).into()
}

/// How many bytes of these the accounts let through; they are then sent.
fn send(accounts: &mut Accounts, to: SocketAddr, datagrams: &[u8], stride: usize) -> usize {
    let count = match accounts.allowance(to, datagrams, stride) {
        Allowance::Free => datagrams.len(),
        Allowance::Bytes(count) => count,
    };
    if count > 0 {
        accounts.sent(to, &datagrams[..count], stride);
    }
    count
}

#[test]
fn rfc9000_8_1_three_times_what_came_goes_out_in_whole_datagrams() {
    for received in 1200..=1452 {
        let mut accounts = Accounts::default();
        accounts.received(address(1), &long(INITIAL, [1; 8], [2; 8], received), received);
        assert!(accounts.open(address(1), false));
        // Four of 1200 bytes, as quinn sends them, at once or one by one.
        let flight = long(INITIAL, [2; 8], [3; 8], 1200).repeat(4);
        let sent = send(&mut accounts, address(1), &flight, 1200);
        assert_eq!(sent, 3600, "{received}");
        let left = 3 * received - sent;
        assert_eq!(send(&mut accounts, address(1), &short(left + 1), left + 1), 0);
        assert_eq!(send(&mut accounts, address(1), &short(left), left), left);
        // What comes from elsewhere makes no room here.
        accounts.received(address(2), &short(1200), 1200);
        assert_eq!(send(&mut accounts, address(1), &short(1), 1), 0);
        accounts.received(address(1), &short(10), 10);
        assert_eq!(send(&mut accounts, address(1), &[short(20), short(10), short(1)].concat(), 20), 20);
    }
}

#[test]
fn what_came_before_a_handshake_is_accepted_counts_once() {
    let mut accounts = Accounts::default();
    let initial = long(INITIAL, [1; 8], [2; 8], 1250);
    accounts.received(address(1), &initial.repeat(2), 1250);
    assert!(accounts.open(address(1), false));
    assert_eq!(accounts.allowance(address(1), &short(9000), 100), Allowance::Bytes(7500));
    accounts.close(address(1));
    // A handshake whose first datagram nobody remembers: it had 1200 bytes at least.
    assert!(accounts.open(address(1), false));
    assert_eq!(accounts.allowance(address(1), &short(9000), 100), Allowance::Bytes(3600));
    accounts.close(address(1));
    // What was answered without an account, with a Retry, makes no room later.
    accounts.received(address(1), &initial, 1250);
    assert_eq!(send(&mut accounts, address(1), &long(RETRY, [2; 8], [3; 8], 120), 120), 120);
    accounts.received(address(1), &initial, 1250);
    assert!(accounts.open(address(1), false));
    assert_eq!(accounts.allowance(address(1), &short(9000), 10), Allowance::Bytes(3750));
}

#[test]
fn rfc9000_8_1_a_handshake_packet_with_our_id_validates_its_address() {
    let heard = |told: &[u8], from: SocketAddr, kind: u8, id: [u8; 8]| {
        let mut accounts = Accounts::default();
        assert!(accounts.open(address(1), false));
        send(&mut accounts, address(1), told, 1200);
        // An acknowledgement in an Initial before it, as clients send it.
        let datagram = [long(INITIAL, [3; 8], [2; 8], 50), long(kind, id, [2; 8], 100)].concat();
        accounts.received(from, &datagram, datagram.len());
        !accounts.limits(address(1))
    };
    let told = long(INITIAL, [2; 8], [3; 8], 1200);
    assert!(heard(&told, address(1), HANDSHAKE, [3; 8]));
    assert!(!heard(&told, address(1), HANDSHAKE, [4; 8]));
    assert!(!heard(&told, address(1), INITIAL, [3; 8]));
    assert!(!heard(&told, address(1), ZERO_RTT, [3; 8]));
    assert!(!heard(&told, address(2), HANDSHAKE, [3; 8]));
    // An id that was held back is known to nobody.
    assert!(!heard(&[&short(1200)[..], &short(1200), &short(1200), &told].concat(), address(1), HANDSHAKE, [3; 8]));
}

#[test]
fn who_has_a_connection_or_a_token_has_no_account() {
    let ledger = Ledger::new(&LedgerStats::new(&Store::new().scope("listener.x")));
    let mut first = ledger.open(address(1), false);
    assert!(!first.is_validated() && !ledger.is_idle());
    let token = ledger.open(address(1), true);
    assert!(token.is_validated() && first.is_validated() && ledger.is_idle());
    drop(token);
    first.complete();
    // The connection goes on, whatever somebody begins with its address.
    let second = ledger.open(address(1), false);
    assert!(second.is_validated() && ledger.is_idle());
    drop(first);
    let third = ledger.open(address(1), false);
    assert!(!third.is_validated());
    drop((second, third));
    assert!(ledger.is_idle());
    assert_eq!(format!("{:?}", ledger.lock()).matches("192.0.2.1").count(), 0, "{ledger:?}");
}

/// Sends into a list, until told that there is no room; receives nothing.
#[derive(Debug, Default)]
struct Sent {
    datagrams: Mutex<Vec<(Vec<u8>, Option<usize>)>>,
    full: Mutex<bool>,
}

impl AsyncUdpSocket for Sent {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        unreachable!("nobody waits")
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        if *self.full.lock().unwrap() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.datagrams.lock().unwrap().push((transmit.contents.to_vec(), transmit.segment_size));
        Ok(())
    }

    fn poll_recv(&self, _: &mut Context<'_>, _: &mut [IoSliceMut<'_>], _: &mut [RecvMeta]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(address(9))
    }
}

#[test]
fn what_does_not_fit_is_dropped_and_what_the_kernel_refuses_is_not_counted() {
    let store = Store::new();
    let scope = store.scope("listener.x");
    let ledger = Ledger::new(&LedgerStats::new(&scope));
    let sent = Arc::new(Sent::default());
    let socket = ledger.guard(Arc::clone(&sent) as Arc<dyn AsyncUdpSocket>);
    let entry = ledger.open(address(1), false);
    let contents = [short(1200), short(1200), short(1200), short(900)].concat();
    let transmit =
        Transmit { destination: address(1), ecn: None, contents: &contents, segment_size: Some(1200), src_ip: None };
    *sent.full.lock().unwrap() = true;
    assert_eq!(socket.try_send(&transmit).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    *sent.full.lock().unwrap() = false;
    let counter = scope.counter("quic.amplification_dropped");
    // The first that does not fit waits.
    for (goes, dropped) in [(Some((3600, Some(1200))), 0), (None, 4)] {
        socket.try_send(&transmit).unwrap();
        let seen = sent.datagrams.lock().unwrap().pop();
        assert_eq!(seen.map(|(datagrams, stride)| (datagrams.len(), stride)), goes);
        assert_eq!(counter.value(), dropped);
    }
    socket.try_send(&Transmit { destination: address(2), ..transmit }).unwrap();
    assert_eq!(sent.datagrams.lock().unwrap().pop(), Some((contents.clone(), Some(1200))));
    // What waits for ever is lost in the end.
    drop(entry);
    assert_eq!(counter.value(), 5);
}

#[test]
fn what_waits_goes_out_when_enough_has_come_or_the_address_is_validated() {
    let held = || Held { datagram: long(HANDSHAKE, [2; 8], [3; 8], 900).into(), ecn: None, src_ip: None };
    let mut accounts = Accounts::default();
    assert!(accounts.open(address(1), false));
    assert_eq!(send(&mut accounts, address(1), &long(INITIAL, [2; 8], [3; 8], 1200).repeat(3), 1200), 3600);
    assert!(accounts.hold(address(1), held()) && !accounts.hold(address(1), held()));
    assert!(!accounts.hold(address(2), held()));
    accounts.received(address(1), &short(299), 299);
    assert!(accounts.release(address(1)).is_none());
    accounts.received(address(1), &short(1), 1);
    assert!(accounts.release(address(1)).is_some() && accounts.release(address(1)).is_none());
    assert_eq!(send(&mut accounts, address(1), &short(900), 900), 900);
    assert!(accounts.hold(address(1), held()));
    accounts.received(address(1), &long(HANDSHAKE, [3; 8], [2; 8], 40), 40);
    assert!(accounts.release(address(1)).is_some());
    assert!(accounts.close(address(1)).is_none());
}

/// What may happen, in any order, at one of a few addresses.
#[derive(Clone, Debug)]
enum Event {
    /// A datagram that may begin a handshake.
    Initial(usize),
    /// Others: of how many bytes each, how many, and whether with long headers.
    Others(usize, usize, bool),
    /// All handshakes that have begun are accepted.
    Accept,
    /// They are all answered without an account, as with a Retry.
    Answer(usize),
    /// Datagrams are to be sent on each connection: of how many bytes each, how many, and what the last has.
    Send(usize, usize, usize),
    /// A handshake fails, and is forgotten.
    Close,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (1200_usize..1500).prop_map(Event::Initial),
        (1_usize..1500, 1_usize..12, any::<bool>()).prop_map(|(size, count, long)| Event::Others(size, count, long)),
        Just(Event::Accept),
        (30_usize..300).prop_map(Event::Answer),
        (30_usize..1500, 1_usize..12, 1_usize..1500).prop_map(|(size, count, last)| Event::Send(size, count, last)),
        Just(Event::Close),
    ]
}

proptest! {
    #[test]
    fn rfc9000_8_1_never_more_than_three_times_what_came(
        events in prop::collection::vec((0_u8..3, event()), 0..60),
        forgetful in any::<bool>(),
    ) {
        let mut accounts = Accounts::default();
        let mut waiting: HashMap<u8, usize> = HashMap::new();
        let mut open: HashMap<u8, usize> = HashMap::new();
        let (mut received, mut sent) = (HashMap::<u8, usize>::new(), HashMap::<u8, usize>::new());
        for (host, event) in events {
            let at = address(host);
            let (waiting, open) = (waiting.entry(host).or_default(), open.entry(host).or_default());
            let (received, sent) = (received.entry(host).or_default(), sent.entry(host).or_default());
            match event {
                Event::Initial(length) => {
                    accounts.received(at, &long(INITIAL, [1; 8], [2; 8], length), length);
                    *waiting += 1;
                    *received += length;
                }
                Event::Others(size, count, is_long) => {
                    let mut datagrams = short(size).repeat(count);
                    datagrams[0] |= if is_long { 0x80 } else { 0 };
                    accounts.received(at, &datagrams, size);
                    *received += datagrams.len();
                }
                Event::Accept => {
                    for _ in 0..std::mem::take(waiting) {
                        if forgetful && *open == 0 {
                            accounts.arrivals.take(at);
                        }
                        prop_assert!(accounts.open(at, false));
                        *open += 1;
                    }
                }
                Event::Answer(length) => {
                    for _ in 0..std::mem::take(waiting) {
                        *sent += send(&mut accounts, at, &long(RETRY, [2; 8], [3; 8], length), length);
                    }
                }
                Event::Send(size, count, last) => {
                    if *open > 0 {
                        let datagrams = [short(size).repeat(count - 1), short(last.min(size))].concat();
                        let went = send(&mut accounts, at, &datagrams, size);
                        prop_assert!(went.is_multiple_of(size) || went == datagrams.len());
                        *sent += went;
                    }
                }
                // What has come is accepted or answered before a handshake that began then is forgotten.
                Event::Close if *waiting == 0 && *open > 0 => {
                    accounts.close(at);
                    *open -= 1;
                }
                Event::Close => {}
            }
            prop_assert!(*sent <= 3 * *received, "{sent} of 3 x {received}");
            prop_assert_eq!(accounts.limits(at), *open > 0);
        }
    }
}

const INITIAL: u8 = 0;

const ZERO_RTT: u8 = 1;

const HANDSHAKE: u8 = 2;

const RETRY: u8 = 3;
