//! One broken file for each kind of fault: what is said of it, word for word.

use std::path::Path;

use quicgate::config::{Report, Source, load};

/// The report on a file of `broken/`, whether it could be loaded or not.
fn report(name: &str) -> Report {
    let file = Path::new("tests/config/broken").join(name);
    load(&Source::File(file)).map_or_else(|report| report, |loaded| loaded.report)
}

/// A test for each file: it has faults, and they are told as the snapshot says.
macro_rules! broken {
    ($($name:ident: $file:literal),* $(,)?) => {$(
        #[test]
        fn $name() {
            let report = report($file);
            assert!(report.has_errors());
            insta::assert_snapshot!(stringify!($name), report.to_text(false));
        }
    )*};
}

broken! {
    any_type: "any_type.yaml",
    base64: "base64.yaml",
    billion_laughs: "billion_laughs.yaml",
    duplicate_key: "duplicate_key.yaml",
    duration: "duration.yaml",
    empty: "empty.yaml",
    enum_value: "enum_value.yaml",
    json: "fault.json",
    not_a_mapping: "not_a_mapping.yaml",
    not_implemented: "not_implemented.yaml",
    not_utf8: "not_utf8.yaml",
    null: "null.yaml",
    oneof: "oneof.yaml",
    out_of_range: "out_of_range.yaml",
    second_document: "second_document.yaml",
    syntax: "syntax.yaml",
    tag: "tag.yaml",
    typed_struct: "typed_struct.yaml",
    unknown_alias: "unknown_alias.yaml",
    unknown_field: "unknown_field.yaml",
    validation_rules: "validation_rules.yaml",
    wrong_type: "wrong_type.yaml",
}

#[test]
fn every_broken_file_has_a_test() {
    let tested = include_str!("messages.rs");
    for file in std::fs::read_dir("tests/config/broken").unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(tested.contains(&format!("{name:?}")), "no test loads {name}");
    }
}

#[test]
fn a_warning_is_no_error() {
    let report = report("warnings.yaml");
    assert!(!report.has_errors());
    insta::assert_snapshot!("warnings", report.to_text(false));
}

#[test]
fn the_json_form_is_one_object_a_line() {
    insta::assert_snapshot!("unknown_field_as_json", report("unknown_field.yaml").to_json());
}

#[test]
fn colours_come_only_when_asked_for() {
    let report = report("unknown_field.yaml");
    assert!(!report.to_text(false).contains('\x1b'));
    assert!(report.to_text(true).contains("\x1b[1;31m^^^^\x1b[0m"));
}

#[test]
fn a_file_that_cannot_be_read_says_what_to_do() {
    let missing = report("no_such_file.yaml").to_text(false);
    assert!(
        missing.starts_with("tests/config/broken/no_such_file.yaml: there is no such file: give -c a path"),
        "{missing}"
    );
    let directory = load(&Source::File("tests/config/broken".into())).unwrap_err().to_text(false);
    assert_eq!(directory, "tests/config/broken: this is a directory: give -c the file in it\n");
}

#[test]
fn control_characters_of_the_input_do_not_reach_the_terminal() {
    let report = super::load_text("\"\\e[2Jnode\": \"\u{85}\"").unwrap_err().to_text(false);
    assert!(report.chars().all(|c| c == '\n' || !c.is_control()), "{report:?}");
}
