//! The accounts themselves. Pure: no socket, no clock.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, SocketAddr};

use quinn::udp::EcnCodepoint;

use super::arrivals::Arrivals;
use super::packets::{Id, Kind, LongHeaders, is_long};

/// What is known of addresses.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    pub(super) arrivals: Arrivals,
    /// Of addresses with a handshake under way that had no token: as many at most as may begin without one.
    open: HashMap<SocketAddr, Account>,
    /// How many connections are established with each address.
    established: HashMap<SocketAddr, usize>,
    limiting: usize,
}

/// Of one address.
#[derive(Debug)]
struct Account {
    handshakes: usize,
    validated: bool,
    received: u64,
    sent: u64,
    /// Connection ids of ours that went to the address, the latest.
    told: [Option<Id>; TOLD],
    /// What was one datagram too many.
    held: Option<Held>,
}

/// A datagram that waits until more has come.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) datagram: Box<[u8]>,
    pub(super) ecn: Option<EcnCodepoint>,
    pub(super) src_ip: Option<IpAddr>,
}

/// What may go out of what is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Allowance {
    /// All, and nobody counts it.
    Free,
    /// So many bytes, from the beginning: whole datagrams.
    Bytes(usize),
}

impl Accounts {
    /// One handshake more; whether the address has an account for it.
    pub(super) fn open(&mut self, address: SocketAddr, validated: bool) -> bool {
        if validated {
            self.validate(address);
            return false;
        }
        match self.open.entry(address) {
            Entry::Occupied(mut account) => account.get_mut().handshakes += 1,
            // Whose connection is established hears us, and the limit would hold up that connection, too. One that has moved
            // is not known where it is now: quinn does not say when a path is validated.
            Entry::Vacant(_) if self.established.contains_key(&address) => return false,
            Entry::Vacant(place) => {
                // RFC 9000 §14.1: the datagram of an Initial that was accepted has 1200 bytes at least.
                let received = self.arrivals.take(address).max(LEAST);
                let told = [None; TOLD];
                place.insert(Account { handshakes: 1, validated: false, received, sent: 0, told, held: None });
                self.limiting += 1;
            }
        }
        true
    }

    /// A handshake of an address with an account is over; what waited until then and is lost.
    pub(super) fn close(&mut self, address: SocketAddr) -> Option<Held> {
        let account = self.open.get_mut(&address)?;
        account.handshakes -= 1;
        if account.handshakes > 0 {
            return None;
        }
        let account = self.open.remove(&address)?;
        self.limiting -= usize::from(!account.validated);
        account.held
    }

    /// A handshake is complete: whoever is there hears us.
    pub(super) fn complete(&mut self, address: SocketAddr, accounted: bool) -> Option<Held> {
        self.validate(address);
        *self.established.entry(address).or_default() += 1;
        accounted.then(|| self.close(address)).flatten()
    }

    /// A connection has ended. Nothing waited for it.
    pub(super) fn forget(&mut self, address: SocketAddr) -> Option<Held> {
        if let Entry::Occupied(mut connections) = self.established.entry(address) {
            *connections.get_mut() -= 1;
            if *connections.get() == 0 {
                connections.remove();
            }
        }
        None
    }

    /// How many addresses are limited.
    pub(super) fn limiting(&self) -> usize {
        self.limiting
    }

    /// Whether this one is.
    pub(super) fn limits(&self, address: SocketAddr) -> bool {
        self.open.get(&address).is_some_and(|account| !account.validated)
    }

    /// Datagrams came, all of the length `stride` but for the last, which may be shorter.
    pub(super) fn received(&mut self, address: SocketAddr, datagrams: &[u8], stride: usize) {
        match self.open.get_mut(&address) {
            // Known already.
            Some(account) if account.validated => {}
            Some(account) => {
                account.received += datagrams.len() as u64;
                if datagrams.chunks(stride.max(1)).any(|datagram| account.is_heard(datagram)) {
                    self.validate(address);
                }
            }
            None if is_long(datagrams) => self.arrivals.note(address, datagrams.len() as u64),
            None => {}
        }
    }

    /// What may be sent to this address of datagrams as in [`Self::received`].
    pub(super) fn allowance(&self, address: SocketAddr, datagrams: &[u8], stride: usize) -> Allowance {
        let Some(account) = self.open.get(&address).filter(|account| !account.validated) else {
            return Allowance::Free;
        };
        let left = account.left();
        if datagrams.len() <= left {
            return Allowance::Bytes(datagrams.len());
        }
        let stride = stride.max(1);
        Allowance::Bytes(left / stride * stride)
    }

    /// Keeps a datagram back; `false` where one waits already, and this one is lost.
    pub(super) fn hold(&mut self, address: SocketAddr, held: Held) -> bool {
        let account = self.open.get_mut(&address).filter(|account| account.held.is_none());
        account.map(|account| account.held = Some(held)).is_some()
    }

    /// What was kept back and may go now.
    pub(super) fn release(&mut self, address: SocketAddr) -> Option<Held> {
        let account = self.open.get_mut(&address)?;
        let (validated, left) = (account.validated, account.left());
        account.held.take_if(|held| validated || held.datagram.len() <= left)
    }

    /// Datagrams went out.
    pub(super) fn sent(&mut self, address: SocketAddr, datagrams: &[u8], stride: usize) {
        if let Some(account) = self.open.get_mut(&address) {
            account.sent += datagrams.len() as u64;
            for datagram in datagrams.chunks(stride.max(1)) {
                account.tell(datagram);
            }
        } else if is_long(datagrams) {
            // An answer without an account: what came before it is answered.
            self.arrivals.take(address);
        }
    }

    fn validate(&mut self, address: SocketAddr) {
        if let Some(account) = self.open.get_mut(&address)
            && !account.validated
        {
            account.validated = true;
            self.limiting -= 1;
        }
    }
}

impl Account {
    /// Bytes that may go out: RFC 9000 §8.1, three times what came.
    fn left(&self) -> usize {
        usize::try_from((3 * self.received).saturating_sub(self.sent)).unwrap_or(usize::MAX)
    }

    /// Takes note of the id that we gave ourselves in a datagram.
    fn tell(&mut self, datagram: &[u8]) {
        let Some(id) = LongHeaders(datagram).next().and_then(|header| Id::new(header.source)) else { return };
        if !self.told.contains(&Some(id)) {
            self.told.rotate_right(1);
            self.told[0] = Some(id);
        }
    }

    /// Whether a datagram shows that its sender has heard us: RFC 9000 §8.1, by a Handshake packet, and by an id that we chose.
    fn is_heard(&self, datagram: &[u8]) -> bool {
        LongHeaders(datagram).any(|header| {
            header.kind == Kind::Handshake
                && Id::new(header.destination).is_some_and(|id| self.told.contains(&Some(id)))
        })
    }
}

/// Bytes at least of the datagram of an Initial.
const LEAST: u64 = 1200;

/// Ids that are kept for each address: one a handshake. Whose id is not among them is validated when it is complete.
const TOLD: usize = 4;
