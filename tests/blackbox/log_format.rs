//! `--log-format`: the lines of the process's own log, from the program as it is started.

use std::path::Path;

use crate::support::process::Process;
use crate::support::program::{Gateway, Program};

/// Reads a configuration that has nothing in it, with a flag that the log names, and returns what was said. `${dir}` is
/// this directory.
fn said(directory: &Path, arguments: &[&str]) -> String {
    let config = directory.join("edge.yaml");
    std::fs::write(&config, "static_resources: {}\n").expect("a file of our own");
    let path = directory.display().to_string();
    let arguments = arguments.iter().map(|argument| argument.replace("${dir}", &path));
    let mut command = Gateway::command();
    command.args(["--mode", "validate", "--base-id", "1", "-c"]).arg(config).args(arguments);
    let output = command.output().expect("run the gateway");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stderr).expect("text")
}

fn matches(line: &str, shape: &str) -> bool {
    regex::Regex::new(&format!("^{shape}$")).expect("a pattern of this test").is_match(line)
}

#[test]
fn a_line_has_the_shape_that_is_asked_for() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let told = r"taken as Envoy's, but without effect here: --base-id\n";
    let table = [
        // Ours, and Envoy's.
        (&[][..], format!(r"\[\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{{3}}\]\[warning\]\[server\] {told}")),
        (
            &["--log-format", "[%Y-%m-%d %T.%e][%t][%l][%n] [%g:%#] %v"],
            format!(
                r"\[\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{{3}}\]\[\d+\]\[warning\]\[server\] \[src/server/run.rs:\d+\] {told}"
            ),
        ),
        (&["--log-format", "-%^%L%$- %+"], format!("-W- {told}")),
        (&["--log-format", "[%-9l][%=10n][%3!n] %%"], r"\[warning  \]\[  server  \]\[ser\] %\n".to_owned()),
        (&["--log-format", "\"%s\" é", "--log-format-escaped"], r#"\\"run.rs\\" \\303\\251\n"#.to_owned()),
    ];
    for (arguments, shape) in table {
        let said = said(directory.path(), arguments);
        assert!(matches(&said, &shape), "{arguments:?}: {said:?} is not {shape}");
    }
}

#[test]
fn a_line_can_be_json() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let format = r#"{"level":"%l","time":"%Y-%m-%dT%T.%F%z","process":%P,"message":"%j"%*}"#;
    let line = said(directory.path(), &["--log-format", format]);
    let line: serde_json::Value = serde_json::from_str(&line).expect("one JSON object");
    assert_eq!(line["level"], "warning");
    assert_eq!(line["message"], "taken as Envoy's, but without effect here: --base-id");
    let time = line["time"].as_str().expect("text");
    assert!(matches(time, r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}[+-]\d\d:\d\d"), "{time}");
}

#[test]
fn levels_and_the_file_are_as_without_a_format() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let said = |arguments: &[&str]| said(directory.path(), &[&["--log-format", "%n:%l"], arguments].concat());
    assert_eq!(said(&["-l", "error"]), "");
    assert_eq!(said(&["-l", "error", "--component-log-level", "server:warning"]), "server:warning\n");
    assert_eq!(said(&["--component-log-level", "server:off"]), "");
    assert_eq!(said(&["--log-path", "${dir}/log"]), "");
    assert_eq!(said(&["--log-path", "${dir}/log"]), "");
    let file = std::fs::read_to_string(directory.path().join("log")).expect("the log file");
    assert_eq!(file, "server:warning\nserver:warning\n", "it is appended to");
}

#[tokio::test]
async fn a_gateway_that_serves_writes_its_lines_so() {
    let arguments = &["-l", "debug", "--log-format", "<%n|%l|%t|%P> %+%*", "--stats-tag", "a:b"];
    let mut gateway = Process::start(&Program { arguments, ..Gateway::program() }, "static_resources: {}\n").await;
    gateway.terminate();
    assert!(gateway.exit().await.success());
    let said = gateway.standard_error();
    let shape = format!(r"<[a-z]+\|[a-z]+\|\d+\|{}> .*", gateway.pid());
    assert!(said.lines().all(|line| matches(line, &shape)), "{said}");
    for part in ["|debug|", "> open files are limited,\"files\":\"", "> stopping: "] {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
}
