//! The bootstrap files of Envoy's own sandboxes: what they get, line by line.
//!
//! The files are not part of this project. `sandboxes.tsv` records what is said of each of them; where the variable
//! `QUICGATE_SANDBOXES` names their directory, the record is held against the files, and with `INSTA_UPDATE=always` made
//! anew. No file may be refused for anything but what the support table lists as not implemented.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use quicgate::config::{Code, Leniency, Severity, Source};
use quicgate::server::validate;

const RECORD: &str = "tests/config/sandboxes.tsv";

#[test]
fn every_refusal_is_for_what_is_not_implemented() {
    let Some(directory) = std::env::var_os("QUICGATE_SANDBOXES").map(PathBuf::from) else {
        eprintln!("skipped: every_refusal_is_for_what_is_not_implemented: QUICGATE_SANDBOXES names no directory");
        return;
    };
    let files = files_in(&directory);
    assert_eq!(files.len(), FILES, "files in {}", directory.display());
    let mut found = String::new();
    for file in &files {
        let name = file.strip_prefix(&directory).unwrap().to_string_lossy();
        found += &said_of(file, &name);
    }
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(RECORD, &found).unwrap();
    }
    assert_eq!(found, std::fs::read_to_string(RECORD).unwrap(), "INSTA_UPDATE=always makes {RECORD} anew");
}

#[test]
fn the_readme_says_how_many_load() {
    let record = std::fs::read_to_string(RECORD).unwrap();
    let loaded = record.lines().filter(|line| line.ends_with("\tloads")).count();
    let mut files: Vec<&str> = record.lines().filter_map(|line| line.split('\t').next()).collect();
    files.dedup();
    assert_eq!(files.len(), FILES);
    assert_eq!(loaded, LOADED, "this number may only grow: change it here and in the README");
    let readme = std::fs::read_to_string("README.md").unwrap();
    assert!(readme.contains(&format!("{loaded} of {FILES} load")), "the README has to say `{loaded} of {FILES} load`");
}

/// A line of the record for each error, or one that says that the file loads.
fn said_of(file: &Path, name: &str) -> String {
    let report = validate(&[Source::File(file.to_owned())], Leniency::default(), 1);
    let mut lines = String::new();
    let mut errors: Vec<_> = report.diagnostics().to_vec();
    errors.retain(|diagnostic| diagnostic.severity == Severity::Error);
    // Certificates that are made when the sandbox is.
    errors.retain(|diagnostic| !diagnostic.message.starts_with("cannot read `certs/"));
    errors.sort_by_key(|error| error.location);
    for error in &errors {
        assert_eq!(error.code, Code::NotImplemented, "{report}");
        let location = error.location.unwrap();
        writeln!(lines, "{name}\t{}:{}\t{}", location.line, location.column, error.message).unwrap();
    }
    if errors.is_empty() {
        writeln!(lines, "{name}\t\tloads").unwrap();
    }
    lines
}

fn files_in(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// How many files there are.
const FILES: usize = 42;

/// How many of them load. It never falls.
const LOADED: usize = 0;
