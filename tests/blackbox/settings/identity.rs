//! What the gateway says of the client, of the request and of itself.

use crate::edge::{ALL, Edge, cluster};
use crate::support::backend::{Backend, Received, Script};
use crate::support::client::Version;
use crate::support::message::{Reply, Request, field};

/// A gateway with settings of the connection manager, and what becomes of requests there.
struct Seen {
    backend: Backend,
    edge: Edge,
}

impl Seen {
    async fn with(settings: &str) -> Self {
        let backend = Backend::echo().await;
        let edge = Edge::with(&backend, ALL, &format!("          {settings}\n")).await;
        Self { backend, edge }
    }

    /// What the backend received and what the client got, over each version.
    async fn of(&self, request: &Request) -> Vec<(Version, Received, Reply)> {
        let mut seen = Vec::new();
        for version in Version::ALL {
            let reply = self.edge.client(version).await.send(request.clone()).await;
            assert_eq!(reply.status, 200, "{version:?}");
            seen.push((version, self.backend.received().pop().expect("a request"), reply));
        }
        seen
    }

    /// The value of a field that the backend received, the same over all versions.
    async fn received(&self, request: Request, name: &str) -> Option<String> {
        let mut values: Vec<_> = self.of(&request).await.into_iter().map(|(_, seen, _)| value(&seen, name)).collect();
        values.dedup();
        assert_eq!(values.len(), 1, "{name}: {values:?}");
        values.pop().flatten()
    }
}

fn value(received: &Received, name: &str) -> Option<String> {
    field(&received.headers, name).map(str::to_owned)
}

fn forwarded() -> Request {
    Request::get("/").header("x-forwarded-for", "8.8.8.8")
}

#[tokio::test]
async fn who_the_client_is() {
    let (list, address) = ("x-forwarded-for", "x-envoy-external-address");
    for (settings, forwarded_for, external) in [
        ("use_remote_address: false", "8.8.8.8", None),
        ("use_remote_address: true", "8.8.8.8,127.0.0.1", Some("127.0.0.1")),
        ("use_remote_address: true\n          skip_xff_append: true", "8.8.8.8", Some("127.0.0.1")),
        ("use_remote_address: true\n          xff_num_trusted_hops: 1", "8.8.8.8,127.0.0.1", Some("8.8.8.8")),
    ] {
        let seen = Seen::with(settings).await;
        assert_eq!(seen.received(forwarded(), list).await.as_deref(), Some(forwarded_for), "{settings}");
        assert_eq!(seen.received(forwarded(), address).await.as_deref(), external, "{settings}");
    }
}

#[tokio::test]
async fn who_is_one_of_our_own() {
    let own = "internal_address_config: {cidr_ranges: [{address_prefix: 127.0.0.0, prefix_len: 8}]}";
    let edge = format!("use_remote_address: true\n          {own}");
    let inner = format!("use_remote_address: false\n          {own}");
    for (settings, list, internal) in [
        ("use_remote_address: true", None, false),
        (&edge, None, true),
        (&edge, Some("127.0.0.1"), false),
        (&inner, None, false),
        (&inner, Some("127.0.0.1"), true),
        (&inner, Some("8.8.8.8, 127.0.0.1"), false),
        (&inner, Some("8.8.8.8"), false),
    ] {
        let seen = Seen::with(settings).await;
        let request = Request::get("/").header("x-envoy-ip-tags", "t").header("x-envoy-retry-on", "5xx");
        let request = list.iter().fold(request, |request, list| request.header("x-forwarded-for", list));
        let request = request.header("x-envoy-internal", "perhaps").header("x-request-id", "mine");
        let told = |name: &'static str| seen.received(request.clone(), name);
        assert_eq!(told("x-envoy-internal").await.as_deref(), internal.then_some("true"), "{settings} {list:?}");
        assert_eq!(told("x-envoy-ip-tags").await.is_some(), internal, "{settings} {list:?}");
        assert_eq!(told("x-envoy-retry-on").await, None, "{settings} {list:?}: it is for the gateway");
        if settings.starts_with("use_remote_address: true") && internal {
            assert_eq!(told("x-envoy-external-address").await, None, "{settings} {list:?}");
            assert_eq!(told("x-request-id").await.as_deref(), Some("mine"), "{settings} {list:?}");
        }
    }
}

/// As Envoy: without the list it would be one of our own.
#[tokio::test]
async fn who_the_client_is_cannot_be_taken_away() {
    let own = "internal_address_config: {cidr_ranges: [{address_prefix: 127.0.0.0, prefix_len: 8}]}";
    let seen = Seen::with(&format!("use_remote_address: true\n          {own}")).await;
    let mut log = seen.edge.process.log("access.log");
    let asked = |nominated: &str| forwarded().header("connection", nominated).header("x-envoy-ip-tags", "t");
    let reply = seen.edge.client(Version::Http1).await.send(asked("close, X-Forwarded-For")).await;
    let line = log.lines(1).await.remove(0);
    assert_eq!((reply.status, &line["details"]), (400, &"http1.connection_header_rejected".into()), "{line}");
    assert!(seen.backend.received().is_empty());
    let reply = seen.edge.client(Version::Http1).await.send(asked("close, x-forwarded-port")).await;
    let received = seen.backend.received().pop().expect("a request");
    assert_eq!((reply.status, value(&received, "x-envoy-ip-tags")), (200, None), "{received}");
}

#[tokio::test]
async fn who_is_one_of_our_own_need_not_come_over_tls() {
    let backend = Backend::echo().await;
    let tls = ("            - name: edge\n", "            - name: edge\n              require_tls: EXTERNAL_ONLY\n");
    let place = "          access_log:\n          - name: envoy.access_loggers.file\n            typed_config";
    for (range, status) in [("127.0.0.0", 200), ("10.0.0.0", 301)] {
        let own = format!("internal_address_config: {{cidr_ranges: [{{address_prefix: {range}, prefix_len: 8}}]}}");
        let with = format!("          use_remote_address: true\n          {own}\n{place}");
        let edge = Edge::altered(&backend, &[tls, (place, &with)]).await;
        let reply = edge.process.plain_client("http").await.send(Request::get("/")).await;
        assert_eq!(reply.status, status, "{range}");
    }
}

#[tokio::test]
async fn which_port_was_asked() {
    let port = "x-forwarded-port";
    for (settings, own, told) in [
        ("append_x_forwarded_port: false", None, false),
        ("append_x_forwarded_port: true", None, true),
        ("append_x_forwarded_port: true", Some("1"), false),
        ("append_x_forwarded_port: true\n          use_remote_address: true", Some("1"), true),
    ] {
        let seen = Seen::with(settings).await;
        let request = own.iter().fold(Request::get("/"), |request, own| request.header(port, own));
        for (version, received, _) in seen.of(&request).await {
            let listener = if version == Version::Http3 { "http3" } else { "https" };
            let listens = seen.edge.process.address(listener).port().to_string();
            let expected = if told { Some(listens) } else { own.map(str::to_owned) };
            assert_eq!(value(&received, port), expected, "{version:?} {settings}");
        }
    }
}

fn extension(kind: &str, fields: &str) -> String {
    let url = format!("type.googleapis.com/envoy.extensions.http.original_ip_detection.{kind}");
    format!("{{name: by, typed_config: {{\"@type\": {url}, {fields}}}}}")
}

#[tokio::test]
async fn extensions_say_who_the_client_is() {
    let hops = |fields: &str| extension("xff.v3.XffConfig", fields);
    let trusting = |address: &str, more: &str| {
        let range = |address: &str| format!("{{address_prefix: {address}, prefix_len: 8}}");
        let ranges = [range(address), range("10.0.0.0")].join(", ");
        hops(&format!("xff_trusted_cidrs: {{cidrs: [{ranges}]}}{more}"))
    };
    let custom =
        |fields: &str| extension("custom_header.v3.CustomHeaderConfig", &format!("header_name: x-client{fields}"));
    let (list, client) = ("x-forwarded-for", "x-client");
    // The extension, the field that is sent, the list that is received, the client in the log.
    for (by, name, sent, received, expected) in [
        (hops("xff_num_trusted_hops: 0"), list, "1.1.1.1, 2.2.2.2", "1.1.1.1, 2.2.2.2", "2.2.2.2"),
        (hops("xff_num_trusted_hops: 1"), list, "1.1.1.1, 2.2.2.2", "1.1.1.1, 2.2.2.2", "1.1.1.1"),
        (hops("skip_xff_append: false"), list, "1.1.1.1", "1.1.1.1,127.0.0.1", "1.1.1.1"),
        (trusting("127.0.0.0", ""), list, "1.1.1.1, 10.0.0.1,10.0.0.2", "1.1.1.1, 10.0.0.1,10.0.0.2", "1.1.1.1"),
        (trusting("127.0.0.0", ""), list, "10.0.0.1, 10.0.0.2", "10.0.0.1, 10.0.0.2", "10.0.0.1"),
        (trusting("127.0.0.0", ""), list, "bad, 10.0.0.2", "bad, 10.0.0.2", "127.0.0.1"),
        (trusting("127.0.0.0", ", skip_xff_append: false"), list, "1.1.1.1", "1.1.1.1,127.0.0.1", "1.1.1.1"),
        (trusting("128.0.0.0", ""), list, "1.1.1.1", "1.1.1.1,127.0.0.1", "127.0.0.1"),
        (custom(""), client, "2.2.2.2", "", "2.2.2.2"),
        (custom(""), client, "nobody", "", "127.0.0.1"),
        (format!("{}, {}", custom(""), hops("xff_num_trusted_hops: 0")), list, "7.7.7.7", "7.7.7.7", "7.7.7.7"),
    ] {
        let logged = ("upstream: \"%UPSTREAM_HOST%\"", "upstream: \"%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%\"");
        let with = format!(
            "http_protocol_options: {{enable_trailers: true}}\n          original_ip_detection_extensions: [{by}]"
        );
        let backend = Backend::echo().await;
        let edge = Edge::altered(
            &backend,
            &[
                (
                    "http_protocol_options: {enable_trailers: true}\n          access_log",
                    &format!("{with}\n          access_log"),
                ),
                logged,
            ],
        )
        .await;
        let seen = Seen { backend, edge };
        for (version, request, _) in seen.of(&Request::get("/").header(name, sent)).await {
            assert_eq!(value(&request, list).unwrap_or_default(), received, "{version:?} {by}");
        }
        for line in seen.edge.process.log("access.log").lines(3).await {
            assert_eq!(line["upstream"], expected, "{line} {by} {sent}");
        }
    }
}

#[tokio::test]
async fn an_extension_may_insist_on_an_address_and_be_trusted() {
    let custom = |fields: &str| {
        let extension = extension("custom_header.v3.CustomHeaderConfig", &format!("header_name: x-client, {fields}"));
        format!("original_ip_detection_extensions: [{extension}]")
    };
    let own = "internal_address_config: {cidr_ranges: [{address_prefix: 2.0.0.0, prefix_len: 8}]}";
    let request = || Request::get("/").header("x-client", "2.2.2.2");
    for (trusted, told) in [(true, Some("true")), (false, None)] {
        let fields = format!("allow_extension_to_set_address_as_trusted: {trusted}");
        let seen = Seen::with(&format!("{}\n          {own}", custom(&fields))).await;
        assert_eq!(seen.received(request(), "x-envoy-internal").await.as_deref(), told);
    }
    for (code, status) in [("Unauthorized", 401), ("OK", 403)] {
        let seen = Seen::with(&custom(&format!("reject_with_status: {{code: {code}}}"))).await;
        let mut log = seen.edge.process.log("access.log");
        for version in Version::ALL {
            let client = seen.edge.client(version).await;
            assert_eq!(client.send(Request::get("/")).await.status, status, "{version:?}");
            let line = log.lines(1).await.pop().expect("a line");
            assert_eq!(line["details"], "rejecting_because_detection_failed", "{version:?}");
            assert_eq!(client.send(request()).await.status, 200, "{version:?}");
            log.lines(1).await;
        }
    }
}

#[tokio::test]
async fn upstreams_are_told_of_this_instance() {
    let (cluster, node) = ("x-envoy-downstream-service-cluster", "x-envoy-downstream-service-node");
    let backend = Backend::echo().await;
    let named = ("static_resources:\n", "node: {id: one, cluster: ones}\nstatic_resources:\n");
    let place = "http_protocol_options: {enable_trailers: true}\n          access_log";
    let told = format!("add_user_agent: true\n          {place}");
    let edge = Edge::altered(&backend, &[named, (place, &told)]).await;
    let seen = Seen { backend, edge };
    for (agent, expected) in [(None, "ones"), (Some("mine"), "mine")] {
        let request = agent.iter().fold(Request::get("/"), |request, agent| request.header("user-agent", agent));
        let request = request.header(cluster, "other");
        assert_eq!(seen.received(request.clone(), "user-agent").await.as_deref(), Some(expected));
        assert_eq!(seen.received(request.clone(), cluster).await.as_deref(), Some("ones"));
        assert_eq!(seen.received(request, node).await.as_deref(), Some("one"));
    }
    let silent = Seen::with("add_user_agent: false").await;
    assert_eq!(silent.received(Request::get("/"), cluster).await, None);
}

#[tokio::test]
async fn which_scheme_a_request_has() {
    for (settings, expected) in [
        ("scheme_header_transformation: {scheme_to_overwrite: http}", "http"),
        ("scheme_header_transformation: {scheme_to_overwrite: https}", "https"),
        ("", "https"),
    ] {
        let seen = Seen::with(settings).await;
        assert_eq!(seen.received(Request::get("/"), "x-forwarded-proto").await.as_deref(), Some(expected));
    }
}

#[tokio::test]
async fn which_request_it_is() {
    let own = || Request::get("/").header("x-request-id", "mine");
    let made = Seen::with("generate_request_id: true").await;
    for (version, received, reply) in made.of(&Request::get("/")).await {
        assert_eq!(value(&received, "x-request-id").map(|id| id.len()), Some(36), "{version:?}");
        assert_eq!(reply.header("x-request-id"), None, "{version:?}");
    }
    let none = Seen::with("generate_request_id: false").await;
    assert_eq!(none.received(Request::get("/"), "x-request-id").await, None);
    let edge = Seen::with("use_remote_address: true").await;
    for (version, received, _) in edge.of(&own()).await {
        assert_ne!(value(&received, "x-request-id").as_deref(), Some("mine"), "{version:?}");
    }
    let kept = Seen::with("use_remote_address: true\n          preserve_external_request_id: true").await;
    assert_eq!(kept.received(own(), "x-request-id").await.as_deref(), Some("mine"));
    let told = Seen::with("always_set_request_id_in_response: true").await;
    for (version, received, reply) in told.of(&Request::get("/")).await {
        assert!(reply.header("x-request-id").is_some(), "{version:?}");
        assert_eq!(reply.header("x-request-id"), value(&received, "x-request-id").as_deref(), "{version:?}");
    }
}

#[tokio::test]
async fn which_way_a_message_took() {
    let named = Seen::with("via: 1.1 edge").await;
    for (version, received, reply) in named.of(&Request::get("/").header("via", "1.1 before")).await {
        assert_eq!(value(&received, "via").as_deref(), Some("1.1 before, 1.1 edge"), "{version:?}");
        assert_eq!(reply.header("via"), Some("1.1 edge"), "{version:?}");
    }
    let silent = Seen::with("via: \"\"").await;
    for (version, received, reply) in silent.of(&Request::get("/")).await {
        assert_eq!((value(&received, "via"), reply.header("via")), (None, None), "{version:?}");
    }
}

#[tokio::test]
async fn a_way_in_several_lines_goes_on_in_one() {
    let named = Seen::with("via: 1.1 edge").await;
    for (version, received, _) in named.of(&Request::get("/").header("via", "1.1 a").header("via", "1.1 b")).await {
        assert_eq!(value(&received, "via").as_deref(), Some("1.1 a,1.1 b, 1.1 edge"), "{version:?}");
    }
}

#[tokio::test]
async fn which_server_answers() {
    let backend = Backend::start(|received| match received.path() {
        "/named" => Script::bytes("HTTP/1.1 200 OK\r\nserver: origin\r\ncontent-length: 0\r\n\r\n"),
        _ => Script::reply(200, ""),
    })
    .await;
    for (settings, of_named, of_nameless) in [
        ("", Some("quicgate"), Some("quicgate")),
        ("server_name: edge", Some("edge"), Some("edge")),
        ("server_header_transformation: OVERWRITE", Some("quicgate"), Some("quicgate")),
        ("server_header_transformation: APPEND_IF_ABSENT", Some("origin"), Some("quicgate")),
        ("server_header_transformation: PASS_THROUGH", Some("origin"), None),
    ] {
        let edge = Edge::with(&backend, ALL, &format!("          {settings}\n")).await;
        for version in Version::ALL {
            let client = edge.client(version).await;
            for (path, expected) in [("/named", of_named), ("/nameless", of_nameless)] {
                let reply = client.send(Request::get(path)).await;
                assert_eq!(reply.header("server"), expected, "{settings} {version:?} {path}");
            }
        }
    }
}

#[tokio::test]
async fn what_went_wrong_is_told_as_the_status_of_the_proxy() {
    let backend = Backend::start(|_| Script::reply(503, "mine")).await;
    let routes = "
              - {match: {prefix: /none}, route: {cluster: empty}}
              - {match: {prefix: /up}, route: {cluster: backend}}
";
    let clusters = [cluster("backend", &backend.address().to_string()), "  - {name: empty}\n".to_owned()].concat();
    let (none, gone) = ("error=destination_unavailable", "error=destination_not_found");
    let (no_host, no_way) = ("; details=\"no_healthy_upstream; UH\"", "; details=\"route_not_found; NR\"");
    // Name, details of the host that is not there, details of the route that is not there, its status.
    for (config, name, none_details, gone_details, gone_status) in [
        ("{}", "quicgate", no_host, no_way, 404),
        ("{literal_proxy_name: edge}", "edge", no_host, no_way, 404),
        ("{literal_proxy_name: my edge}", "\"my edge\"", no_host, no_way, 404),
        ("{use_node_id: true}", "one", no_host, no_way, 404),
        ("{use_node_id: false, remove_details: true}", "quicgate", "", "", 404),
        (
            "{remove_response_flags: true}",
            "quicgate",
            "; details=\"no_healthy_upstream\"",
            "; details=\"route_not_found\"",
            404,
        ),
        ("{set_recommended_response_code: true}", "quicgate", no_host, no_way, 500),
    ] {
        let place = "http_protocol_options: {enable_trailers: true}\n          access_log";
        let yaml = Edge::yaml_in_front_of(&clusters, routes);
        let yaml = yaml.replace(place, &format!("proxy_status_config: {config}\n          {place}"));
        let edge = Edge::of(&format!("node: {{id: one}}\n{yaml}")).await;
        for version in Version::ALL {
            let client = edge.client(version).await;
            let reply = client.send(Request::get("/none")).await;
            let expected = format!("{name}; {none}{none_details}");
            let told = (reply.status, reply.header("proxy-status"));
            assert_eq!(told, (503, Some(expected.as_str())), "{version:?} {config}");
            let reply = client.send(Request::get("/gone")).await;
            let expected = format!("{name}; {gone}{gone_details}");
            let told = (reply.status, reply.header("proxy-status"));
            assert_eq!(told, (gone_status, Some(expected.as_str())), "{version:?} {config}");
            let reply = client.send(Request::get("/up")).await;
            assert_eq!((reply.status, reply.header("proxy-status")), (503, None), "{version:?} {config}");
        }
    }
}
