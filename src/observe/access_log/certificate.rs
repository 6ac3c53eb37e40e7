//! What there is to say of a certificate that one side of a connection has shown.

use std::sync::OnceLock;
use std::time::SystemTime;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// A certificate, and the chain that came with it.
#[derive(Debug)]
pub struct Certificate {
    /// As RFC 2253 writes names, the last part first.
    pub subject: String,
    /// Likewise.
    pub issuer: String,
    /// Alternative names: URIs.
    pub uris: Vec<String>,
    /// Alternative names: hosts.
    pub hosts: Vec<String>,
    /// Alternative names: IP addresses.
    pub addresses: Vec<String>,
    /// Alternative names: mailboxes.
    pub emails: Vec<String>,
    /// Alternative names of other kinds, where they are text.
    pub others: Vec<String>,
    /// The first second in which it is valid.
    pub valid_from: SystemTime,
    /// The last second in which it is valid.
    pub expires: SystemTime,
    /// The certificate itself, then those that came with it.
    pub chain: Vec<Link>,
    encoded: OnceLock<String>,
}

/// A certificate of a chain.
#[derive(Clone, Debug)]
pub struct Link {
    /// In DER.
    pub der: Vec<u8>,
    /// The SHA-256 of that, in hexadecimal.
    pub fingerprint: String,
    /// The serial number, in hexadecimal.
    pub serial: String,
}

impl Certificate {
    /// One of which only the chain and its life are known.
    #[must_use]
    pub fn new(chain: Vec<Link>, valid_from: SystemTime, expires: SystemTime) -> Self {
        Self {
            subject: String::new(),
            issuer: String::new(),
            uris: Vec::new(),
            hosts: Vec::new(),
            addresses: Vec::new(),
            emails: Vec::new(),
            others: Vec::new(),
            valid_from,
            expires,
            chain,
            encoded: OnceLock::new(),
        }
    }

    /// Whether another one says the same of whom it is.
    #[must_use]
    pub fn is_of_the_same(&self, other: &Self) -> bool {
        let all =
            |of: &Self| [of.uris.clone(), of.hosts.clone(), of.addresses.clone(), of.emails.clone(), of.others.clone()];
        std::ptr::eq(self, other) || (self.subject == other.subject && all(self) == all(other))
    }

    /// The certificate in PEM, so encoded that it can stand in a URL.
    #[must_use]
    pub fn encoded(&self) -> &str {
        // Asked for with every request of a connection, or never.
        self.encoded.get_or_init(|| self.chain.first().map(|link| pem_in_url(&link.der)).unwrap_or_default())
    }

    /// The same of the whole chain.
    #[must_use]
    pub fn encoded_chain(&self) -> String {
        self.chain.iter().map(|link| pem_in_url(&link.der)).collect()
    }
}

/// RFC 7468, with the escapes of RFC 3986 §2.1.
fn pem_in_url(der: &[u8]) -> String {
    let base64 = BASE64_STANDARD.encode(der);
    let mut text = String::with_capacity(base64.len() + base64.len() / 8 + 96);
    text.push_str("-----BEGIN%20CERTIFICATE-----%0A");
    for (place, letter) in base64.chars().enumerate() {
        if place > 0 && place % LINE == 0 {
            text.push_str("%0A");
        }
        match letter {
            '+' => text.push_str("%2B"),
            '/' => text.push_str("%2F"),
            '=' => text.push_str("%3D"),
            letter => text.push(letter),
        }
    }
    text.push_str("%0A-----END%20CERTIFICATE-----%0A");
    text
}

/// RFC 7468 §2: letters in a line.
const LINE: usize = 64;
