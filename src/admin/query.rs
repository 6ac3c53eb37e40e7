//! The parameters of an admin request: from its query, or from the form that a POST carries.

/// Names and values in the order in which they were written, percent-decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads `a=1&b`. Nothing is refused: a name without `=` has an empty value. As in Envoy a plus sign is itself, so
    /// that a regular expression need not be encoded.
    pub(super) fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let one = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        };
        Self(pairs.map(one).collect())
    }

    /// Whether `name` is there, whatever its value.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// The value of `name`; none where it is missing or empty, as a form sends what was not filled in.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// All parameters that have a value.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let filled = self.0.iter().filter(|(_, value)| !value.is_empty());
        filled.map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Undoes percent-encoding (RFC 3986 §2.1); what is none stays as it is.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let (byte, after) = octet(rest).unwrap_or((*first, after));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The octet that `%2F` at the front stands for, and what follows it.
fn octet(text: &[u8]) -> Option<(u8, &[u8])> {
    let [b'%', high, low, after @ ..] = text else { return None };
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let octet = u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?;
    Some((octet, after))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_and_values_are_told_apart() {
        let query = Query::parse("usedonly&filter=a%5C.b+c%&format=json&format=text&type=");
        assert!(query.has("usedonly") && query.has("type") && !query.has("x"));
        assert_eq!(query.value("filter"), Some("a\\.b+c%"));
        assert_eq!(query.value("format"), Some("json"));
        assert_eq!(query.value("type"), None, "an input left empty");
        assert_eq!(query.iter().count(), 3);
        assert_eq!((Query::parse(""), Query::parse("&&")), (Query::default(), Query::default()));
    }

    proptest! {
        #[test]
        fn whatever_is_encoded_comes_back(value: String) {
            let encoded: Vec<String> = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let query = Query::parse(&format!("a={}", encoded.concat()));
            prop_assert_eq!(query.value("a").unwrap_or_default(), value);
        }

        #[test]
        fn nothing_is_refused(text: String) {
            let _ = Query::parse(&text);
        }
    }
}
