//! The command line as those know it who come from Envoy: every flag of Envoy's works or says why not.

use std::path::Path;
use std::process::Output;

use crate::support::program::Gateway;

/// What becomes of a flag of Envoy's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Here {
    /// It has its effect, or what it asks for is always so.
    Works,
    /// It prints something, and the program ends.
    Prints,
    /// It is taken, and the log names it.
    WithoutEffect,
    /// It is an error that names it.
    Refused,
}
use Here::{Prints, Refused, WithoutEffect, Works};

/// Every flag in the help of Envoy 1.40, with a value where it takes one.
const ENVOYS: [(&str, Here); 45] = [
    ("--admin-address-path ${dir}/admin", Works),
    ("--allow-unknown-fields", Works),
    ("--allow-unknown-static-fields", Works),
    ("--base-id 3", WithoutEffect),
    ("--base-id-path ${dir}/id", WithoutEffect),
    ("--component-log-level upstream:debug", Works),
    ("--concurrency 2", Works),
    ("--config-path ${dir}/edge.yaml", Works),
    ("--config-yaml static_resources: {}", Works),
    ("--cpuset-threads", Works),
    ("--disable-extensions envoy.filters.http/envoy.filters.http.fault", Refused),
    ("--disable-hot-restart", Works),
    ("--drain-strategy gradual", WithoutEffect),
    ("--drain-strategy immediate", Works),
    ("--drain-time-s 5", Works),
    ("--enable-core-dump", WithoutEffect),
    ("--enable-fine-grain-logging", WithoutEffect),
    ("--enable-mutex-tracing", WithoutEffect),
    ("--file-flush-interval-msec 10", WithoutEffect),
    ("--file-flush-min-size-kb 1", WithoutEffect),
    ("--help", Prints),
    ("--hot-restart-version", Prints),
    ("--ignore-unknown-dynamic-fields", WithoutEffect),
    ("--local-address-ip-version v6", WithoutEffect),
    ("--log-format %v", Works),
    ("--log-format-escaped", Works),
    ("--log-level warn", Works),
    ("--log-path ${dir}/log", Works),
    ("--log-stacktrace-single-entry", WithoutEffect),
    ("--mode validate", Works),
    ("--parent-shutdown-time-s 9", WithoutEffect),
    ("--reject-unknown-dynamic-fields", WithoutEffect),
    ("--restart-epoch 0", Works),
    ("--restart-epoch 1", Refused),
    ("--service-cluster edges", Works),
    ("--service-node edge-1", Works),
    ("--service-zone z", Works),
    ("--skip-deprecated-logs", Works),
    ("--skip-hot-restart-on-no-parent", WithoutEffect),
    ("--skip-hot-restart-parent-stats", WithoutEffect),
    ("--socket-mode 600", WithoutEffect),
    ("--socket-path @envoy", WithoutEffect),
    ("--stats-tag zone:z", WithoutEffect),
    ("--use-dynamic-base-id", WithoutEffect),
    ("--version", Prints),
];

/// A directory with a configuration that is right and asks for nothing.
fn bench() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(directory.path().join("edge.yaml"), "static_resources: {}\n").expect("a file of our own");
    directory
}

fn run(directory: &Path, arguments: &[&str]) -> Output {
    let path = directory.display().to_string();
    let arguments = arguments.iter().map(|argument| argument.replace("${dir}", &path));
    // How wide the help is must not depend on who runs the test.
    let mut command = Gateway::command();
    command.args(arguments).env_remove("COLUMNS").output().expect("run the gateway")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What it is told beside the flag so that it reads a configuration and ends, unless the flag says that itself.
fn beside(flag: &str) -> Vec<&'static str> {
    let mut beside = Vec::new();
    if flag != "--mode validate" && flag != "--restart-epoch 1" {
        beside.extend(["--mode", "validate"]);
    }
    if !flag.starts_with("--config-") {
        beside.extend(["-c", "${dir}/edge.yaml"]);
    }
    beside
}

#[test]
fn every_flag_of_envoys_works_or_says_why_not() {
    let directory = bench();
    for (flag, here) in ENVOYS {
        let (name, value) = flag.split_once(' ').map_or((flag, None), |(name, value)| (name, Some(value)));
        let arguments: Vec<&str> = [name].into_iter().chain(value).chain(beside(flag)).collect();
        let output = run(directory.path(), &arguments);
        let (said, printed) = (said(&output), String::from_utf8_lossy(&output.stdout));
        assert_eq!(output.status.code(), Some(i32::from(here == Refused)), "{flag}: {said}");
        let validated = printed.contains("' OK");
        assert_eq!(validated, matches!(here, Works | WithoutEffect), "{flag}: {printed} {said}");
        match here {
            Works => assert!(said.is_empty(), "{flag}: {said}"),
            Prints => assert!(!printed.is_empty(), "{flag}"),
            WithoutEffect => {
                let line = said.split_once("without effect here: ").map(|(_, named)| named.trim_end());
                assert!(line.is_some_and(|named| named == name || named == flag), "{flag}: {said}");
            }
            Refused => assert!(said.starts_with("error") && said.contains(name), "{flag}: {said}"),
        }
    }
}

#[test]
fn what_has_no_effect_is_one_line() {
    let directory = bench();
    let format = ["--log-format", "%l %n %v", "--mode", "validate", "-c", "${dir}/edge.yaml"];
    let flags = ["--base-id", "1", "--stats-tag", "a:b", "--stats-tag", "c:d", "--disable-hot-restart"];
    let said_of = |more: &[&str]| said(&run(directory.path(), &[&format[..], &flags[..], more].concat()));
    assert_eq!(said_of(&[]), "warning server taken as Envoy's, but without effect here: --base-id, --stats-tag\n");
    assert_eq!(said_of(&["-l", "error"]), "");
}

#[test]
fn a_restart_that_needs_no_parent_is_a_start() {
    let directory = bench();
    let taken = ["--restart-epoch", "2", "--skip-hot-restart-on-no-parent", "--log-path", "${dir}/none/log"];
    let output = run(directory.path(), &taken);
    // It came past the flags, to the log file that cannot be opened.
    assert!(said(&output).contains("cannot open the log file"), "{}", said(&output));
    let validate = ["--restart-epoch", "2", "--mode", "validate", "-c", "${dir}/edge.yaml"];
    assert!(run(directory.path(), &validate).status.success(), "nobody is taken over from to validate");
}

#[test]
fn the_hot_restart_version_is_the_admin_interfaces() {
    let output = run(bench().path(), &["--hot-restart-version"]);
    assert_eq!((output.status.code(), &output.stdout[..]), (Some(0), &b"disabled\n"[..]));
}

#[test]
fn wrong_use_is_told_with_what_to_do() {
    let directory = bench();
    let faults: [&[&str]; 17] = [
        &["--log-levl", "info"],
        &["--stat-tag", "a:b"],
        &["-l", "loud"],
        &["-l", "info", "--log-level", "debug"],
        &["--base-id", "1", "--base-id", "2"],
        &["--enable-core-dump", "--enable-core-dump"],
        &["--log-format", "[%Y] %q %v"],
        &["--log-format", "%v %"],
        &["--log-format", "%v", "--log-format", "%l"],
        &["--restart-epoch", "1"],
        &["--disable-extensions", "envoy.filters.http/envoy.filters.http.fault"],
        &["--drain-strategy", "slow"],
        &["--local-address-ip-version", "6"],
        &["--stats-tag", "zone"],
        &["--socket-mode", "rw"],
        &["--parent-shutdown-time-s", "soon"],
        &["--concurrency", "0"],
    ];
    let mut told = String::new();
    for fault in faults {
        let output = run(directory.path(), fault);
        assert_eq!(output.status.code(), Some(1), "{fault:?}");
        told.extend(["$ quicgate ", &fault.join(" "), "\n", &said(&output), "\n"]);
    }
    insta::assert_snapshot!(told);
}

#[test]
fn the_help_is_short_and_long() {
    let printed = |flag| String::from_utf8(run(bench().path(), &[flag]).stdout).expect("text");
    insta::assert_snapshot!("help_short", printed("-h"));
    insta::assert_snapshot!("help_long", printed("--help"));
    let short = printed("-h");
    assert!(!short.contains("--base-id") && short.contains("--log-format"), "{short}");
}
