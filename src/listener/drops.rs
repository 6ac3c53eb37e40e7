//! What the kernel dropped before the sockets of a UDP listener: `udp.downstream_rx_datagram_dropped`.
//!
//! The kernel counts for each socket; that is added up when somebody asks for statistics.

use std::net::UdpSocket;
use std::sync::{Mutex, PoisonError};

use super::Listener;
use crate::net::{Inode, udp_drops};
use crate::observe::stats::{Counter, Scope};

/// The sockets of a listener, and what was counted for each.
#[derive(Debug)]
pub(super) struct Drops {
    dropped: Counter,
    counted: Mutex<Vec<(Inode, u32)>>,
}

impl Drops {
    /// `scope` is the listener's.
    pub(super) fn new(scope: &Scope) -> Self {
        Self { dropped: scope.counter("udp.downstream_rx_datagram_dropped"), counted: Mutex::default() }
    }

    /// Counts for these too, from now on.
    pub(super) fn watch(&self, sockets: &[UdpSocket]) {
        let new = sockets.iter().filter_map(|socket| Inode::of(socket).ok()).map(|inode| (inode, 0));
        self.counted.lock().unwrap_or_else(PoisonError::into_inner).extend(new);
    }
}

/// Brings what was dropped before the sockets of UDP listeners up to date.
pub fn count_drops<'a>(listeners: impl Iterator<Item = &'a Listener>) {
    let mut listeners = listeners.filter_map(|listener| listener.drops.as_ref()).peekable();
    if listeners.peek().is_none() {
        return;
    }
    let now = match udp_drops() {
        Ok(now) => now,
        Err(error) => {
            return tracing::debug!(%error, "what the kernel drops before sockets is not known: /proc/net/udp cannot be read");
        }
    };
    for Drops { dropped, counted } in listeners {
        for (inode, counted) in counted.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            let Some(now) = now.get(inode) else { continue };
            dropped.add(now.wrapping_sub(*counted).into());
            *counted = *now;
        }
    }
}
