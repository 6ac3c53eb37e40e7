//! `x-request-id`: a random UUID (RFC 9562, version 4), as Envoy's default request id extension makes it.

use http::HeaderValue;
use rand::RngExt as _;

/// A new request id.
pub(super) fn generate() -> HeaderValue {
    let bits: u128 = rand::rng().random();
    let bits = (bits & !(0xF << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let mut text = [0_u8; 36];
    let digits = (0..32).rev().map(|nibble| HEX.get((bits >> (nibble * 4)) as usize & 0xF).copied().unwrap_or(b'0'));
    let places = (0..36).filter(|place| !DASHES.contains(place));
    for (place, digit) in places.zip(digits) {
        if let Some(byte) = text.get_mut(place) {
            *byte = digit;
        }
    }
    for place in DASHES {
        if let Some(byte) = text.get_mut(place) {
            *byte = b'-';
        }
    }
    HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("-"))
}

const HEX: &[u8; 16] = b"0123456789abcdef";
const DASHES: [usize; 4] = [8, 13, 18, 23];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9562_5_4_version_and_variant_are_set() {
        for _ in 0..100 {
            let id = generate();
            let id = id.to_str().unwrap();
            assert_eq!(id.len(), 36);
            let parts: Vec<_> = id.split('-').map(str::len).collect();
            assert_eq!(parts, [8, 4, 4, 4, 12]);
            assert_eq!(id.as_bytes()[14], b'4');
            assert!(b"89ab".contains(&id.as_bytes()[19]));
        }
        assert_ne!(generate(), generate());
    }
}
