//! The static table (RFC 9204, Appendix A): 99 field lines that both sides always know.

/// What the table knows of a field line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The index of the whole line.
    Line(u64),
    /// The first index with its name.
    Name(u64),
}

/// The name and value at `index`.
pub(super) fn entry(index: u64) -> Option<(&'static str, &'static str)> {
    ENTRIES.get(usize::try_from(index).ok()?).copied()
}

/// Looks for a field line: a binary search by name, then the few values of that name.
pub(super) fn find(name: &[u8], value: &[u8]) -> Option<Found> {
    let before = |index: &u8| {
        entry((*index).into()).is_some_and(|(known, _)| (known.len(), known.as_bytes()) < (name.len(), name))
    };
    let mut first = None;
    for index in BY_NAME.get(BY_NAME.partition_point(before)..)? {
        let index = u64::from(*index);
        let (known, with) = entry(index)?;
        if known.as_bytes() != name {
            break;
        }
        if with.as_bytes() == value {
            return Some(Found::Line(index));
        }
        first = first.or(Some(Found::Name(index)));
    }
    first
}

const LENGTH: usize = 99;

/// The indices by length of name, then name, then index: lengths tell most names apart.
static BY_NAME: [u8; LENGTH] = by_name();

#[expect(clippy::indexing_slicing, reason = "it runs in the compiler, which refuses what is out of range")]
const fn by_name() -> [u8; LENGTH] {
    let mut sorted = [0; LENGTH];
    let mut count = 0u8;
    while (count as usize) < LENGTH {
        let name = ENTRIES[count as usize].0.as_bytes();
        let mut at = count as usize;
        while at > 0 && goes_before(name, ENTRIES[sorted[at - 1] as usize].0.as_bytes()) {
            sorted[at] = sorted[at - 1];
            at -= 1;
        }
        sorted[at] = count;
        count += 1;
    }
    sorted
}

#[expect(clippy::indexing_slicing, reason = "it runs in the compiler, which refuses what is out of range")]
const fn goes_before(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return left.len() < right.len();
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return left[at] < right[at];
        }
        at += 1;
    }
    false
}

const ENTRIES: [(&str, &str); LENGTH] = [
    (":authority", ""),
    (":path", "/"),
    ("age", "0"),
    ("content-disposition", ""),
    ("content-length", "0"),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("referer", ""),
    ("set-cookie", ""),
    (":method", "CONNECT"),
    (":method", "DELETE"),
    (":method", "GET"),
    (":method", "HEAD"),
    (":method", "OPTIONS"),
    (":method", "POST"),
    (":method", "PUT"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "103"),
    (":status", "200"),
    (":status", "304"),
    (":status", "404"),
    (":status", "503"),
    ("accept", "*/*"),
    ("accept", "application/dns-message"),
    ("accept-encoding", "gzip, deflate, br"),
    ("accept-ranges", "bytes"),
    ("access-control-allow-headers", "cache-control"),
    ("access-control-allow-headers", "content-type"),
    ("access-control-allow-origin", "*"),
    ("cache-control", "max-age=0"),
    ("cache-control", "max-age=2592000"),
    ("cache-control", "max-age=604800"),
    ("cache-control", "no-cache"),
    ("cache-control", "no-store"),
    ("cache-control", "public, max-age=31536000"),
    ("content-encoding", "br"),
    ("content-encoding", "gzip"),
    ("content-type", "application/dns-message"),
    ("content-type", "application/javascript"),
    ("content-type", "application/json"),
    ("content-type", "application/x-www-form-urlencoded"),
    ("content-type", "image/gif"),
    ("content-type", "image/jpeg"),
    ("content-type", "image/png"),
    ("content-type", "text/css"),
    ("content-type", "text/html; charset=utf-8"),
    ("content-type", "text/plain"),
    ("content-type", "text/plain;charset=utf-8"),
    ("range", "bytes=0-"),
    ("strict-transport-security", "max-age=31536000"),
    ("strict-transport-security", "max-age=31536000; includesubdomains"),
    ("strict-transport-security", "max-age=31536000; includesubdomains; preload"),
    ("vary", "accept-encoding"),
    ("vary", "origin"),
    ("x-content-type-options", "nosniff"),
    ("x-xss-protection", "1; mode=block"),
    (":status", "100"),
    (":status", "204"),
    (":status", "206"),
    (":status", "302"),
    (":status", "400"),
    (":status", "403"),
    (":status", "421"),
    (":status", "425"),
    (":status", "500"),
    ("accept-language", ""),
    ("access-control-allow-credentials", "FALSE"),
    ("access-control-allow-credentials", "TRUE"),
    ("access-control-allow-headers", "*"),
    ("access-control-allow-methods", "get"),
    ("access-control-allow-methods", "get, post, options"),
    ("access-control-allow-methods", "options"),
    ("access-control-expose-headers", "content-length"),
    ("access-control-request-headers", "content-type"),
    ("access-control-request-method", "get"),
    ("access-control-request-method", "post"),
    ("alt-svc", "clear"),
    ("authorization", ""),
    ("content-security-policy", "script-src 'none'; object-src 'none'; base-uri 'none'"),
    ("early-data", "1"),
    ("expect-ct", ""),
    ("forwarded", ""),
    ("if-range", ""),
    ("origin", ""),
    ("purpose", "prefetch"),
    ("server", ""),
    ("timing-allow-origin", "*"),
    ("upgrade-insecure-requests", "1"),
    ("user-agent", ""),
    ("x-forwarded-for", ""),
    ("x-frame-options", "deny"),
    ("x-frame-options", "sameorigin"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9204_a_every_line_is_found_at_its_index() {
        for index in 0..99 {
            let (name, value) = entry(index).unwrap();
            assert_eq!(find(name.as_bytes(), value.as_bytes()), Some(Found::Line(index)));
            let first = (0..99).find(|at| entry(*at).unwrap().0 == name).unwrap();
            assert_eq!(find(name.as_bytes(), b"no such value"), Some(Found::Name(first)));
        }
        assert_eq!(entry(99), None);
        assert_eq!(entry(u64::MAX), None);
    }

    #[test]
    fn what_is_not_in_the_table_is_not_found() {
        for name in ["", "a", ":statu", ":statut", "x-forwarded-host", "access-control-request-headersx", "zzzz"] {
            assert_eq!(find(name.as_bytes(), b""), None, "{name}");
        }
    }
}
