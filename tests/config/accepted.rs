//! Spellings that Envoy accepts, and what they come to mean.

use prost_types::value::Kind;
use prost_types::{Duration, Struct};
use quicgate::config::proto::envoy::config::accesslog::v3::access_log::ConfigType;
use quicgate::config::proto::envoy::config::bootstrap::v3::Bootstrap;
use quicgate::config::proto::envoy::config::cluster::v3::Cluster;
use quicgate::config::proto::envoy::config::cluster::v3::cluster::{ClusterDiscoveryType, DiscoveryType};
use quicgate::config::proto::envoy::config::core::v3::data_source::Specifier;
use quicgate::config::proto::envoy::config::core::v3::substitution_format_string::Format;
use quicgate::config::proto::envoy::config::core::v3::{DataSource, TrafficDirection};
use quicgate::config::proto::envoy::config::listener::v3::Listener;
use quicgate::config::proto::envoy::extensions::access_loggers::file::v3::FileAccessLog;
use quicgate::config::proto::envoy::extensions::access_loggers::file::v3::file_access_log::AccessLogFormat;
use quicgate::config::{Source, load, unpack};

use super::load_text;

fn accepted(text: &str) -> Bootstrap {
    load_text(text).unwrap_or_else(|report| panic!("{report}")).bootstrap
}

fn listener(fields: &str) -> Listener {
    accepted(&format!("static_resources: {{listeners: [{{name: edge, {fields}}}]}}"))
        .static_resources
        .unwrap()
        .listeners
        .remove(0)
}

fn cluster(fields: &str) -> Cluster {
    accepted(&format!("static_resources: {{clusters: [{{name: backend, {fields}}}]}}"))
        .static_resources
        .unwrap()
        .clusters
        .remove(0)
}

/// An access log of the admin interface, out of the text of its `typed_config`.
fn access_log(typed_config: &str) -> FileAccessLog {
    let text = format!("admin: {{access_log: [{{name: file, typed_config: {{{typed_config}}}}}]}}");
    let admin = accepted(&text).admin.unwrap();
    let Some(ConfigType::TypedConfig(any)) = &admin.access_log[0].config_type else { panic!("no typed_config") };
    unpack(any).unwrap()
}

const FILE: &str = "\"@type\": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog";

#[test]
fn field_names_are_those_of_proto_or_json() {
    let bootstrap = accepted("node: {id: one}\nstatsFlushInterval: 2s");
    assert_eq!(bootstrap.node.unwrap().id, "one");
    assert!(bootstrap.stats_flush_interval.is_some());
}

#[test]
fn integers_may_be_quoted_hexadecimal_octal_or_whole_fractions() {
    for (written, expected) in [("7", 7), ("\"7\"", 7), ("0x10", 16), ("010", 8), ("7.0", 7), ("1e3", 1000), ("+7", 7)]
    {
        let listener = listener(&format!("tcp_backlog_size: {written}"));
        assert_eq!(listener.tcp_backlog_size, Some(expected), "{written}");
    }
    assert_eq!(listener("tcp_backlog_size: {value: 7}").tcp_backlog_size, Some(7));
    assert_eq!(listener("tcp_backlog_size: null").tcp_backlog_size, None);
}

#[test]
fn booleans_are_those_of_yaml_1_1() {
    for (written, expected) in [("yes", true), ("off", false), ("True", true), ("\"false\"", false), ("\"1\"", true)] {
        let listener = listener(&format!("enable_reuse_port: {written}"));
        assert_eq!(listener.enable_reuse_port, Some(expected), "{written}");
    }
}

#[test]
fn enums_take_names_in_any_case_and_numbers() {
    for written in ["OUTBOUND", "outbound", "Outbound", "2", "\"2\""] {
        let listener = listener(&format!("traffic_direction: {written}"));
        assert_eq!(listener.traffic_direction(), TrafficDirection::Outbound, "{written}");
    }
    let discovery = cluster("type: Static").cluster_discovery_type;
    assert_eq!(discovery, Some(ClusterDiscoveryType::Type(DiscoveryType::Static.into())));
}

#[test]
fn durations_are_seconds_with_a_fraction_or_parts() {
    for (written, seconds, nanos) in
        [("5s", 5, 0), ("\"0.25s\"", 0, 250_000_000), ("0.000000001s", 0, 1), ("{seconds: 5, nanos: 1}", 5, 1)]
    {
        let timeout = cluster(&format!("connect_timeout: {written}")).connect_timeout;
        assert_eq!(timeout, Some(Duration { seconds, nanos }), "{written}");
    }
}

#[test]
fn strings_may_look_like_fractions_and_dates() {
    for written in ["1.5", "2026-01-31", "1e3", "5000000000", "\"80\"", "\"true\""] {
        let bootstrap = accepted(&format!("node: {{id: {written}}}"));
        assert_eq!(bootstrap.node.unwrap().id, written.trim_matches('"'), "{written}");
    }
}

#[test]
fn one_value_stands_for_a_list_of_one() {
    let bootstrap = accepted("static_resources: {clusters: {name: backend}}");
    assert_eq!(bootstrap.static_resources.unwrap().clusters[0].name, "backend");
}

#[test]
fn an_anchor_may_be_used_again() {
    let text = "static_resources: {clusters: [{name: one, connect_timeout: &t 3s}, {name: two, connect_timeout: *t}]}";
    let clusters = accepted(text).static_resources.unwrap().clusters;
    assert_eq!(clusters[1].connect_timeout, Some(Duration { seconds: 3, nanos: 0 }));
}

#[test]
fn an_any_is_packed_as_the_message_it_names() {
    let log = access_log(&format!("{FILE}, path: /dev/stdout"));
    assert_eq!(log.path, "/dev/stdout");
}

#[test]
fn a_typed_struct_is_packed_as_the_message_it_stands_for() {
    for (wrapper, url) in [("xds.type.v3", "type.googleapis.com/"), ("udpa.type.v1", "")] {
        let name = "envoy.extensions.access_loggers.file.v3.FileAccessLog";
        let log = access_log(&format!(
            "\"@type\": type.googleapis.com/{wrapper}.TypedStruct, type_url: {url}{name}, value: {{path: /dev/stdout}}"
        ));
        assert_eq!(log.path, "/dev/stdout");
    }
}

#[test]
fn a_struct_keeps_small_integers_and_booleans_and_turns_fractions_into_text() {
    let fields = json_format("{a: 1.5, b: 12, c: 5000000000, d: on, e: \"12\", f: null, g: [1.0, {h: 0x10}]}").fields;
    let kind = |key: &str| fields[key].kind.clone().unwrap();
    assert_eq!(kind("a"), Kind::StringValue("1.5".to_owned()));
    assert_eq!(kind("b"), Kind::NumberValue(12.0));
    assert_eq!(kind("c"), Kind::StringValue("5000000000".to_owned()));
    assert_eq!(kind("d"), Kind::BoolValue(true));
    assert_eq!(kind("e"), Kind::StringValue("12".to_owned()));
    assert_eq!(kind("f"), Kind::NullValue(0));
    let Kind::ListValue(list) = kind("g") else { panic!("no list") };
    assert_eq!(list.values[0].kind, Some(Kind::StringValue("1.0".to_owned())));
    let Some(Kind::StructValue(inner)) = &list.values[1].kind else { panic!("no struct") };
    assert_eq!(inner.fields["h"].kind, Some(Kind::NumberValue(16.0)));
}

fn json_format(text: &str) -> Struct {
    let log = access_log(&format!("{FILE}, path: /dev/stdout, log_format: {{json_format: {text}}}"));
    let Some(AccessLogFormat::LogFormat(format)) = log.access_log_format else { panic!("no log_format") };
    let Some(Format::JsonFormat(format)) = format.format else { panic!("no json_format") };
    format
}

#[test]
fn bytes_are_base64_of_either_alphabet() {
    for written in ["-_8=", "+/8", "-_8"] {
        let text = format!("{FILE}, path: x, log_format: {{text_format_source: {{inline_bytes: \"{written}\"}}}}");
        let Some(AccessLogFormat::LogFormat(format)) = access_log(&text).access_log_format else {
            panic!("no log_format")
        };
        let source = DataSource { specifier: Some(Specifier::InlineBytes(vec![0xfb, 0xff])), ..DataSource::default() };
        assert_eq!(format.format, Some(Format::TextFormatSource(source)), "{written}");
    }
}

#[test]
fn the_same_text_gives_the_same_bytes() {
    let text = "{a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7}";
    let typed_config = format!("{FILE}, path: x, log_format: {{json_format: {text}}}");
    let text = format!("admin: {{access_log: [{{name: file, typed_config: {{{typed_config}}}}}]}}");
    let first = accepted(&text);
    assert!((0..20).all(|_| accepted(&text) == first));
}

#[test]
fn a_json_file_has_json_numbers() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("edge.JSON");
    std::fs::write(&file, "{\"node\": {\"id\": \"one\", \"metadata\": {\"a\": 1.5, \"b\": 5000000000}}}").unwrap();
    let node = load(&Source::File(file)).unwrap_or_else(|report| panic!("{report}")).bootstrap.node.unwrap();
    let fields = node.metadata.unwrap().fields;
    assert_eq!(fields["a"].kind, Some(Kind::NumberValue(1.5)));
    assert_eq!(fields["b"].kind, Some(Kind::NumberValue(5_000_000_000.0)));
}
