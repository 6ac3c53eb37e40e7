//! The authority in the form that routes and upstreams are shown: Envoy's `strip_matching_host_port`, `strip_any_host_port` and
//! `strip_trailing_host_dot`. Pure.

/// What is done to authorities.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::hcm) struct Rules {
    /// Which port is left out.
    pub port: Port,
    /// Whether the dot at the end of a name is left out.
    pub trailing_dot: bool,
}

/// Which port is left out of an authority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::hcm) enum Port {
    /// None.
    #[default]
    Keep,
    /// The one of the listener.
    Matching,
    /// Any.
    Any,
}

impl Rules {
    /// What stands for an authority that came to `local`, a port; none when it stays as it is.
    pub(in crate::hcm) fn clean(self, authority: &str, local: Option<u16>) -> Option<String> {
        if self.port == Port::Keep && !self.trailing_dot {
            return None;
        }
        let mut clean = authority.to_owned();
        if self.trailing_dot
            && let Some(without) = without_dot(&clean)
        {
            clean = without;
        }
        if let Some((host, port)) = port_of(&clean) {
            let end = host.len();
            let goes = match self.port {
                Port::Keep => false,
                Port::Matching => local.is_some_and(|local| u32::from(local) == port),
                Port::Any => true,
            };
            if goes {
                clean.truncate(end);
            }
        }
        (clean != authority && !clean.is_empty()).then_some(clean)
    }
}

/// The authority without the dot at its end, or at the end of its host.
fn without_dot(authority: &str) -> Option<String> {
    let (before, after) = authority.rsplit_once('.')?;
    (after.is_empty() || after.starts_with(':')).then(|| format!("{before}{after}"))
}

/// Host and port; a colon in brackets belongs to an address (RFC 3986 §3.2.2).
fn port_of(authority: &str) -> Option<(&str, u32)> {
    let (host, port) = authority.rsplit_once(':')?;
    if port.contains(']') {
        return None;
    }
    Some((host, port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cleaned(port: Port, trailing_dot: bool, authority: &str) -> String {
        Rules { port, trailing_dot }.clean(authority, Some(443)).unwrap_or_else(|| authority.to_owned())
    }

    /// As the release binary of Envoy 1.40 sent them upstream.
    #[test]
    fn ports_and_dots_go_as_by_envoy() {
        use Port::{Any, Keep, Matching};
        for (port, dot, authority, expected) in [
            (Matching, false, "a.test:443", "a.test"),
            (Matching, false, "a.test:1", "a.test:1"),
            (Matching, false, "[::1]:443", "[::1]"),
            (Matching, false, "a.test:", "a.test:"),
            (Any, false, "a.test:1", "a.test"),
            (Any, false, "[::1]:1", "[::1]"),
            (Any, false, "[::1]", "[::1]"),
            (Any, false, "a.test:x", "a.test:x"),
            (Any, false, "a.test:99999", "a.test"),
            (Keep, true, "a.test.", "a.test"),
            (Keep, true, "a.test.:80", "a.test:80"),
            (Keep, true, "a.test..", "a.test."),
            (Keep, true, "a.test", "a.test"),
            (Any, true, "a.test.:80", "a.test"),
            (Keep, false, "a.test.:443", "a.test.:443"),
        ] {
            assert_eq!(cleaned(port, dot, authority), expected, "{port:?} {authority}");
        }
        // Envoy sends an empty authority.
        assert_eq!(cleaned(Keep, true, "."), ".");
    }

    proptest! {
        #[test]
        fn what_is_left_is_the_beginning(authority in "[a-z.:\\[\\]0-9]{1,20}") {
            let clean = cleaned(Port::Any, false, &authority);
            prop_assert!(authority.starts_with(&clean) && !clean.is_empty());
        }
    }
}
