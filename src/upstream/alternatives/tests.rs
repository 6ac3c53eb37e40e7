//! What is known of whom, and for how long.

use super::*;

fn origin(name: &str) -> Origin {
    Origin::written(name, 443)
}

fn cache(max_entries: usize, suffixes: &[&str]) -> (Alternatives, Instant) {
    let now = Instant::now();
    (Alternatives::new(Options::of(max_entries, suffixes, Vec::new()), now), now)
}

fn learn(cache: &Alternatives, name: &str, lines: &[&str], now: Instant) {
    let line = |line: &&str| (ALT_SVC, HeaderValue::from_str(line).unwrap());
    cache.learn(&origin(name), &lines.iter().map(line).collect(), now);
}

fn port(cache: &Alternatives, name: &str, now: Instant) -> Option<u16> {
    cache.find(&origin(name), now).map(|announced| announced.port)
}

#[test]
fn rfc7838_3_1_an_announcement_lasts_as_long_as_it_says_since_it_was_said_last() {
    let (cache, now) = cache(8, &[]);
    let after = |seconds| now + Duration::from_secs(seconds);
    learn(&cache, "a.test", &[r#"h3=":8443"; ma=60"#], now);
    assert_eq!((port(&cache, "a.test", after(59)), port(&cache, "a.test", after(60))), (Some(8443), None));
    learn(&cache, "a.test", &[r#"h3=":8443"; ma=60"#], after(30));
    assert_eq!((port(&cache, "a.test", after(89)), port(&cache, "a.test", after(90))), (Some(8443), None));
    learn(&cache, "a.test", &[r#"h3=":8443"; ma=60"#], after(500));
    assert_eq!(port(&cache, "a.test", after(501)), Some(8443));
    learn(&cache, "a.test", &[r#"h3=":1"; ma=99999999999999999999"#], now);
    let days = |days: u64| after(days * 86_400);
    assert_eq!((port(&cache, "a.test", days(29)), port(&cache, "a.test", days(30))), (Some(1), None));
}

#[test]
fn rfc7838_3_what_is_said_last_holds() {
    let (cache, now) = cache(8, &[]);
    for (lines, expected) in [
        (&[][..], None),
        (&[r#"h3=":1""#], Some(1)),
        // Nothing is said, or nothing that can be read.
        (&[], Some(1)),
        (&["h3"], Some(1)),
        (&[r#"h3-29=":2", h2=":3", h3=":4""#], Some(4)),
        (&[r#"h2=":5""#, r#"h3=":6"; ma=1, h3=":7""#], Some(6)),
        (&[r#"h2=":5""#], None),
        (&[r#"h3=":1""#], Some(1)),
        (&["clear"], None),
        (&[r#"h3=":1""#], Some(1)),
        // Nothing of it is HTTP/3 on this host.
        (&[r#"h3-29=":2", h3="other.test:3", h3=":0", h3=":9"; ma=0"#], None),
        (&[r#"h3="A.test:8""#], Some(8)),
    ] {
        learn(&cache, "a.test", lines, now);
        assert_eq!(port(&cache, "a.test", now), expected, "{lines:?}");
    }
    let long = format!(r#"h3=":9"; x={}"#, "y".repeat(MAX_SAID));
    learn(&cache, "a.test", &[&long], now);
    assert_eq!(port(&cache, "a.test", now), Some(8));
}

#[test]
fn what_is_said_again_is_as_broken_as_before_unless_it_is_elsewhere() {
    let (cache, now) = cache(8, &[]);
    let trust = || cache.find(&origin("a.test"), now).unwrap().health.trust(now);
    learn(&cache, "a.test", &[r#"h3=":1""#], now);
    cache.find(&origin("a.test"), now).unwrap().health.failed(now, 0.0);
    for (line, expected) in
        [(r#"h3=":1""#, Trust::Broken), (r#"h3=":1"; ma=5"#, Trust::Broken), (r#"h3=":2""#, Trust::Good)]
    {
        learn(&cache, "a.test", &[line], now);
        assert_eq!(trust(), expected, "{line}");
    }
}

#[test]
fn the_oldest_of_too_many_leaves() {
    let (cache, now) = cache(2, &[]);
    for name in ["a.test", "b.test", "a.test", "c.test"] {
        learn(&cache, name, &[r#"h3=":1"; ma=60"#], now);
    }
    let left = ["a.test", "b.test", "c.test"].map(|name| port(&cache, name, now).is_some());
    assert_eq!(left, [false, true, true]);
    learn(&cache, "b.test", &[r#"h3=":2""#], now);
    learn(&cache, "a.test", &[r#"h3=":1""#], now);
    let left = ["a.test", "b.test", "c.test"].map(|name| port(&cache, name, now).is_some());
    assert_eq!(left, [true, true, false]);
    assert_eq!(cache.known.load().origins.len(), 2);
}

#[test]
fn names_of_one_suffix_share_what_each_announces() {
    let (cache, now) = cache(8, &[".c.test", ".test"]);
    learn(&cache, "a.c.test", &[r#"h3=":1""#], now);
    assert_eq!(port(&cache, "b.c.test", now), Some(1));
    assert_eq!((port(&cache, "b.test", now), port(&cache, "xc.test", now)), (None, None));
    assert!(cache.find(&Origin::written("b.c.test", 444), now).is_none(), "another port is another origin");
    learn(&cache, "b.c.test", &[r#"h3=":2""#], now);
    assert_eq!((port(&cache, "a.c.test", now), port(&cache, "d.c.test", now)), (Some(1), Some(2)));
    learn(&cache, "b.c.test", &["clear"], now);
    assert_eq!((port(&cache, "a.c.test", now), port(&cache, "d.c.test", now)), (Some(1), None));
    learn(&cache, "b.c.test", &[r#"h3=":2""#], now);
    cache.misdirected(&origin("d.c.test"));
    assert_eq!((port(&cache, "a.c.test", now), port(&cache, "b.c.test", now)), (Some(1), None));
}

#[test]
fn what_is_written_is_known_for_a_week() {
    let now = Instant::now();
    let written = vec![origin("A.test"), Origin::written("127.0.0.1", 8443)];
    let cache = Alternatives::new(Options::of(8, &[], written), now);
    let address = Origin::Address("127.0.0.1:8443".parse().unwrap());
    assert_eq!(cache.find(&address, now).map(|announced| announced.port), Some(8443));
    let days = |days: u64| now + Duration::from_secs(days * 86_400);
    assert_eq!((port(&cache, "a.test", days(6)), port(&cache, "a.test", days(7))), (Some(443), None));
}
