//! `TlsSessionTicketKeys`: 80 bytes each, as Envoy divides them, for the construction that RFC 5077 §4 recommends.
//!
//! The first key seals, all of them open: a new one is put in front, and an old one left behind it for as long as its tickets
//! are to be good.

use std::fmt;

use aws_lc_rs::cipher::{
    AES_256, DecryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use rustls::server::ProducesTickets;

use crate::config::proto::envoy::config::core::v3::{DataSource, WatchedDirectory};
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::{TlsSessionTicketKeys, secret::Type};
use crate::config::values::watched_data_source;
use crate::config::{At, Invalid};
use crate::tls::rotation::Material;

/// Keys for tickets, the one that seals first.
#[derive(Debug)]
pub(in crate::tls) struct TicketKeys(Vec<TicketKey>);

struct TicketKey {
    name: [u8; NAME],
    mac: hmac::Key,
    encrypts: PaddedBlockEncryptingKey,
    decrypts: PaddedBlockDecryptingKey,
}

impl Material for TicketKeys {
    type Written = TlsSessionTicketKeys;

    const FIELD: &'static str = "session_ticket_keys";
    const NAME: &'static str = "a set of keys for session tickets";

    fn of(secret: &Type) -> Option<&TlsSessionTicketKeys> {
        match secret {
            Type::SessionTicketKeys(written) => Some(written),
            _ => None,
        }
    }

    fn load(written: &TlsSessionTicketKeys, at: At<'_>) -> Result<Self, Invalid> {
        at.each("keys", &written.keys, |at, written| {
            let (bytes, path) = watched_data_source(written, at)?;
            TicketKey::new(&bytes).ok_or_else(|| {
                let length = bytes.len();
                at.error(format_args!(
                    "`{path}` holds {length} bytes: a key has exactly 80 random ones, as from `openssl rand 80`"
                ))
            })
        })
        .map(Self)
    }

    fn files(written: &TlsSessionTicketKeys) -> (Vec<&DataSource>, Option<&WatchedDirectory>) {
        (written.keys.iter().collect(), None)
    }
}

impl TicketKey {
    /// Of 16 bytes of name, 32 for HMAC-SHA256 and 32 for AES-256, as in Envoy.
    fn new(bytes: &[u8]) -> Option<Self> {
        let (name, rest) = bytes.split_first_chunk::<NAME>()?;
        let (mac, rest) = rest.split_first_chunk::<MAC>()?;
        let aes: &[u8; 32] = rest.try_into().ok()?;
        let cipher = || UnboundCipherKey::new(&AES_256, aes).ok();
        Some(Self {
            name: *name,
            mac: hmac::Key::new(hmac::HMAC_SHA256, mac),
            encrypts: PaddedBlockEncryptingKey::cbc_pkcs7(cipher()?).ok()?,
            decrypts: PaddedBlockDecryptingKey::cbc_pkcs7(cipher()?).ok()?,
        })
    }

    /// What the code authenticates: all of the ticket before it, with the length of the state.
    fn authenticated(name: &[u8; NAME], iv: &[u8], state: &[u8]) -> Option<Vec<u8>> {
        let length = u16::try_from(state.len()).ok()?.to_be_bytes();
        Some([name.as_slice(), iv, &length, state].concat())
    }

    fn seal(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let mut state = plain.to_vec();
        let context = self.encrypts.encrypt(&mut state).ok()?;
        let iv: &[u8] = (&context).try_into().ok()?;
        let mut ticket = Self::authenticated(&self.name, iv, &state)?;
        let mac = hmac::sign(&self.mac, &ticket);
        ticket.extend_from_slice(mac.as_ref());
        Some(ticket)
    }

    /// What is in a ticket, of which the name has been read.
    fn open(&self, rest: &[u8]) -> Option<Vec<u8>> {
        let (iv, rest) = rest.split_first_chunk::<IV>()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (state, mac) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        // In constant time; nothing is decrypted before.
        hmac::verify(&self.mac, &Self::authenticated(&self.name, iv, state)?, mac).ok()?;
        let mut state = state.to_vec();
        let plain = self.decrypts.decrypt(&mut state, DecryptionContext::Iv128(FixedLength::from(iv))).ok()?;
        Some(plain.to_vec())
    }
}

impl ProducesTickets for TicketKeys {
    fn enabled(&self) -> bool {
        true
    }

    /// Of a key nobody knows when it ends.
    fn lifetime(&self) -> u32 {
        u32::MAX
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.0.first()?.seal(plain)
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let (name, rest) = ticket.split_first_chunk()?;
        self.0.iter().find(|key| key.name == *name)?.open(rest)
    }
}

impl fmt::Debug for TicketKey {
    /// Its name, which every ticket shows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

const NAME: usize = 16;
const IV: usize = 16;
const MAC: usize = 32;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A key of one byte, 80 times.
    fn key(byte: u8) -> TicketKey {
        TicketKey::new(&[byte; 80]).unwrap()
    }

    #[test]
    fn the_first_key_seals_and_all_open() {
        let [old, both, other] = [vec![key(1)], vec![key(2), key(1)], vec![key(3)]].map(TicketKeys);
        let [of_old, of_both] = [&old, &both].map(|keys| keys.encrypt(b"session").unwrap());
        assert_eq!(both.decrypt(&of_old).as_deref(), Some(b"session".as_slice()));
        assert_eq!(both.decrypt(&of_both).as_deref(), Some(b"session".as_slice()));
        assert_eq!(old.decrypt(&of_both), None);
        assert_eq!(other.decrypt(&of_old), None);
    }

    #[test]
    fn a_key_is_a_name_a_mac_key_and_a_cipher_key() {
        let bytes: Vec<u8> = (0..80).collect();
        let ticket = TicketKeys(vec![TicketKey::new(&bytes).unwrap()]).encrypt(b"session").unwrap();
        assert_eq!(ticket[..NAME], bytes[..16]);
        // RFC 5077 §4: name, IV, length, state of whole blocks, code.
        assert_eq!(ticket.len(), 16 + 16 + 2 + 16 + 32);
        let (said, mac) = ticket.split_at(ticket.len() - MAC);
        assert!(hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &bytes[16..48]), said, mac).is_ok());
        for length in [0, 79, 81] {
            assert!(TicketKey::new(&vec![0; length]).is_none(), "{length}");
        }
    }

    proptest! {
        #[test]
        fn what_was_changed_opens_nothing(
            session in prop::collection::vec(any::<u8>(), 0..300),
            place in any::<prop::sample::Index>(),
            bit in 0..8_u32,
            cut in any::<prop::sample::Index>(),
        ) {
            let keys = TicketKeys(vec![key(7)]);
            let ticket = keys.encrypt(&session).unwrap();
            prop_assert_eq!(keys.decrypt(&ticket), Some(session));
            let mut changed = ticket.clone();
            changed[place.index(ticket.len())] ^= 1 << bit;
            prop_assert_eq!(keys.decrypt(&changed), None);
            prop_assert_eq!(keys.decrypt(&ticket[..cut.index(ticket.len())]), None);
        }

        #[test]
        fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let keys = TicketKeys(vec![key(7)]);
            prop_assert_eq!(keys.decrypt(&bytes), None);
            prop_assert_eq!(keys.decrypt(&[&[7; NAME][..], &bytes].concat()), None);
        }
    }
}
