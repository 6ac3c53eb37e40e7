//! The rows of `facts`, answered by the release binary.
//!
//! A file holds route configurations, each under `=== name` and followed by `---`, then requests with the answer on the line
//! below. The upstream answers 200 with `x-a: up`, which is left out. Fields are in the order of their names.

use super::exchange::Exchange;
use super::table;

fn check(facts: &str) {
    let mut rows = 0;
    let mut wrong = Vec::new();
    for section in facts.split("=== ").filter(|section| !section.is_empty()) {
        let (head, asked) = section.split_once("\n---\n").unwrap();
        let (name, yaml) = head.split_once('\n').unwrap();
        let table = table(yaml);
        let lines: Vec<_> = asked.lines().filter(|line| !line.is_empty()).collect();
        for row in lines.chunks(2) {
            let (request, expected) = (row[0], row[1].trim());
            let found = Exchange::parse(request).answer(&table);
            rows += 1;
            if found.trim() != expected {
                wrong.push(format!("{name}: {request}\n  expected {expected}\n  found    {found}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {rows} rows differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn domains_as_envoy() {
    check(include_str!("../facts/domains.txt"));
}

#[test]
fn paths_as_envoy() {
    check(include_str!("../facts/paths.txt"));
}

#[test]
fn conditions_as_envoy() {
    check(include_str!("../facts/conditions.txt"));
}

#[test]
fn redirects_as_envoy() {
    check(include_str!("../facts/redirects.txt"));
}

#[test]
fn rewrites_as_envoy() {
    check(include_str!("../facts/rewrites.txt"));
}

#[test]
fn mutations_as_envoy() {
    check(include_str!("../facts/mutations.txt"));
}
