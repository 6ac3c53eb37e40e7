//! `--mode validate` on every example, by this program and by the one whose format it is.

use std::path::Path;

use quicgate::config::{Source, load};

use crate::clone::{Clone, Said, examples, root, text};
use crate::support::program::Envoy;

#[test]
fn every_example_is_accepted_without_a_warning() {
    let clone = Clone::new();
    for name in examples() {
        let path = format!("config/{name}");
        assert_eq!(clone.validate(&path), Said::ok(&path));
    }
}

#[test]
fn the_real_envoy_accepts_every_example() {
    let envoy = match Envoy::program() {
        Ok(envoy) => envoy.executable,
        Err(reason) => {
            eprintln!("skipped: the_real_envoy_accepts_every_example: {reason}");
            return;
        }
    };
    let clone = Clone::new();
    for name in examples() {
        let path = format!("config/{name}");
        let said = clone.run(&envoy, &["--mode", "validate", "--use-dynamic-base-id", "-c", &path]);
        assert_eq!(said.code, Some(0), "{path}: {}", said.stderr);
    }
}

#[test]
fn a_broken_copy_is_refused_at_the_place_of_the_fault() {
    let clone = Clone::new();
    let edge = text("config/edge.yaml");
    let (before, after) = edge.split_once("prefix: /old/").expect("a route for /old/");
    clone.write("broken.yaml", &format!("{before}prefx: /old/{after}"));
    let said = clone.validate("broken.yaml");
    let (line, column) = (before.lines().count(), before.lines().last().expect("that line").len() + 1);
    assert_eq!((said.code, said.stdout.as_str()), (Some(1), ""));
    assert!(said.stderr.starts_with(&format!("broken.yaml:{line}:{column}: ")), "{}", said.stderr);
    assert!(said.stderr.contains("unknown field `prefx`"), "{}", said.stderr);
}

#[test]
fn the_example_in_json_is_the_one_in_yaml() {
    let bootstrap =
        |path: &Path| load(&Source::File(path.to_owned())).unwrap_or_else(|report| panic!("{report}")).bootstrap;
    let config = root().join("config");
    assert_eq!(bootstrap(&config.join("minimal.json")), bootstrap(&config.join("minimal.yaml")));
}
