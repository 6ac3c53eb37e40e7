//! What a local CA may vouch for, and what its leaf is for: the loopback names, or those and the names of sites.

use super::files::{Kind, LEAF_CERT, LEAF_KEY, SITES_CERT, SITES_KEY};

/// The DNS names of a leaf. The loopback addresses are always beside them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// `localhost` first, then in order, each once, in lower case.
    dns: Vec<String>,
    for_sites: bool,
}

impl Names {
    /// `localhost` alone.
    #[must_use]
    pub fn loopback() -> Self {
        Self { dns: vec![LOCALHOST.to_owned()], for_sites: false }
    }

    /// `localhost` and these names: `a.test`, or `*.a.test` for one label in front.
    ///
    /// Two kinds are left out, because no client takes a certificate for them: `*`, and `*.test`, a whole top-level domain.
    #[must_use]
    pub fn of_sites<'a>(sites: impl IntoIterator<Item = &'a str>) -> Self {
        let coverable = sites.into_iter().filter(|name| Self::can_be_covered(name));
        let mut dns: Vec<String> = coverable.map(str::to_ascii_lowercase).filter(|name| name != LOCALHOST).collect();
        dns.sort();
        dns.dedup();
        dns.insert(0, LOCALHOST.to_owned());
        Self { dns, for_sites: true }
    }

    /// Whether a certificate can be made for this name.
    #[must_use]
    pub fn can_be_covered(name: &str) -> bool {
        name.strip_prefix('*').is_none_or(|suffix| suffix.matches('.').count() > 1)
    }

    /// The name of a directory for the certificates of these names, of which each set has its own: certificates of other
    /// sites stay what they are.
    #[must_use]
    pub fn directory(&self) -> String {
        // `_` is no letter of a host name.
        let names: Vec<String> = self.of_sites_only().iter().map(|name| name.replace('*', "_")).collect();
        let joined = names.join("+");
        match names.as_slice() {
            [] => LOCALHOST.to_owned(),
            _ if joined.len() <= LONGEST_DIRECTORY => joined,
            [first, ..] => {
                let start: String = first.chars().take(LONGEST_DIRECTORY / 2).collect();
                format!("{start}+{:016x}", digest(joined.as_bytes()))
            }
        }
    }

    /// All of them, `localhost` first.
    pub(super) fn dns(&self) -> &[String] {
        &self.dns
    }

    /// The subtrees that hold all of them, each once (RFC 5280 §4.2.1.10): a wildcard lies in the domain that it stands in.
    pub(super) fn subtrees(&self) -> Vec<&str> {
        let mut subtrees: Vec<&str> =
            self.dns.iter().map(|name| name.strip_prefix("*.").unwrap_or(name.as_str())).collect();
        subtrees.sort_unstable();
        subtrees.dedup();
        subtrees
    }

    /// What a person reads of them in the name of the CA, in at most 32 characters or so.
    pub(super) fn label(&self) -> String {
        match self.of_sites_only() {
            [] => "localhost only".to_owned(),
            [first] => format!("{} only", shortened(first)),
            [first, more @ ..] => format!("{} and {} more only", shortened(first), more.len()),
        }
    }

    /// The files of the leaf: certificate, key.
    pub(super) fn leaf_files(&self) -> (Kind, Kind) {
        if self.for_sites { (SITES_CERT, SITES_KEY) } else { (LEAF_CERT, LEAF_KEY) }
    }

    fn of_sites_only(&self) -> &[String] {
        self.dns.get(1..).unwrap_or_default()
    }
}

fn shortened(name: &str) -> &str {
    name.get(..20).unwrap_or(name)
}

/// FNV-1a: all it has to do is to give two sets of names two directories.
fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The name that every leaf has.
const LOCALHOST: &str = "localhost";
/// Bytes that the name of a directory may have before it is shortened: file systems end at 255.
const LONGEST_DIRECTORY: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_a_set_with_localhost_in_front() {
        let names = Names::of_sites(["b.test", "*", "A.test", "*.test", "localhost", "*.a.test", "a.test"]);
        assert_eq!(names.dns(), ["localhost", "*.a.test", "a.test", "b.test"]);
        assert_eq!(names.subtrees(), ["a.test", "b.test", "localhost"]);
        assert_eq!(names, Names::of_sites(["a.test", "*.a.test", "b.test"]));
    }

    #[test]
    fn every_set_has_a_directory_of_its_own() {
        assert_eq!(Names::of_sites(["*"]).directory(), "localhost");
        assert_eq!(Names::of_sites(["b.test", "*.a.test"]).directory(), "_.a.test+b.test");
        let many = |last: &str| {
            let names: Vec<String> = (0..50).map(|number| format!("site-{number}.test")).collect();
            Names::of_sites(names.iter().map(String::as_str).chain([last])).directory()
        };
        assert_eq!(many("x.test"), many("x.test"));
        assert_ne!(many("x.test"), many("y.test"));
        assert!(many("x.test").len() <= LONGEST_DIRECTORY);
    }

    #[test]
    fn the_label_says_whose_it_is_and_stays_short() {
        assert_eq!(Names::loopback().label(), "localhost only");
        assert_eq!(Names::of_sites(["a.test"]).label(), "a.test only");
        assert_eq!(Names::of_sites(["c.test", "a.test", "b.test"]).label(), "a.test and 2 more only");
        assert!(Names::of_sites([&*"a".repeat(60)]).label().len() < 32);
    }
}
