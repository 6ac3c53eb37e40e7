//! Reads the `alt-svc` field (RFC 7838 §3): where else the same origin is served.
//!
//! Pure: `upstream` asks it what a host announces, `probe` shows what a server does.

use serde::Serialize;

/// The field's meaning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AltSvc {
    /// `clear`: forget all alternatives.
    Clear,
    /// In the server's order of preference.
    Alternatives(Vec<Alternative>),
    /// Not of the field's form; as it came.
    Malformed(String),
}

/// One alternative.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Alternative {
    /// The ALPN protocol, `h3` for HTTP/3.
    pub protocol: String,
    /// Absent: the origin's own host.
    pub host: Option<String>,
    /// Where it listens.
    pub port: u16,
    /// How long it may be remembered, in seconds.
    pub max_age_s: u64,
    /// Whether it outlives a change of network.
    pub persist: bool,
}

impl AltSvc {
    /// Reads all lines of a message, joined by commas (RFC 9110 §5.3); `None` when there is none.
    #[must_use]
    pub fn of_lines<'a>(lines: impl Iterator<Item = &'a str>) -> Option<Self> {
        let lines: Vec<&str> = lines.collect();
        (!lines.is_empty()).then(|| Self::parse(&lines.join(",")))
    }

    /// Reads the value of the field.
    #[must_use]
    pub fn parse(value: &str) -> Self {
        if value.trim() == "clear" {
            return Self::Clear;
        }
        let alternatives: Option<Vec<_>> = Split::new(value, ',').map(|part| Alternative::parse(part.trim())).collect();
        match alternatives {
            Some(alternatives) if !alternatives.is_empty() => Self::Alternatives(alternatives),
            _ => Self::Malformed(value.to_owned()),
        }
    }
}

impl Alternative {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = Split::new(text, ';').map(str::trim);
        let (protocol, authority) = parts.next()?.split_once('=')?;
        let authority = unquote(authority.trim())?;
        let (host, port) = authority.rsplit_once(':')?;
        let mut alternative = Self {
            protocol: percent_decode(protocol.trim())?,
            host: (!host.is_empty()).then(|| host.to_owned()),
            port: port.parse().ok()?,
            max_age_s: DEFAULT_MAX_AGE_S,
            persist: false,
        };
        for parameter in parts {
            let (name, value) = parameter.split_once('=')?;
            let value = if value.starts_with('"') { unquote(value)? } else { value.to_owned() };
            match name.trim() {
                "ma" => alternative.max_age_s = seconds(&value)?,
                "persist" => alternative.persist = value == "1",
                // RFC 7838 §3: unknown parameters are ignored.
                _ => {}
            }
        }
        Some(alternative)
    }
}

impl std::fmt::Display for Alternative {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let host = self.host.as_deref().unwrap_or("the same host");
        write!(f, "{} on {host}, port {}, for {} s", self.protocol, self.port, self.max_age_s)?;
        if self.persist { f.write_str(", also on another network") } else { Ok(()) }
    }
}

/// Splits at a separator that is not inside a quoted string. Empty parts are left out (RFC 9110 §5.6.1.2).
struct Split<'a> {
    rest: &'a str,
    separator: char,
}

impl<'a> Split<'a> {
    fn new(text: &'a str, separator: char) -> Self {
        Self { rest: text, separator }
    }

    fn end_of_part(&self) -> usize {
        let (mut quoted, mut escaped) = (false, false);
        for (index, char) in self.rest.char_indices() {
            match char {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                _ if char == self.separator && !quoted => return index,
                _ => {}
            }
        }
        self.rest.len()
    }
}

impl<'a> Iterator for Split<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        while !self.rest.is_empty() {
            let (part, rest) = self.rest.split_at(self.end_of_part());
            self.rest = rest.strip_prefix(self.separator).unwrap_or_default();
            if !part.trim().is_empty() {
                return Some(part);
            }
        }
        None
    }
}

/// RFC 9110 §5.6.4: a quoted string's content.
fn unquote(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut content = String::new();
    let mut chars = inner.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' => return None,
            '\\' => content.push(chars.next()?),
            _ => content.push(char),
        }
    }
    Some(content)
}

/// RFC 9111 §1.2.2: what is too large to be counted is as long as can be.
fn seconds(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

/// RFC 7838 §3: octets of a protocol name that a token cannot hold are percent-encoded. A name need not be text; what is not
/// text is no name that is known here.
fn percent_decode(token: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = token.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        bytes.push(digit()? * 16 + digit()?);
    }
    (!bytes.is_empty()).then(|| String::from_utf8_lossy(&bytes).into_owned())
}

/// RFC 7838 §3.1: 24 hours.
const DEFAULT_MAX_AGE_S: u64 = 86_400;

#[cfg(test)]
mod tests;
