//! How a client wants a response to be ranked (RFC 9218).

/// The `priority` field, or what a `PRIORITY_UPDATE` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priority {
    /// `u`: 0 is the most urgent, 7 the least.
    pub urgency: u8,
    /// `i`: whether parts of the response are of use as they come.
    pub incremental: bool,
}

impl Default for Priority {
    /// RFC 9218 §4: urgency 3, not incremental.
    fn default() -> Self {
        Self { urgency: 3, incremental: false }
    }
}

impl Priority {
    /// What a field value says. A priority is a wish: members that are unknown or out of range are passed over, and a value
    /// that is no dictionary (RFC 9651) says nothing (RFC 9218 §4).
    #[must_use]
    pub fn parse(value: &[u8]) -> Self {
        std::str::from_utf8(value).ok().and_then(Self::dictionary).unwrap_or_default()
    }

    fn dictionary(text: &str) -> Option<Self> {
        let mut priority = Self::default();
        for member in text.split(',').map(|member| member.trim_matches([' ', '\t'])) {
            // Parameters of a member have no meaning here.
            let member = member.split(';').next().unwrap_or_default();
            let (key, value) = member.split_once('=').map_or((member, None), |(key, value)| (key, Some(value)));
            if !is_key(key) {
                return None;
            }
            match (key, value) {
                ("u", Some(value)) => {
                    if let Some(urgency) = value.parse().ok().filter(|urgency| *urgency <= LEAST_URGENT) {
                        priority.urgency = urgency;
                    }
                }
                // A member without a value is true.
                ("i", None | Some("?1")) => priority.incremental = true,
                ("i", Some("?0")) => priority.incremental = false,
                _ => {}
            }
        }
        Some(priority)
    }
}

fn is_key(key: &str) -> bool {
    let follows = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.*".contains(&byte);
    key.starts_with(|first: char| first.is_ascii_lowercase() || first == '*') && key.bytes().all(follows)
}

/// RFC 9218 §4.1: for background work.
const LEAST_URGENT: u8 = 7;
