//! The ledger: to an address that nobody has validated goes at most three times what came from it (RFC 9000 §8.1).
//!
//! quinn keeps that limit for each connection, but sends a whole datagram where one byte is left of it, and counts for an
//! address what others sent to the connection. The ledger stands below it, at the socket ([`socket`]), and counts by address:
//! what does not fit waits until more has come: one datagram, and others are lost. [`Ledger::open`] begins an account when a
//! handshake is accepted, with what has come so far ([`arrivals`]). The address is validated when a Handshake packet comes
//! from it that names a connection id of ours ([`packets`]): who cannot hear us does not know it. Answers to packets of no
//! connection (Retry, version negotiation, stateless reset, a refusal) are smaller than what they answer, and need no account.
//!
//! Not covered is a path that a connection moves to after its handshake: quinn keeps its limit there, but sends a challenge of
//! 1200 bytes and a probe of the path's size whatever asked for them. During the handshake it takes nothing from elsewhere.

mod accounts;
mod arrivals;
mod packets;
mod socket;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quinn::AsyncUdpSocket;

use self::accounts::Accounts;
use self::socket::LedgerSocket;
use crate::observe::stats::{Counter, Scope};

/// What came from the addresses of handshakes under way at one endpoint, and what went there.
#[derive(Debug)]
pub struct Ledger {
    /// Locked by the tasks of one worker: never contended.
    accounts: Mutex<Accounts>,
    /// Accounts that limit: with none of them, a datagram costs no more than a look at this.
    limiting: AtomicUsize,
    stats: LedgerStats,
}

/// `listener.<address>.quic.*` of ledgers.
#[derive(Clone, Debug)]
pub struct LedgerStats {
    /// `amplification_dropped`: datagrams that were never sent because too little came from their address.
    dropped: Counter,
}

impl LedgerStats {
    /// Registers them; `listener` is the listener's scope.
    #[must_use]
    pub fn new(listener: &Scope) -> Self {
        Self { dropped: listener.counter("quic.amplification_dropped") }
    }
}

/// A handshake, and then the connection that came of it, in the ledger.
#[derive(Debug)]
pub struct Entry {
    ledger: Arc<Ledger>,
    address: SocketAddr,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It shares the account of its address.
    Accounted,
    /// Its address needs no account.
    Free,
    /// It is a connection: its address is its peer's.
    Established,
}

impl Ledger {
    /// An empty ledger.
    #[must_use]
    pub fn new(stats: &LedgerStats) -> Arc<Self> {
        Arc::new(Self {
            accounts: Mutex::new(Accounts::default()),
            limiting: AtomicUsize::new(0),
            stats: stats.clone(),
        })
    }

    /// Takes note of a handshake, before it is accepted. `validated` is whether its first packet had a token that shows that
    /// the address is the client's.
    #[must_use]
    pub fn open(self: &Arc<Self>, address: SocketAddr, validated: bool) -> Entry {
        let accounted = self.change(|accounts| accounts.open(address, validated));
        let state = if accounted { State::Accounted } else { State::Free };
        Entry { ledger: Arc::clone(self), address, state }
    }

    /// The socket with the limit kept.
    pub(super) fn guard(self: &Arc<Self>, socket: Arc<dyn AsyncUdpSocket>) -> Arc<dyn AsyncUdpSocket> {
        Arc::new(LedgerSocket { socket, ledger: Arc::clone(self) })
    }

    /// Whether no address is limited now.
    fn is_idle(&self) -> bool {
        self.limiting.load(Ordering::Relaxed) == 0
    }

    fn lock(&self) -> MutexGuard<'_, Accounts> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what may change how many accounts limit.
    fn change<T>(&self, change: impl FnOnce(&mut Accounts) -> T) -> T {
        let mut accounts = self.lock();
        let done = change(&mut accounts);
        self.limiting.store(accounts.limiting(), Ordering::Relaxed);
        done
    }
}

impl Entry {
    /// Whether the address is known to be the client's.
    #[must_use]
    pub fn is_validated(&self) -> bool {
        self.state != State::Accounted || !self.ledger.lock().limits(self.address)
    }

    /// The handshake is complete.
    pub fn complete(&mut self) {
        if self.state != State::Established {
            let accounted = self.state == State::Accounted;
            let lost = self.ledger.change(|accounts| accounts.complete(self.address, accounted));
            self.ledger.stats.dropped.add(u64::from(lost.is_some()));
            self.state = State::Established;
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let lost = self.ledger.change(|accounts| match self.state {
            State::Accounted => accounts.close(self.address),
            State::Established => accounts.forget(self.address),
            State::Free => None,
        });
        self.ledger.stats.dropped.add(u64::from(lost.is_some()));
    }
}

#[cfg(test)]
mod tests;
