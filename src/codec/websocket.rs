//! The fields by which an HTTP/1 server proves that it speaks WebSocket (RFC 6455 §1.3). HTTP/2 and HTTP/3 have none (RFC 8441 §5).

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderValue;

/// A key as no other request has it.
pub(super) fn key() -> String {
    BASE64_STANDARD.encode(rand::random::<[u8; 16]>())
}

/// What answers a key.
pub(super) fn accept(key: &[u8]) -> String {
    let mut sha1 = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    sha1.update(key);
    sha1.update(GUID);
    BASE64_STANDARD.encode(sha1.finish())
}

/// The same as a field.
pub(super) fn accept_value(key: &HeaderValue) -> Option<HeaderValue> {
    HeaderValue::from_str(&accept(key.as_bytes())).ok()
}

/// RFC 6455 §1.3.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc6455_1_3_a_key_has_one_answer() {
        assert_eq!(accept(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(BASE64_STANDARD.decode(key()).unwrap().len(), 16);
        assert_ne!(key(), key());
    }
}
