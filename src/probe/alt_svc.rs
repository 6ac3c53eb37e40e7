//! Reads the `alt-svc` field (RFC 7838 §3): where else the same origin is served.

use serde::Serialize;

/// The field's meaning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AltSvc {
    /// `clear`: forget all alternatives.
    Clear,
    /// In the server's order of preference.
    Alternatives(Vec<Alternative>),
    /// Not of the field's form; as it came.
    Malformed(String),
}

/// One alternative.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Alternative {
    /// The ALPN protocol, `h3` for HTTP/3.
    pub(super) protocol: String,
    /// Absent: the origin's own host.
    pub(super) host: Option<String>,
    pub(super) port: u16,
    /// How long it may be remembered, in seconds.
    pub(super) max_age_s: u64,
    /// Whether it outlives a change of network.
    pub(super) persist: bool,
}

impl AltSvc {
    /// Reads all of a response's `alt-svc` lines, joined by commas; `None` when there is none.
    pub(super) fn of_headers(headers: &[(String, String)]) -> Option<Self> {
        let lines: Vec<&str> =
            headers.iter().filter(|(name, _)| name == "alt-svc").map(|(_, value)| value.as_str()).collect();
        (!lines.is_empty()).then(|| Self::parse(&lines.join(",")))
    }

    pub(super) fn parse(value: &str) -> Self {
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
                "ma" => alternative.max_age_s = value.parse().ok()?,
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

/// RFC 7838 §3: octets of a protocol name that a token cannot hold are percent-encoded.
fn percent_decode(token: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = token.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    String::from_utf8(bytes).ok().filter(|name| !name.is_empty())
}

/// RFC 7838 §3.1: 24 hours.
const DEFAULT_MAX_AGE_S: u64 = 86_400;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn alternative(protocol: &str, host: Option<&str>, port: u16, max_age_s: u64) -> Alternative {
        Alternative { protocol: protocol.into(), host: host.map(Into::into), port, max_age_s, persist: false }
    }

    #[test]
    fn rfc7838_3_alternatives_are_read_in_order() {
        let parsed = AltSvc::parse(r#"h3=":443"; ma=60, w%3Dx%3Ay="a.example:8443"; x="a,b;c"; persist=1"#);
        let second = Alternative { persist: true, ..alternative("w=x:y", Some("a.example"), 8443, 86_400) };
        assert_eq!(parsed, AltSvc::Alternatives(vec![alternative("h3", None, 443, 60), second]));
    }

    #[test]
    fn several_lines_are_one_list() {
        let headers = [("alt-svc", "h3=\":1\""), ("x", "y"), ("alt-svc", "h2=\":2\"")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let both = vec![alternative("h3", None, 1, 86_400), alternative("h2", None, 2, 86_400)];
        assert_eq!(AltSvc::of_headers(&headers), Some(AltSvc::Alternatives(both)));
        assert_eq!(AltSvc::of_headers(&[]), None);
    }

    #[test]
    fn an_address_in_brackets_keeps_its_colons() {
        let expected = vec![alternative("h3", Some("[::1]"), 9, 86_400)];
        assert_eq!(AltSvc::parse(r#"h3="[::1]:9""#), AltSvc::Alternatives(expected));
    }

    #[test]
    fn clear_is_clear_and_the_rest_is_malformed() {
        assert_eq!(AltSvc::parse(" clear "), AltSvc::Clear);
        for text in
            ["", ",", "h3", "h3=:443", r#"h3="443""#, r#"h3=":x""#, r#"=":1""#, r#"h3=":1"; ma=x"#, r#"h%3=":1""#]
        {
            assert_eq!(AltSvc::parse(text), AltSvc::Malformed(text.to_owned()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in any::<String>()) {
            AltSvc::parse(&text);
        }

        #[test]
        fn what_is_written_is_read(
            list in proptest::collection::vec(("[a-z0-9-]{1,8}", proptest::option::of("[a-z.]{1,9}"), any::<u16>(), any::<u64>()), 1..5)
        ) {
            let expected: Vec<_> = list
                .iter()
                .map(|(protocol, host, port, age)| alternative(protocol, host.as_deref(), *port, *age))
                .collect();
            let text: Vec<_> = expected
                .iter()
                .map(|a| format!("{}=\"{}:{}\";ma={}", a.protocol, a.host.as_deref().unwrap_or_default(), a.port, a.max_age_s))
                .collect();
            prop_assert_eq!(AltSvc::parse(&text.join(" , ")), AltSvc::Alternatives(expected));
        }
    }
}
