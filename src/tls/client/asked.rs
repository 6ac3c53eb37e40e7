//! What one handshake with an upstream asks for: the same answer may serve whoever asks for the same, and nobody else.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::pki_types::{DnsName, ServerName};

/// The name that is asked for, and the name that the certificate has to stand for. Connections and sessions of one
/// `Asked` are not used for another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Asked {
    /// A DNS name in lower case; `None` asks for none.
    sni: Option<Arc<str>>,
    /// As it was said: where it is no name, no certificate stands for it.
    san: Option<Arc<str>>,
}

impl Asked {
    pub(super) fn new(sni: Option<Arc<str>>, san: Option<&str>) -> Self {
        Self { sni, san: san.map(|san| Arc::from(san.to_ascii_lowercase())) }
    }

    /// The name that is asked for.
    #[must_use]
    pub fn sni(&self) -> Option<&Arc<str>> {
        self.sni.as_ref()
    }

    /// The name that the certificate has to stand for.
    pub(super) fn san(&self) -> Option<&Arc<str>> {
        self.san.as_ref()
    }

    /// As rustls takes it. An address as a name asks for none (RFC 6066 §3).
    pub(super) fn server_name(&self, host: IpAddr) -> ServerName<'static> {
        let name = self.sni.as_deref().and_then(|name| ServerName::try_from(name.to_owned()).ok());
        name.unwrap_or_else(|| host.into())
    }
}

/// A name that a handshake can ask for, in lower case (RFC 6066 §3: a DNS name, no address).
pub(super) fn sni(name: &str) -> Option<Arc<str>> {
    DnsName::try_from(name).ok()?;
    // What has the form of an address is one, whatever DNS thinks of it.
    let is_address = name.parse::<IpAddr>().is_ok();
    (!is_address).then(|| Arc::from(name.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc6066_3_a_name_is_asked_for_and_an_address_is_not() {
        for (name, asked) in [
            ("a.test", Some("a.test")),
            ("A.Test", Some("a.test")),
            ("x_y.test", Some("x_y.test")),
            ("127.0.0.1", None),
            ("::1", None),
            ("a.test, b.test", None),
            ("a b", None),
            ("", None),
        ] {
            assert_eq!(sni(name).as_deref(), asked, "{name}");
        }
    }

    #[test]
    fn who_asks_for_the_same_shares_and_nobody_else() {
        let asked = |name: Option<&str>, san| Asked::new(name.and_then(sni), san);
        assert_eq!(asked(Some("A.test"), Some("B.test")), asked(Some("a.test"), Some("b.test")));
        for other in [asked(None, None), asked(Some("b.test"), None), asked(Some("a.test"), Some("a.test"))] {
            assert_ne!(asked(Some("a.test"), None), other);
        }
    }
}
