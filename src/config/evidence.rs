//! The tests that `support.tsv` names: where each stands in the tree.
//!
//! A name is written as `cargo test` prints it, with the target in front of it: `lib::router::…`, `blackbox::failures::…`. A
//! scenario of the comparison with Envoy is `oracle::` and its name, with `_` for each space.

use std::fs;
use std::path::{Path, PathBuf};

/// Whether the test is there; `Err` says what is not.
pub(crate) fn find(name: &str) -> Result<(), String> {
    let (target, path) = name.split_once("::").ok_or("no `::` in it")?;
    if target == "oracle" {
        let told = format!("\"{}\"", path.replace('_', " "));
        let told = sources(&root().join("tests/oracle/scenarios")).iter().any(|text| text.contains(&told));
        return if told { Ok(()) } else { Err(format!("tests/oracle/scenarios has no scenario {path}")) };
    }
    let (modules, function) = path.rsplit_once("::").unwrap_or(("", path));
    let base = if target == "lib" { root().join("src") } else { root().join("tests").join(target) };
    let text = file(&base, modules).ok_or_else(|| format!("no file has the module `{modules}` of {target}"))?;
    if has_test(&text, function) { Ok(()) } else { Err(format!("`{modules}` of {target} has no test `{function}`")) }
}

/// The text of the file with these modules, the last of which may stand inline in it.
fn file(base: &Path, modules: &str) -> Option<String> {
    let path =
        |modules: &str| modules.split("::").filter(|name| !name.is_empty()).fold(base.to_owned(), |p, m| p.join(m));
    let read = |path: PathBuf| {
        let beside = || fs::read_to_string(path.with_extension("rs"));
        beside()
            .or_else(|_| fs::read_to_string(path.join("mod.rs")))
            .or_else(|_| fs::read_to_string(path.join("main.rs")))
    };
    let inline =
        |around: &str, inner: &str| read(path(around)).ok().filter(|text| text.contains(&format!("mod {inner} {{")));
    read(path(modules)).ok().or_else(|| modules.rsplit_once("::").and_then(|(around, inner)| inline(around, inner)))
}

/// Whether a function of that name stands under `#[test]` or `#[tokio::test]`.
fn has_test(text: &str, function: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    let head = format!("fn {function}(");
    let mut is_test = false;
    lines.any(|line| {
        let found = is_test && line.trim_start_matches("async ").starts_with(&head);
        is_test =
            line.starts_with("#[test]") || line.starts_with("#[tokio::test") || (is_test && line.starts_with('#'));
        found
    })
}

fn sources(directory: &Path) -> Vec<String> {
    let files = fs::read_dir(directory).into_iter().flatten().flatten();
    files.filter_map(|file| fs::read_to_string(file.path()).ok()).collect()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_test_is_found_and_what_is_none_is_not() {
    for there in [
        "lib::config::evidence::a_test_is_found_and_what_is_none_is_not",
        "lib::config::support::tests::what_is_not_listed_is_missing",
        "lib::router::table::tests::facts::domains_as_envoy",
        "lib::hcm::sanitize::tests::via_is_appended",
        "blackbox::stop::exchanges_in_flight_are_finished_at_a_stop",
        "oracle::an_exact_path",
    ] {
        assert_eq!(find(there), Ok(()), "{there}");
    }
    for missing in [
        "lib::config::evidence::find",
        "lib::config::evidence::no_such_test",
        "lib::config::no_such_module::find",
        "blackbox::stop::slow",
        "oracle::no_such_scenario",
        "no_target",
    ] {
        assert!(find(missing).is_err(), "{missing}");
    }
}
