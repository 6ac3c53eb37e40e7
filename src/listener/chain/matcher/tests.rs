//! Who gets which chain, rule by rule.

use super::*;

/// A matcher of rules as they are written, in YAML flow style by field.
fn matcher(rules: &[Rule]) -> Matcher {
    let mut matcher = Matcher::default();
    for (chain, rule) in rules.iter().enumerate() {
        matcher.insert(rule, chain).unwrap();
    }
    matcher
}

fn prefixes(list: &[&str]) -> Vec<Prefix> {
    let prefix = |text: &&str| {
        let (address, length) = text.split_once('/').unwrap();
        Prefix::new(address.parse().unwrap(), length.parse().unwrap())
    };
    list.iter().map(prefix).collect()
}

fn names(list: &[&str]) -> Rule {
    Rule { server_names: list.iter().map(|name| (*name).to_owned()).collect(), ..Rule::default() }
}

const PLAIN: Traits<'_> = Traits {
    destination: SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)), 443),
    server_name: None,
    transport_protocol: "raw_buffer",
    application_protocols: &[],
    peer: SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 7)), 50_000),
    source: SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 7)), 50_000),
};

#[test]
fn a_name_is_matched_exactly_then_by_the_longest_wildcard_then_by_none() {
    let rules = [names(&["a.test"]), names(&["*.test"]), names(&["*.b.test", "c.example"]), Rule::default()];
    let matcher = matcher(&rules);
    for (name, chain) in [
        (Some("a.test"), 0),
        (Some("x.test"), 1),
        (Some("x.a.test"), 1),
        (Some("x.b.test"), 2),
        (Some("x.y.b.test"), 2),
        (Some("b.test"), 1),
        (Some("c.example"), 2),
        (Some("d.example"), 3),
        (Some("test"), 3),
        (Some(".test"), 3),
        (Some(""), 3),
        (None, 3),
    ] {
        assert_eq!(matcher.find(&Traits { server_name: name, ..PLAIN }), Some(chain), "{name:?}");
    }
}

#[test]
fn a_step_is_never_taken_back() {
    // The name leads to the first chain, whose protocol is another: the second would do, and is not looked at.
    let first = Rule { application_protocols: vec![b"h3".to_vec()], ..names(&["a.test"]) };
    let rules = [first, Rule::default()];
    let matcher = matcher(&rules);
    assert_eq!(matcher.find(&Traits { server_name: Some("a.test"), ..PLAIN }), None);
    assert_eq!(matcher.find(&PLAIN), Some(1));
}

#[test]
fn the_order_of_steps_is_envoys() {
    let port = Rule { destination_port: Some(443), ..Rule::default() };
    let address = Rule { prefix_ranges: prefixes(&["192.0.2.0/24"]), ..Rule::default() };
    let name = names(&["a.test"]);
    let transport = Rule { transport_protocol: Some("tls".into()), ..Rule::default() };
    let protocol = Rule { application_protocols: vec![b"h2".to_vec()], ..Rule::default() };
    let peer = Rule { direct_source_prefix_ranges: prefixes(&["198.51.100.0/24"]), ..Rule::default() };
    let kind = Rule { source_type: Some(Source::External), ..Rule::default() };
    let source = Rule { source_prefix_ranges: prefixes(&["198.51.100.0/24"]), ..Rule::default() };
    let source_port = Rule { source_ports: vec![50_000], ..Rule::default() };
    let rules = [port, address, name, transport, protocol, peer, kind, source, source_port];
    let offered = [b"h2".to_vec()];
    let all =
        Traits { server_name: Some("a.test"), transport_protocol: "tls", application_protocols: &offered, ..PLAIN };
    // Whatever is left of the steps, the earliest decides.
    for first in 0..rules.len() {
        assert_eq!(matcher(&rules[first..]).find(&all), Some(0), "from step {first} on");
    }
}

#[test]
fn of_ranges_the_smallest_decides_and_of_protocols_the_one_that_the_client_prefers() {
    let range = |text| Rule { source_prefix_ranges: prefixes(&[text]), ..Rule::default() };
    let rules = [range("198.0.0.0/8"), range("198.51.100.0/24"), range("0.0.0.0/0"), range("::/0")];
    let matcher_of_ranges = matcher(&rules);
    for (source, chain) in [
        ("198.51.100.7:1", 1),
        ("198.51.101.7:1", 0),
        ("203.0.113.1:1", 2),
        ("[2001:db8::1]:1", 3),
        ("[::ffff:198.51.100.7]:1", 1),
    ] {
        let traits = Traits { source: source.parse().unwrap(), ..PLAIN };
        assert_eq!(matcher_of_ranges.find(&traits), Some(chain), "{source}");
    }
    let protocol = |name: &str| Rule { application_protocols: vec![name.as_bytes().to_vec()], ..Rule::default() };
    let matcher = matcher(&[protocol("http/1.1"), protocol("h2")]);
    for (offered, chain) in
        [(&["h2", "http/1.1"][..], Some(1)), (&["x", "http/1.1", "h2"], Some(0)), (&["x"], None), (&[], None)]
    {
        let offered: Vec<_> = offered.iter().map(|name| name.as_bytes().to_vec()).collect();
        assert_eq!(matcher.find(&Traits { application_protocols: &offered, ..PLAIN }), chain, "{offered:?}");
    }
}

#[test]
fn a_source_is_local_or_external() {
    let kind = |source| Rule { source_type: Some(source), ..Rule::default() };
    let matcher = matcher(&[kind(Source::SameIpOrLoopback), kind(Source::External)]);
    for (source, chain) in
        [("127.0.0.9:1", 0), ("[::1]:1", 0), ("192.0.2.1:1", 0), ("[::ffff:192.0.2.1]:1", 0), ("192.0.2.2:1", 1)]
    {
        let traits = Traits { source: source.parse().unwrap(), ..PLAIN };
        assert_eq!(matcher.find(&traits), Some(chain), "{source}");
    }
}

#[test]
fn two_chains_of_one_rule_are_a_fault_also_where_they_only_overlap() {
    let mut matcher = Matcher::default();
    assert_eq!(matcher.insert(&names(&["a.test", "b.test"]), 0), Ok(()));
    assert_eq!(matcher.insert(&names(&["c.test", "c.test"]), 1), Ok(()));
    assert_eq!(matcher.insert(&names(&["d.test", "b.test"]), 2), Err(0));
    assert_eq!(matcher.insert(&Rule::default(), 3), Ok(()));
    assert_eq!(matcher.insert(&Rule::default(), 4), Err(3));
}
