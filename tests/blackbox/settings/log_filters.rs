//! Which exchanges an access log is for.

use crate::edge::{Edge, cluster};
use crate::support::backend::{Backend, Script};
use crate::support::client::Version;
use crate::support::deadline::until;
use crate::support::message::Request;

const ROUTES: &str = "
              - {match: {prefix: /empty}, route: {cluster: empty}}
              - {match: {prefix: /up}, route: {cluster: backend}}
";

/// A filter, and the paths of the three that are asked for which it lets pass.
const FILTERS: &[(&str, &[&str])] = &[
    ("status_code_filter: {comparison: {op: GE, value: {default_value: 404, runtime_key: k}}}", &["/empty", "/none"]),
    ("status_code_filter: {comparison: {op: EQ, value: {default_value: 503, runtime_key: k}}}", &["/empty"]),
    ("status_code_filter: {comparison: {op: NE, value: {default_value: 503, runtime_key: k}}}", &["/none", "/up"]),
    ("status_code_filter: {comparison: {op: LE, value: {default_value: 200, runtime_key: k}}}", &["/up"]),
    ("duration_filter: {comparison: {op: GE, value: {default_value: 0, runtime_key: k}}}", &["/empty", "/none", "/up"]),
    ("duration_filter: {comparison: {op: GE, value: {default_value: 3600000, runtime_key: k}}}", &[]),
    ("not_health_check_filter: {}", &["/empty", "/none", "/up"]),
    ("runtime_filter: {runtime_key: k, percent_sampled: {numerator: 0}}", &[]),
    ("runtime_filter: {runtime_key: k, percent_sampled: {numerator: 100}}", &["/empty", "/none", "/up"]),
    ("header_filter: {header: {name: x-kind, string_match: {exact: cat}}}", &["/up"]),
    ("header_filter: {header: {name: \":path\", string_match: {prefix: /e}}}", &["/empty"]),
    ("header_filter: {header: {name: x-kind, present_match: true, invert_match: true}}", &["/empty", "/none"]),
    ("response_flag_filter: {}", &["/empty", "/none"]),
    ("response_flag_filter: {flags: [UH, UO]}", &["/empty"]),
    ("grpc_status_filter: {statuses: [UNAVAILABLE]}", &["/empty"]),
    ("grpc_status_filter: {statuses: [UNAVAILABLE], exclude: true}", &["/none", "/up"]),
    ("grpc_status_filter: {statuses: [NOT_FOUND]}", &["/up"]),
    ("log_type_filter: {types: [DownstreamEnd]}", &["/empty", "/none", "/up"]),
    ("log_type_filter: {types: [DownstreamEnd], exclude: true}", &[]),
    (
        "and_filter: {filters: [{response_flag_filter: {}}, {header_filter: {header: {name: \":path\", string_match: {exact: /none}}}}]}",
        &["/none"],
    ),
    (
        "or_filter: {filters: [{response_flag_filter: {flags: [NR]}}, {header_filter: {header: {name: x-kind}}}]}",
        &["/none", "/up"],
    ),
];

#[tokio::test]
async fn each_filter_lets_its_exchanges_pass() {
    let said = "HTTP/1.1 200 OK\r\ngrpc-status: 5\r\ncontent-length: 0\r\n\r\n";
    let backend = Backend::start(move |_| Script::bytes(said)).await;
    let clusters = [cluster("backend", &backend.address().to_string()), "  - {name: empty}\n".to_owned()].concat();
    let yaml = Edge::yaml_in_front_of(&clusters, ROUTES);
    let place = "          access_log:\n";
    let logs: String = FILTERS.iter().enumerate().map(|(number, (filter, _))| log(number, filter)).collect();
    assert!(yaml.contains(place));
    let edge =
        Edge::of(&yaml.replace(place, &format!("{place}{logs}{}", log(FILTERS.len(), "not_health_check_filter: {}"))))
            .await;
    for version in Version::ALL {
        let client = edge.client(version).await;
        for path in ["/empty", "/none"] {
            client.send(Request::get(path)).await;
        }
        let reply = client.send(Request::get("/up").header("x-kind", "cat")).await;
        assert_eq!(reply.status, 200, "{version:?}");
    }
    let read = |number: usize| std::fs::read_to_string(edge.process.directory().join(number.to_string()));
    // The last log has them all, and each line is written to it last.
    let all = async || read(FILTERS.len()).is_ok_and(|text| text.lines().count() == 9).then_some(());
    until("nine lines in the last log", all).await;
    for (number, (filter, expected)) in FILTERS.iter().enumerate() {
        let text = until(format_args!("the lines of {filter}"), async || {
            read(number).ok().filter(|text| text.lines().count() >= 3 * expected.len())
        })
        .await;
        let expected: Vec<_> = [*expected; 3].concat();
        assert_eq!(text.lines().collect::<Vec<_>>(), expected, "{filter}");
    }
}

/// An access log with this filter.
fn log(number: usize, filter: &str) -> String {
    let url = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog";
    let format = "log_format: {text_format_source: {inline_string: \"%REQ(:PATH)%\\n\"}}";
    format!(
        "          - name: filtered
            filter: {{{filter}}}
            typed_config: {{\"@type\": {url}, path: \"${{dir}}/{number}\", {format}}}
"
    )
}
