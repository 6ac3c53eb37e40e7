//! What came lately from addresses that have no account yet: long headers, of which one may begin a handshake.
//!
//! A place for each hash of an address, whose last owner has it. Who has lost it is taken for one that sent a single Initial.

use std::hash::{BuildHasher as _, RandomState};
use std::net::SocketAddr;

/// Bytes by address.
#[derive(Debug)]
pub(super) struct Arrivals {
    places: Box<[Option<(SocketAddr, u64)>]>,
    hash: RandomState,
}

impl Default for Arrivals {
    fn default() -> Self {
        Self { places: vec![None; PLACES].into(), hash: RandomState::new() }
    }
}

impl Arrivals {
    /// So many bytes more.
    pub(super) fn note(&mut self, address: SocketAddr, bytes: u64) {
        if let Some(place) = self.place(address) {
            let before = place.filter(|(owner, _)| *owner == address).map_or(0, |(_, bytes)| bytes);
            *place = Some((address, before + bytes));
        }
    }

    /// Takes out what is known of an address.
    pub(super) fn take(&mut self, address: SocketAddr) -> u64 {
        let place = self.place(address).and_then(|place| place.take_if(|(owner, _)| *owner == address));
        place.map_or(0, |(_, bytes)| bytes)
    }

    fn place(&mut self, address: SocketAddr) -> Option<&mut Option<(SocketAddr, u64)>> {
        let index = self.hash.hash_one(address) % PLACES as u64;
        self.places.get_mut(usize::try_from(index).unwrap_or_default())
    }
}

/// Datagrams are accepted soon after they came: as many as come in a burst, in 48 KiB.
const PLACES: usize = 1024;
