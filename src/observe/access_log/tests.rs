//! Whole lines: the default format and formats of users.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version};
use proptest::prelude::*;
use serde_json::json;

use super::*;

/// An exchange through an HTTP/1.1 upstream, with a value for everything.
fn exchange(captures: &Captures) -> Record {
    let socket = |text: &str| Some(text.parse().unwrap());
    let connection = Connection {
        id: 7,
        local: socket("127.0.0.1:443"),
        remote: socket("192.0.2.9:50000"),
        server_name: Some("edge.example".into()),
        filter_chain: Some("chain1".into()),
        listener: Some("l".into()),
        tls: Some(Tls {
            version: Some("TLSv1.3"),
            cipher: Some("TLS_AES_256_GCM_SHA384"),
            group: Some("X25519"),
            session_id: None,
            ..Tls::default()
        }),
        ..Connection::default()
    };
    // 2026-11-21T09:11:48.244Z
    let start = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_252_308_244);
    let mut record = Record::new(start, Arc::new(connection));
    let begin = Instant::now();
    let times = [
        (Point::RequestBegin, 0),
        (Point::RequestEnd, 1),
        (Point::UpstreamRequestEnd, 3),
        (Point::UpstreamResponseBegin, 12),
        (Point::ResponseEnd, 30),
        (Point::Complete, 31),
    ];
    for (point, after) in times {
        record.times.mark(point, begin + Duration::from_millis(after));
    }
    record.protocol = Some(Version::HTTP_2);
    record.status = Some(200);
    record.details = Some("via_upstream".into());
    record.bytes_received = 5;
    record.bytes_sent = 300;
    record.route = Some("rt".into());
    record.remote = socket("9.9.9.9:0");
    record.stream_id = Some(HeaderValue::from_static("b75dcac0-c6dc-4fef-ae11-3602b7316ac4"));
    record.upstream = Upstream {
        cluster: Some("up".into()),
        host: socket("127.0.0.1:8080"),
        local: socket("127.0.0.1:41046"),
        remote: socket("127.0.0.1:8080"),
        connection_id: 2,
        protocol: Some(Version::HTTP_11),
        attempts: 1,
        ..Upstream::default()
    };
    record.captured = captures.start();
    let named = |pairs: &[(&'static str, &'static [u8])]| -> HeaderMap {
        let field = |(name, value): &(&'static str, &'static [u8])| {
            (HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap())
        };
        pairs.iter().map(field).collect()
    };
    let request = named(&[
        ("user-agent", b"curl/8"),
        ("x-envoy-original-path", b"/rew/x?a=1+2&c%20d=3&e=%zz&f=%41&f=2&g"),
        ("x-bytes", b"\"a\\b<\xc3\xa9\xff\t>"),
        ("x-utf8", "é€z".as_bytes()),
        ("content-type", b"application/grpc"),
    ]);
    captures.request(&mut record.captured, &request, |pseudo| {
        Some(HeaderValue::from_static(match pseudo {
            Pseudo::Method => "POST",
            Pseudo::Path => "/ok/x?a=1+2&c%20d=3&e=%zz&f=%41&f=2&g",
            Pseudo::Authority => "edge.example:443",
            Pseudo::Scheme => "https",
            Pseudo::Protocol => return None,
        }))
    });
    let response = named(&[("x-envoy-upstream-service-time", b"11"), ("server", b"envoy")]);
    captures.response(&mut record.captured, StatusCode::OK, &response);
    captures.trailers(&mut record.captured, &named(&[("grpc-status", b"5")]));
    record
}

/// A connection that never became an exchange.
fn nothing(captures: &Captures) -> Record {
    let mut record = Record::new(SystemTime::UNIX_EPOCH, Arc::default());
    record.captured = captures.start();
    record
}

fn line(format: &Format, record: &Record) -> String {
    let mut out = Vec::new();
    format.write(record, &mut out);
    String::from_utf8(out).unwrap()
}

fn text_of(text: &str, record: fn(&Captures) -> Record) -> String {
    let mut captures = Captures::default();
    let format = Format::text(text, EmptyValues::Keep, &mut captures).unwrap();
    line(&format, &record(&captures))
}

fn json_of(template: &serde_json::Value, empty: EmptyValues, record: fn(&Captures) -> Record) -> String {
    let mut captures = Captures::default();
    let format = Format::json(template, empty, &mut captures).unwrap();
    line(&format, &record(&captures))
}

#[test]
fn the_default_line() {
    let mut captures = Captures::default();
    let format = Format::envoy_default(&mut captures).unwrap();
    insta::assert_snapshot!(line(&format, &exchange(&captures)), @r#"[2026-11-21T09:11:48.244Z] "POST /rew/x?a=1+2&c%20d=3&e=%zz&f=%41&f=2&g HTTP/2" 200 - 5 300 31 11 "-" "curl/8" "-" "edge.example:443" "127.0.0.1:8080""#);
    insta::assert_snapshot!(line(&format, &nothing(&captures)), @r#"[1970-01-01T00:00:00.000Z] "- - -" 0 - 0 0 - - "-" "-" "-" "-" "-""#);
    assert!(line(&format, &nothing(&captures)).ends_with("\"\n"));
    let names: Vec<_> = captures.names().map(|(_, name)| name).collect();
    let read = [
        ":method",
        "x-envoy-original-path",
        ":path",
        "x-envoy-upstream-service-time",
        "x-forwarded-for",
        "user-agent",
        "x-request-id",
        ":authority",
    ];
    assert_eq!(names, read);
}

/// Operator, what it says of the exchange, what it says of nothing, both in text and in JSON.
#[test]
fn operators_say_what_envoy_says() {
    let table = OPERATORS.map(|operator| {
        let text = format!("%{operator}%");
        let typed = |record| json_of(&json!({"v": text}), EmptyValues::Keep, record);
        let value = |line: String| {
            line.trim_end().strip_prefix("{\"v\":").and_then(|rest| rest.strip_suffix('}')).unwrap().to_owned()
        };
        let (some, none) = (text_of(&text, exchange), text_of(&text, nothing));
        format!("{operator}: {some} | {none} | {} | {}", value(typed(exchange)), value(typed(nothing)))
    });
    insta::assert_snapshot!(table.join("\n"));
}

#[test]
fn flags_and_reasons_are_printed_as_envoy_prints_them() {
    let mut captures = Captures::default();
    let text = "%RESPONSE_FLAGS% %RESPONSE_FLAGS_LONG% %RESPONSE_CODE_DETAILS% %RESPONSE_CODE_DETAILS(ALLOW_WHITESPACES)% \
        %UPSTREAM_TRANSPORT_FAILURE_REASON%";
    let format = Format::text(text, EmptyValues::Keep, &mut captures).unwrap();
    let mut record = nothing(&captures);
    record.flags = [Flag::UpstreamRetryLimitExceeded, Flag::UpstreamConnectionFailure].into_iter().collect();
    record.details = Some("reset{delayed connect error: refused}".into());
    record.upstream.transport_failure = Some("delayed connect error: Connection refused".into());
    insta::assert_snapshot!(line(&format, &record), @"URX,UF UpstreamRetryLimitExceeded,UpstreamConnectionFailure reset{delayed_connect_error:_refused} reset{delayed connect error: refused} delayed_connect_error:_Connection_refused");
}

#[test]
fn omitted_values_leave_no_dash_in_text() {
    let mut captures = Captures::default();
    let text = "%REQ(nope)%|%RESPONSE_FLAGS%|%PROTOCOL%|%UPSTREAM_HOST%";
    let format = Format::text(text, EmptyValues::Omit, &mut captures).unwrap();
    assert_eq!(line(&format, &nothing(&captures)), "|-||");
}

/// The template and both lines as Envoy 1.40 wrote them for the same answers.
#[test]
fn json_is_sorted_typed_and_escaped_as_envoys() {
    let template = json!({
        "b": "%REQ(x-utf8)%", "a": "%REQ(x-bytes)%",
        "n": {
            "z": "%UPSTREAM_PROTOCOL%",
            "y": ["%RESPONSE_CODE%", "a %RESPONSE_CODE%", "%REQ(nope)%", "lit", {"k": "%REQ(nope)%"}],
            "e": {}, "l": []
        },
        "lit": "x", "two": "%REQ(nope)%%REQ(nope)%", "pct": "100%%", "empty": "", "num": 5, "neg": -3, "t": true, "nul": null,
        "sp": " %RESPONSE_CODE%", "é\"k": "k\"\u{1}<>&/\\é", "cut": "%REQ(x-utf8):1%", "f": 1.5
    });
    insta::assert_snapshot!(json_of(&template, EmptyValues::Keep, exchange), @r#"{"a":"\u0022a\u005cb<\u00c3\u00a9\u00ff\u0009>","b":"é€z","cut":"\u00c3","empty":"","f":1.5,"lit":"x","n":{"e":{},"l":[],"y":[200,"a 200",null,"lit",{"k":null}],"z":"HTTP/1.1"},"neg":-3,"nul":null,"num":5,"pct":"100%","sp":" 200","t":true,"two":"--","é\"k":"k\"\u0001<>&/\\é"}"#);
    insta::assert_snapshot!(json_of(&template, EmptyValues::Omit, exchange), @r#"{"a":"\u0022a\u005cb<\u00c3\u00a9\u00ff\u0009>","b":"é€z","cut":"\u00c3","empty":"","f":1.5,"lit":"x","n":{"l":[],"y":[200,"a 200","lit"],"z":"HTTP/1.1"},"neg":-3,"num":5,"pct":"100%","sp":" 200","t":true,"two":"","é\"k":"k\"\u0001<>&/\\é"}"#);
    assert_eq!(json_of(&json!({"a": {"b": "%REQ(nope)%"}}), EmptyValues::Omit, exchange), "{}\n");
}

#[test]
fn an_error_in_json_names_the_property() {
    let told = |template: serde_json::Value| {
        Format::json(&template, EmptyValues::Keep, &mut Captures::default()).unwrap_err().to_string()
    };
    insta::assert_snapshot!(told(json!({"a": {"b": ["x", "y %REQ(a"]}})), @"in a.b[1]: at byte 2: '%' begins no operator; write %NAME% or %NAME(ARGUMENT):LENGTH%, and %% for a percent sign");
    insta::assert_snapshot!(told(json!({"a": [["%DURATON%"]]})), @"in a[0][0]: at byte 0: no operator is called %DURATON%; did you mean %DURATION%?");
    insta::assert_snapshot!(told(json!(["a"])), @"a json_format is an object: one property for each thing to log");
}

#[test]
fn formats_of_one_log_share_what_is_captured() {
    let mut captures = Captures::default();
    let one = Format::text("%REQ(user-agent)% %REQ(:path)%", EmptyValues::Keep, &mut captures).unwrap();
    let two = Format::json(&json!({"agent": "%REQ(User-Agent)%"}), EmptyValues::Keep, &mut captures).unwrap();
    assert_eq!(captures.names().count(), 2);
    let record = exchange(&captures);
    assert!(line(&one, &record).starts_with("curl/8 /ok/x"));
    assert_eq!(line(&two, &record), "{\"agent\":\"curl/8\"}\n");
}

#[test]
fn a_log_writes_a_line_to_each_sink() {
    let folder = tempfile::tempdir().unwrap();
    let store = crate::observe::stats::Store::new();
    let sinks = Sinks::new(&store);
    let mut captures = Captures::default();
    let logger = |text, name: &str, captures: &mut Captures| Logger {
        filter: Filter::Always,
        format: Format::text(text, EmptyValues::Keep, captures).unwrap(),
        sink: sinks.file(&folder.path().join(name)).unwrap(),
    };
    let one = logger("%RESPONSE_CODE%\n", "a.log", &mut captures);
    let two = logger("%REQ(:method)%\n", "b.log", &mut captures);
    let log = AccessLog::new(captures, vec![one, two]);
    log.log(&exchange(log.captures()));
    sinks.shutdown();
    let read = |name| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!((read("a.log").as_str(), read("b.log").as_str()), ("200\n", "POST\n"));
    assert!(AccessLog::default().is_empty() && !log.is_empty());
}

proptest! {
    #[test]
    fn any_format_is_built_or_refused_and_any_line_is_written(
        text in "(%|%%|[a-z ]|REQ|PATH|\\(|\\)|:[0-9]|DURATION%|START_TIME|%PROTOCOL%|\\PC){0,24}"
    ) {
        let mut captures = Captures::default();
        if let Ok(format) = Format::text(&text, EmptyValues::Keep, &mut captures) {
            line(&format, &nothing(&captures));
        }
    }

    #[test]
    fn a_text_without_operators_is_written_as_it_is(text in "(\\PC|\n){0,40}") {
        prop_assert_eq!(text_of(&text.replace('%', "%%"), nothing), text);
    }

    #[test]
    fn a_json_line_is_json(value: String, name: String) {
        let template = json!({ name: [value.replace('%', "%%"), "%REQ(x-bytes)%"] });
        let line = json_of(&template, EmptyValues::Keep, exchange);
        prop_assert_eq!(line.lines().count(), 1);
        serde_json::from_str::<serde_json::Value>(&line).unwrap();
    }
}

const OPERATORS: [&str; 73] = [
    "START_TIME",
    "START_TIME(%s.%6f)",
    "EMIT_TIME",
    "REQ(:METHOD)",
    "REQ(X-ENVOY-ORIGINAL-PATH?:PATH):4",
    "REQ(host)",
    "REQ_WITHOUT_QUERY(:PATH)",
    "RESP(:status)",
    "RESP(Server)",
    "TRAILER(grpc-status)",
    "PROTOCOL",
    "RESPONSE_CODE",
    "RESPONSE_CODE_DETAILS",
    "RESPONSE_FLAGS",
    "RESPONSE_FLAGS_LONG",
    "BYTES_RECEIVED",
    "BYTES_SENT",
    "DURATION",
    "REQUEST_DURATION",
    "REQUEST_TX_DURATION",
    "RESPONSE_DURATION",
    "RESPONSE_TX_DURATION",
    "ROUNDTRIP_DURATION",
    "COMMON_DURATION(DS_RX_BEG:US_RX_BEG:us)",
    "COMMON_DURATION(US_RX_BEG:DS_RX_BEG)",
    "DOWNSTREAM_HANDSHAKE_DURATION",
    "UPSTREAM_CONNECTION_POOL_READY_DURATION",
    "UPSTREAM_HOST",
    "UPSTREAM_HOST_NAME",
    "UPSTREAM_CLUSTER",
    "UPSTREAM_LOCAL_ADDRESS",
    "UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT",
    "UPSTREAM_LOCAL_PORT",
    "UPSTREAM_REMOTE_ADDRESS",
    "UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT",
    "UPSTREAM_REMOTE_PORT",
    "UPSTREAM_PROTOCOL",
    "UPSTREAM_REQUEST_ATTEMPT_COUNT",
    "UPSTREAM_CONNECTION_ID",
    "UPSTREAM_TRANSPORT_FAILURE_REASON",
    "DOWNSTREAM_REMOTE_ADDRESS",
    "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT",
    "DOWNSTREAM_REMOTE_PORT",
    "DOWNSTREAM_DIRECT_REMOTE_ADDRESS",
    "DOWNSTREAM_LOCAL_ADDRESS",
    "DOWNSTREAM_LOCAL_PORT",
    "DOWNSTREAM_DIRECT_LOCAL_ADDRESS",
    "DOWNSTREAM_TLS_VERSION",
    "DOWNSTREAM_TLS_CIPHER",
    "DOWNSTREAM_TLS_GROUP",
    "DOWNSTREAM_TLS_SESSION_ID",
    "DOWNSTREAM_DETECTED_CLOSE_TYPE",
    "DOWNSTREAM_LOCAL_CLOSE_REASON",
    "REQUESTED_SERVER_NAME",
    "REQUESTED_SERVER_NAME(HOST_FIRST)",
    "ROUTE_NAME",
    "CONNECTION_ID",
    "STREAM_ID",
    "GRPC_STATUS",
    "GRPC_STATUS(SNAKE_STRING)",
    "GRPC_STATUS_NUMBER",
    "LOCAL_REPLY_BODY",
    "CONNECTION_TERMINATION_DETAILS",
    "RESPONSE_HEADERS_BYTES",
    "FILTER_CHAIN_NAME",
    "LISTENER_NAME",
    "ENVIRONMENT(NO_SUCH_VARIABLE)",
    "ACCESS_LOG_TYPE",
    "PATH(NQ)",
    "PATH(WQ:PATH):5",
    "QUERY_PARAM(f)",
    "QUERY_PARAM(c d)",
    "QUERY_PARAM(g)",
];
