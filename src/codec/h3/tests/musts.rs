//! The table of what RFC 9114 demands and this server does: each line has its place in the code and its test.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::config::evidence;

/// Each line: a section, what it demands, the tests.
const TABLE: &str = include_str!("../musts.tsv");

#[test]
fn every_line_has_a_citation_and_a_test() {
    let mut code = String::new();
    read(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/codec").as_path(), &mut code);
    let cited: BTreeSet<&str> = code.split("RFC 9114 §").skip(1).map(section).collect();
    for line in TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [section, _, tests] = columns[..] else { panic!("three columns: {line}") };
        assert!(cited.contains(section), "no line of src/codec cites RFC 9114 §{section}");
        assert!(!tests.is_empty(), "no test: {line}");
        for test in tests.split(' ') {
            assert_eq!(evidence::find(test), Ok(()), "{line}");
        }
    }
}

/// The number at the beginning of a text.
fn section(text: &str) -> &str {
    let end = text.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(text.len());
    text[..end].trim_end_matches('.')
}

/// The texts of all files but those of tests.
fn read(directory: &Path, texts: &mut String) {
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let is_test = path.file_name().is_some_and(|name| name == "tests" || name == "tests.rs");
        if path.is_dir() && !is_test {
            read(&path, texts);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test {
            texts.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}
