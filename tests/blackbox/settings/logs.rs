//! Access logs: where the lines go and what they look like.

use crate::edge::Edge;
use crate::support::backend::{Backend, Script};
use crate::support::client::Version;
use crate::support::deadline::until;
use crate::support::message::Request;
use crate::support::process::Process;

/// Access logs of every connection manager, beside the one that is there.
async fn with_logs(backend: &Backend, logs: &[String]) -> Process {
    let place = "          access_log:\n";
    let names = ("              - {match: {prefix: /}, route", "              - {name: way, match: {prefix: /}, route");
    let chain = ("    - filters:\n", "    - name: chain\n      filters:\n");
    let logs = format!("{place}{}", logs.concat());
    Edge::altered(backend, &[(place, &logs), names, chain]).await.process
}

fn file(name: &str, format: &str) -> String {
    logger("file", "file.v3.FileAccessLog", &format!(", path: \"${{dir}}/{name}\"{format}"))
}

fn logger(name: &str, kind: &str, fields: &str) -> String {
    let url = format!("type.googleapis.com/envoy.extensions.access_loggers.{kind}");
    format!("          - {{name: {name}, typed_config: {{\"@type\": {url}{fields}}}}}\n")
}

/// The lines of a log, once there are three.
async fn three(what: &str, text: impl Fn() -> String) -> Vec<String> {
    let whole = || Some(text()).filter(|text| text.ends_with('\n') && text.lines().count() == 3);
    let text = until(format_args!("three lines in {what}"), async || whole()).await;
    text.lines().map(str::to_owned).collect()
}

async fn ask_thrice(process: &Process) {
    for version in Version::ALL {
        let listener = if version == Version::Http3 { "http3" } else { "https" };
        let client = process.client(version, listener).await;
        assert_eq!(client.send(Request::get("/a")).await.status, 200, "{version:?}");
    }
}

#[tokio::test]
async fn every_format_has_its_line() {
    let line = "%REQ(:PATH)% [%REQ(X-NONE)%]";
    let source = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(source.path(), format!("from a file: {line}\n")).expect("write to a file of our own");
    let path = source.path().display();
    let json = "json_format: {path: \"%REQ(:PATH)%\", none: \"%REQ(X-NONE)%\", list: [1, \"%PROTOCOL%\"]}";
    let formats = [
        ("format", format!(", format: \"plain: {line}\\n\""), "plain: /a [-]"),
        ("text", format!(", log_format: {{text_format: \"text: {line}\\n\"}}"), "text: /a [-]"),
        ("omit", format!(", log_format: {{omit_empty_values: true, text_format: \"{line}\\n\"}}"), "/a []"),
        (
            "inline",
            format!(", log_format: {{text_format_source: {{inline_string: \"inline: {line}\\n\"}}}}"),
            "inline: /a [-]",
        ),
        ("source", format!(", log_format: {{text_format_source: {{filename: \"{path}\"}}}}"), "from a file: /a [-]"),
        ("json", format!(", log_format: {{{json}}}"), r#"{"list":[1,"V"],"none":null,"path":"/a"}"#),
        ("json-omit", format!(", log_format: {{omit_empty_values: true, {json}}}"), r#"{"list":[1,"V"],"path":"/a"}"#),
    ];
    let logs: Vec<_> = formats.iter().map(|(name, format, _)| file(name, format)).collect();
    let backend = Backend::echo().await;
    let process = with_logs(&backend, &logs).await;
    ask_thrice(&process).await;
    for (name, _, expected) in &formats {
        let read = || std::fs::read_to_string(process.directory().join(name)).unwrap_or_default();
        let lines = three(name, read).await;
        let versions = ["HTTP/1.1", "HTTP/2", "HTTP/3"];
        let expected: Vec<_> =
            versions.iter().map(|version| expected.replace("\"V\"", &format!("{version:?}"))).collect();
        assert_eq!(lines, expected, "{name}");
    }
}

#[tokio::test]
async fn standard_output_and_standard_error_are_logs_too() {
    let format = |to: &str| format!(", log_format: {{text_format: \"{to}: %REQ(:PATH)%\\n\"}}");
    let logs = [
        logger("stdout", "stream.v3.StdoutAccessLog", &format("out")),
        logger("stderr", "stream.v3.StderrAccessLog", &format("err")),
    ];
    let backend = Backend::echo().await;
    let process = with_logs(&backend, &logs).await;
    ask_thrice(&process).await;
    let of = |text: String, begin: &str| -> String {
        text.split_inclusive('\n').filter(|line| line.starts_with(begin)).collect()
    };
    assert_eq!(three("standard output", || of(process.standard_output(), "out: ")).await, ["out: /a"; 3]);
    assert_eq!(three("standard error", || of(process.standard_error(), "err: ")).await, ["err: /a"; 3]);
}

#[tokio::test]
async fn a_line_names_what_has_a_name() {
    let line = "%LISTENER_NAME% %FILTER_CHAIN_NAME% %ROUTE_NAME% %UPSTREAM_CLUSTER%";
    let backend = Backend::echo().await;
    let process = with_logs(&backend, &[file("names", &format!(", format: \"{line}\\n\""))]).await;
    ask_thrice(&process).await;
    let lines = three("names", || std::fs::read_to_string(process.directory().join("names")).unwrap_or_default()).await;
    assert_eq!(lines, ["https chain way backend", "https chain way backend", "http3 chain way backend"]);
}

#[tokio::test]
async fn an_exchange_may_leave_lines_before_it_is_over() {
    let line = "%ACCESS_LOG_TYPE% %REQ(:PATH)% %RESPONSE_CODE% %UPSTREAM_CLUSTER%";
    let log = file("types", &format!(", format: \"{line}\\n\""));
    let place = "          access_log:\n";
    for (options, before) in [
        ("flush_access_log_on_new_request: true", Some("DownstreamStart /a 0 backend")),
        ("access_log_flush_interval: 0.1s", Some("DownstreamPeriodic /a 0 backend")),
        ("flush_access_log_on_new_request: false", None),
    ] {
        let backend = Backend::start(|_| Script::nothing().when_released().then(ANSWER)).await;
        backend.hold();
        let with = format!("          access_log_options: {{{options}}}\n{place}{log}");
        let process = Edge::altered(&backend, &[(place, &with)]).await.process;
        let read = || std::fs::read_to_string(process.directory().join("types")).unwrap_or_default();
        for (asked, version) in (1..).zip(Version::ALL) {
            let listener = if version == Version::Http3 { "http3" } else { "https" };
            let client = process.client(version, listener).await;
            let (before_it, ended) = (read().lines().count(), of_type(&read(), "DownstreamEnd"));
            let mut exchange = client.open(&Request::get("/a"), true).await;
            backend.until_received(asked).await;
            if let Some(expected) = before {
                let more = async || Some(read()).filter(|text| text.lines().count() > before_it);
                let text = until("a line before the end", more).await;
                assert_eq!(text.lines().last(), Some(expected), "{version:?} {options}");
            }
            backend.release();
            assert_eq!(exchange.download.reply().await.status, 200, "{version:?} {options}");
            let over = async || Some(read()).filter(|text| of_type(text, "DownstreamEnd") > ended);
            let text = until("the last line", over).await;
            assert_eq!(text.lines().last(), Some("DownstreamEnd /a 200 backend"), "{version:?} {options}");
            backend.hold();
        }
        if before.is_none() {
            assert_eq!(read().lines().count(), 3, "{options}");
        }
    }
}

fn of_type(text: &str, kind: &str) -> usize {
    text.lines().filter(|line| line.starts_with(kind)).count()
}

const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
