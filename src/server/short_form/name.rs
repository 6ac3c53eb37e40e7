//! The name of a site: a host name, `*.` and a host name, or `*`.

use std::fmt;
use std::str::FromStr;

/// A name as Envoy's `domains` take it, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SiteName(String);

/// Why a text is no name of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// Nothing is there.
    Empty,
    /// It is a URL.
    Url,
    /// A port follows it.
    Port,
    /// It is an IP address.
    Address,
    /// An asterisk stands where none can.
    Asterisk,
    /// It is not written in ASCII.
    NotAscii,
    /// It holds a character that host names do not have.
    Character(char),
    /// A part between dots is empty, too long, or has a hyphen first or last.
    Label,
    /// It is longer than 253 characters.
    Long,
}

// === impl SiteName ===

impl SiteName {
    /// As it stands in `domains`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A host of this site, to try it with.
    pub(super) fn example(&self) -> String {
        match self.0.strip_prefix("*.") {
            Some(domain) => format!("www.{domain}"),
            None if self.0 == ANY => "localhost".to_owned(),
            None => self.0.clone(),
        }
    }
}

impl FromStr for SiteName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text == ANY {
            return Ok(Self(text.to_owned()));
        }
        let host = text.strip_prefix("*.").unwrap_or(text);
        match host_fault(host) {
            Some(NameError::Empty) if host != text => Err(NameError::Asterisk),
            Some(fault) => Err(fault),
            None => Ok(Self(text.to_ascii_lowercase())),
        }
    }
}

impl fmt::Display for SiteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl NameError ===

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = match self {
            Self::Empty => "there is no name before the `=`: write a host name, or `*` for every name",
            Self::Url => "the name is a URL: write the host name alone, without `https://`",
            Self::Port => "the name has a port: write it alone, --https-port says where to listen",
            Self::Address => "the name is an IP address, and requests are told apart by name: write `*` for every name",
            Self::Asterisk => {
                "an asterisk is the whole name or its first part: write `*` or `*.a.test`, and a path after a slash"
            }
            Self::NotAscii => "the name is not in ASCII: write its form that begins with `xn--`",
            Self::Character(char) => {
                return write!(
                    f,
                    "the name holds `{}`: letters, digits, hyphens and dots make a host name",
                    char.escape_debug()
                );
            }
            Self::Label => {
                "the name has a part that is empty, longer than 63 characters, or has a hyphen first or last"
            }
            Self::Long => "the name is longer than 253 characters, which no host name is",
        };
        f.write_str(message)
    }
}

/// What is wrong with a host name (RFC 1123 §2.1).
fn host_fault(host: &str) -> Option<NameError> {
    let known = |char: char| char.is_ascii_alphanumeric() || char == '-' || char == '.';
    let is_label = |label: &str| (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-');
    if host.is_empty() {
        Some(NameError::Empty)
    } else if host.starts_with('[') || host.parse::<std::net::IpAddr>().is_ok() {
        Some(NameError::Address)
    } else if !host.is_ascii() {
        Some(NameError::NotAscii)
    } else if host.contains('*') {
        Some(NameError::Asterisk)
    } else if host.contains(':') {
        Some(NameError::Port)
    } else if let Some(char) = host.chars().find(|char| !known(*char)) {
        Some(NameError::Character(char))
    } else if host.len() > 253 {
        Some(NameError::Long)
    } else if !host.split('.').all(is_label) {
        Some(NameError::Label)
    } else if host.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit())) {
        Some(NameError::Address)
    } else {
        None
    }
}

/// Every name.
const ANY: &str = "*";
