//! `quicgate run` and `quicgate expand`.

mod certificates;
mod expand;
mod messages;
mod served;
mod started;

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::program::Gateway;

/// Runs `quicgate` in a directory: how it ended, and what it wrote to standard output and error.
fn quicgate(directory: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Gateway::command();
    said(command.args(arguments).current_dir(directory))
}

fn said(command: &mut Command) -> (Option<i32>, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// The names of the directories below `certs/sites`.
fn certificate_directories(state: &Path) -> Vec<String> {
    let entries = fs::read_dir(state.join("certs/sites")).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
