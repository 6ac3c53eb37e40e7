//! What an extended CONNECT asks for.

use bytes::Bytes;

/// `:protocol` of an extended CONNECT (RFC 8441 §4, RFC 9220 §3): what is to be spoken through the tunnel, as `websocket`.
/// An extension of the request; where it stands, `content` is what goes through the tunnel, in either direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectProtocol(Bytes);

/// The value is no upgrade token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoUpgradeToken;

impl ConnectProtocol {
    /// The token as it came; its letters are of either case.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The same as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // A token is ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Whether it is this protocol, which is given in lower case.
    #[must_use]
    pub fn is(&self, protocol: &str) -> bool {
        self.0.eq_ignore_ascii_case(protocol.as_bytes())
    }
}

impl TryFrom<Bytes> for ConnectProtocol {
    type Error = NoUpgradeToken;

    fn try_from(value: Bytes) -> Result<Self, NoUpgradeToken> {
        // RFC 9110 §7.8: a token, perhaps with a version behind a slash.
        let is_token = |part: &[u8]| !part.is_empty() && part.iter().all(|byte| is_token_character(*byte));
        if value.splitn(2, |byte| *byte == b'/').all(is_token) { Ok(Self(value)) } else { Err(NoUpgradeToken) }
    }
}

impl std::fmt::Display for NoUpgradeToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no upgrade token")
    }
}

impl std::error::Error for NoUpgradeToken {}

/// RFC 9110 §5.6.2.
fn is_token_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9110_7_8_a_protocol_is_a_token_perhaps_with_a_version() {
        for good in ["websocket", "WebSocket", "connect-udp", "foo/2.1"] {
            assert!(ConnectProtocol::try_from(Bytes::from(good)).is_ok(), "{good}");
        }
        for bad in ["", "/", "a/", "/1", "a b", "a,b", "a\r\nx: y", "a/1/2", "\u{e9}"] {
            assert!(ConnectProtocol::try_from(Bytes::from(bad)).is_err(), "{bad}");
        }
        assert!(ConnectProtocol::try_from(Bytes::from("WebSocket")).unwrap().is("websocket"));
    }
}
