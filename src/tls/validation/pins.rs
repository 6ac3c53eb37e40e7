//! Pins: the certificates, or the keys, that alone are meant.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::refusal::Refusal;
use crate::config::{At, Invalid};
use crate::tls::sessions::sha256;

/// A SHA-256.
type Digest = [u8; 32];

/// As in Envoy, one that any of them fits is meant.
#[derive(Debug, Default)]
pub(super) struct Pins {
    /// Of whole certificates: `verify_certificate_hash`.
    certificates: Vec<Digest>,
    /// Of public keys: `verify_certificate_spki`.
    keys: Vec<Digest>,
}

impl Pins {
    /// Reads both fields of the context at `at`.
    pub(super) fn build(certificates: &[String], keys: &[String], at: At<'_>) -> Result<Self, Invalid> {
        let certificates = at.each("verify_certificate_hash", certificates, |at, hash| {
            hexadecimal(hash).ok_or_else(|| {
                at.error_with_hint(
                    "is not a SHA-256 in hexadecimal",
                    "`openssl x509 -in client.crt -noout -fingerprint -sha256` prints one",
                )
            })
        });
        let keys = at.each("verify_certificate_spki", keys, |at, hash| {
            let decoded = BASE64_STANDARD.decode(hash).ok().and_then(|bytes| Digest::try_from(bytes).ok());
            decoded.ok_or_else(|| {
                at.error_with_hint(
                    "is not a SHA-256 in Base64",
                    "`openssl x509 -in client.crt -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | base64` prints one",
                )
            })
        });
        Ok(Self { certificates: certificates?, keys: keys? })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.certificates.is_empty() && self.keys.is_empty()
    }

    pub(super) fn verify(&self, leaf: &CertificateDer<'_>) -> Result<(), Refusal> {
        if self.is_empty() || self.certificates.contains(&sha256(&[leaf])) {
            return Ok(());
        }
        let (_, parsed) = X509Certificate::from_der(leaf).map_err(|_| Refusal::Unreadable)?;
        if self.keys.contains(&sha256(&[parsed.public_key().raw])) { Ok(()) } else { Err(Refusal::Pins) }
    }
}

/// 64 digits, with or without a colon between the bytes.
fn hexadecimal(text: &str) -> Option<Digest> {
    let digits: Vec<u8> = match text.len() {
        64 => text.bytes().collect(),
        95 if text.bytes().skip(2).step_by(3).all(|byte| byte == b':') => {
            text.bytes().enumerate().filter(|(place, _)| place % 3 != 2).map(|(_, byte)| byte).collect()
        }
        _ => return None,
    };
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes = digits.chunks_exact(2).map(|pair| match *pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    });
    Digest::try_from(bytes.collect::<Option<Vec<u8>>>()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_may_have_colons_between_its_bytes() {
        let plain = "df6ff72fe9116521268f6f2dd4966f51df479883fe7037b39f75916ac3049d1a";
        let pairs: Vec<_> = plain.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap()).collect();
        let colons = pairs.join(":").to_ascii_uppercase();
        assert_eq!(hexadecimal(plain).unwrap()[..2], [0xdf, 0x6f]);
        assert_eq!(hexadecimal(&colons), hexadecimal(plain));
        for wrong in [&plain[1..], &plain.replace('d', "g"), &colons.replace(':', "-"), ""] {
            assert_eq!(hexadecimal(wrong), None, "{wrong}");
        }
    }
}
