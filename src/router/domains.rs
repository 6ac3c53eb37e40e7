//! Which virtual host a host name belongs to.
//!
//! The order is Envoy's: the name itself, the longest `*suffix`, the longest `prefix*`, then `*`. A search costs one
//! look-up in a hash map, and one more for each different length of a wildcard, however many domains there are.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// A map from domains to values of which each is found by its index.
#[derive(Clone, Debug, Default)]
pub(super) struct Domains {
    exact: HashMap<Box<str>, usize>,
    suffixes: Wildcards,
    prefixes: Wildcards,
    any: Option<usize>,
}

/// Wildcards of one kind, without their asterisk.
#[derive(Clone, Debug, Default)]
struct Wildcards {
    texts: HashMap<Box<str>, usize>,
    /// The lengths that occur, greatest first.
    lengths: Vec<usize>,
}

/// The domain is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// The value it leads to.
    pub(super) by: usize,
}

// === impl Domains ===

impl Domains {
    /// Adds a domain: `a.test`, `*.test`, `*-x.test`, `a.*` or `*`, in any case. An asterisk that is neither first nor
    /// last stands for itself.
    ///
    /// # Errors
    /// [`Taken`] when it is there already.
    pub(super) fn insert(&mut self, domain: &str, value: usize) -> Result<(), Taken> {
        let domain = domain.to_ascii_lowercase();
        if domain == "*" {
            if let Some(by) = self.any {
                return Err(Taken { by });
            }
            self.any = Some(value);
            return Ok(());
        }
        if let Some(suffix) = domain.strip_prefix('*') {
            self.suffixes.insert(suffix, value)
        } else if let Some(prefix) = domain.strip_suffix('*') {
            self.prefixes.insert(prefix, value)
        } else {
            insert(&mut self.exact, &domain, value)
        }
    }

    /// The value of the domain that fits a host best. Upper case in `host` costs a copy of it.
    pub(super) fn find(&self, host: &str) -> Option<usize> {
        let host = if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(host.to_ascii_lowercase())
        } else {
            Cow::Borrowed(host)
        };
        let exact = self.exact.get(&*host).copied();
        exact
            .or_else(|| self.suffixes.find(&host, |host, length| host.get(host.len() - length..)))
            .or_else(|| self.prefixes.find(&host, |host, length| host.get(..length)))
            .or(self.any)
    }
}

// === impl Wildcards ===

impl Wildcards {
    fn insert(&mut self, text: &str, value: usize) -> Result<(), Taken> {
        insert(&mut self.texts, text, value)?;
        if let Err(place) = self.lengths.binary_search_by(|length| text.len().cmp(length)) {
            self.lengths.insert(place, text.len());
        }
        Ok(())
    }

    /// The longest wildcard that fits. The asterisk stands for at least one character.
    fn find<'h>(&self, host: &'h str, part: impl Fn(&'h str, usize) -> Option<&'h str>) -> Option<usize> {
        let shorter = self.lengths.iter().filter(|length| **length < host.len());
        shorter.filter_map(|length| part(host, *length)).find_map(|text| self.texts.get(text)).copied()
    }
}

fn insert(map: &mut HashMap<Box<str>, usize>, text: &str, value: usize) -> Result<(), Taken> {
    match map.entry(text.into()) {
        Entry::Occupied(taken) => Err(Taken { by: *taken.get() }),
        Entry::Vacant(free) => {
            free.insert(value);
            Ok(())
        }
    }
}

/// The host without its port. What follows the last colon counts as one, unless it stands inside the brackets of an
/// IPv6 address.
pub(super) fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn domains(names: &[&str]) -> Domains {
        let mut domains = Domains::default();
        for (index, name) in names.iter().enumerate() {
            domains.insert(name, index).unwrap_or_else(|taken| panic!("{name}: {taken:?}"));
        }
        domains
    }

    #[test]
    fn a_domain_is_taken_once_whatever_its_case() {
        for name in ["a.test", "*.test", "a.*", "*"] {
            let mut domains = domains(&[name]);
            assert_eq!(domains.insert(&name.to_uppercase(), 1), Err(Taken { by: 0 }), "{name}");
            assert_eq!(domains.find("a.test"), Some(0), "{name}");
        }
    }

    #[test]
    fn a_port_is_what_follows_the_last_colon() {
        let cases = [("a", "a"), ("a:1", "a"), ("a:", "a"), ("[::1]", "[::1]"), ("[::1]:1", "[::1]"), ("::1", ":")];
        for (authority, host) in cases {
            assert_eq!(without_port(authority), host);
        }
    }

    /// What a linear search in the order of the definition finds.
    fn scan(names: &[String], host: &str) -> Option<usize> {
        let longest = |fits: &dyn Fn(&str) -> bool| {
            let fitting = names.iter().enumerate().filter(|(_, name)| name.len() > 1 && fits(name.as_str()));
            fitting.max_by_key(|(_, name)| name.len()).map(|(index, _)| index)
        };
        let suffix = |name: &str| {
            let ends = name.strip_prefix('*').is_some_and(|suffix| host.ends_with(suffix));
            ends && name.len() <= host.len()
        };
        let prefix = |name: &str| {
            let begins = name.strip_suffix('*').is_some_and(|prefix| host.starts_with(prefix));
            begins && !name.starts_with('*') && name.len() <= host.len()
        };
        let exact = |name: &str| !name.starts_with('*') && !name.ends_with('*') && name == host;
        names
            .iter()
            .position(|name| exact(name))
            .or_else(|| longest(&suffix))
            .or_else(|| longest(&prefix))
            .or_else(|| names.iter().position(|name| name == "*"))
    }

    proptest! {
        #[test]
        fn finds_what_a_scan_finds(
            names in prop::collection::hash_set("[*]?[ab.]{0,4}[*]?", 0..12),
            host in "[ab.*]{0,6}",
        ) {
            // An empty name is a domain too, and `**` is a wildcard for what ends with an asterisk.
            let names: Vec<String> = names.into_iter().collect();
            let mut domains = Domains::default();
            for (index, name) in names.iter().enumerate() {
                prop_assert_eq!(domains.insert(name, index), Ok(()));
            }
            prop_assert_eq!(domains.find(&host), scan(&names, &host));
        }

        #[test]
        fn no_host_makes_it_panic(host in any::<String>()) {
            let domains = domains(&["*é", "é*", "*.b", "a.*", "x", "*"]);
            prop_assert!(domains.find(&host).is_some());
            prop_assert!(host.starts_with(without_port(&host)));
        }
    }
}
