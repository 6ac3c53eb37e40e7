//! Whatever the text, loading ends without a panic, and every remark names a place in the text.

use proptest::prelude::*;
use quicgate::config::Report;

use super::load_text;

/// Words that lead a text deep into the messages, and some that lead nowhere.
const WORDS: &[&str] = &[
    "node",
    "id",
    "metadata",
    "admin",
    "address",
    "socket_address",
    "port_value",
    "access_log",
    "typed_config",
    "@type",
    "type_url",
    "value",
    "static_resources",
    "listeners",
    "clusters",
    "name",
    "connect_timeout",
    "filter_chains",
    "filters",
    "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
    "path",
    "log_format",
    "json_format",
    "type.googleapis.com/xds.type.v3.TypedStruct",
    "envoy.extensions.filters.http.router.v3.Router",
    "type.googleapis.com/google.protobuf.Struct",
    "type.googleapis.com/google.protobuf.Duration",
    "1s",
    "-1",
    "0x",
    "1.5s",
    "true",
    "null",
    "~",
    "\"\"",
    "'it''s'",
    "&a",
    "*a",
    "!!str",
    "colour",
    "99999999999999999999",
    "1e400",
    "é",
];

/// A tree in flow style out of those words.
fn tree() -> impl Strategy<Value = String> {
    let word = prop::sample::select(WORDS).prop_map(str::to_owned);
    word.prop_recursive(8, 64, 4, |inner| {
        let key = prop::sample::select(WORDS);
        let entry = (key, inner.clone()).prop_map(|(key, value)| format!("\"{}\": {value}", key.replace('"', "")));
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(", "))),
            prop::collection::vec(entry, 0..4).prop_map(|entries| format!("{{{}}}", entries.join(", "))),
        ]
    })
}

/// The report on a text, after a look at the places it names.
fn checked(text: &str) -> Report {
    let loaded = load_text(text);
    let failed = loaded.is_err();
    let report = loaded.map_or_else(|report| report, |loaded| loaded.report);
    assert_eq!(failed, report.has_errors());
    let lines = text.split('\n').count();
    for diagnostic in report.diagnostics().iter() {
        let location = diagnostic.location.unwrap();
        assert!((1..=lines + 1).contains(&location.line), "{diagnostic:?}");
        assert!(location.column >= 1, "{diagnostic:?}");
    }
    assert_eq!(report.diagnostics().is_empty(), report.to_text(true).is_empty());
    report
}

proptest! {
    #[test]
    fn of_any_characters(text in "\\PC*") {
        checked(&text);
    }

    #[test]
    fn of_yaml_marks(text in "[-:{}\\[\\],&*!|>'\"#%@ \n\ta0?.]{0,60}") {
        checked(&text);
    }

    #[test]
    fn of_trees(text in tree()) {
        checked(&text);
    }

    #[test]
    fn of_trees_in_the_place_of_a_message(tree in tree(), place in prop::sample::select(&[
        "node", "admin", "static_resources", "stats_flush_interval",
    ][..])) {
        let report = checked(&format!("{place}:\n  {tree}\n"));
        let below = |path: &str| path.is_empty() || path.starts_with(place);
        prop_assert!(report.diagnostics().iter().all(|diagnostic| below(&diagnostic.path)));
    }
}

#[test]
fn depth_has_a_bound() {
    let deep = |levels: usize| format!("node: {{metadata: {{a: {}{}}}}}", "[".repeat(levels), "]".repeat(levels));
    assert!(load_text(&deep(40)).is_ok());
    for levels in [60, 70, 5000] {
        let report = load_text(&deep(levels)).unwrap_err();
        assert!(report.to_text(false).contains("nested deeper than"), "{report}");
    }
}
