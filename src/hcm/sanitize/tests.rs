//! What passes, what is removed and what is added, field by field.

use super::*;

const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 7));

fn identity() -> Identity {
    Identity {
        use_remote_address: false,
        skip_xff_append: false,
        trusted_hops: 0,
        detections: Box::default(),
        internal: Box::default(),
        forwarded_port: false,
        scheme: None,
        agent: None,
        generate_request_id: true,
        preserve_request_id: false,
        via: None,
    }
}

fn edge() -> Identity {
    Identity { use_remote_address: true, ..identity() }
}

fn sanitized(fields: &[(&'static str, &'static str)], identity: &Identity) -> (HeaderMap, IpAddr) {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(*name, HeaderValue::from_static(value));
    }
    let origin = Origin { peer: PEER, port: Some(443), scheme: "https" };
    let client = request(&mut headers, origin, identity).unwrap();
    (headers, client.address)
}

fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}

#[test]
fn rfc9110_7_6_1_fields_of_the_connection_stay_here() {
    let (headers, _) = sanitized(
        &[
            ("connection", "keep-alive, x-mine"),
            ("x-mine", "1"),
            ("keep-alive", "5"),
            ("proxy-connection", "x"),
            ("upgrade", "h2c"),
            ("te", "gzip, trailers;q=1"),
            ("trailer", "x-sum"),
            ("x-other", "2"),
        ],
        &identity(),
    );
    for gone in ["connection", "x-mine", "keep-alive", "proxy-connection", "upgrade"] {
        assert_eq!(value(&headers, gone), None, "{gone}");
    }
    assert_eq!(value(&headers, "te"), Some("trailers"));
    assert_eq!(value(&headers, "trailer"), Some("x-sum"));
    assert_eq!(value(&headers, "x-other"), Some("2"));
}

#[test]
fn rfc8470_5_1_a_nominated_early_data_stays() {
    let (headers, _) = sanitized(&[("connection", "early-data"), ("early-data", "1")], &identity());
    assert_eq!(value(&headers, "early-data"), Some("1"));
}

#[test]
fn rfc9110_7_6_1_a_nominated_host_stays() {
    let (headers, _) = sanitized(&[("connection", "host"), ("host", "a.test")], &identity());
    assert_eq!(value(&headers, "host"), Some("a.test"));
}

/// As Envoy: who takes it away becomes somebody else.
#[test]
fn who_the_client_is_cannot_be_taken_away() {
    let origin = Origin { peer: PEER, port: Some(443), scheme: "https" };
    for name in ["x-forwarded-for", "X-Forwarded-For", "x-forwarded-host", "x-forwarded-proto"] {
        let mut headers = HeaderMap::new();
        headers.insert("connection", format!("close, {name}").try_into().unwrap());
        let refused = request(&mut headers, origin, &edge());
        let details = |failure: &Failure| matches!(failure, Failure::DownstreamProtocol(details) if details == "http1.connection_header_rejected");
        assert!(refused.as_ref().is_err_and(details), "{name} {refused:?}");
    }
}

#[test]
fn what_the_gateway_reads_itself_cannot_be_taken_away() {
    let detections = [Detection::Field { name: HeaderName::from_static("x-me"), trusted: true, reject: None }];
    let identity = Identity { detections: detections.into(), ..identity() };
    for name in ["x-forwarded-port", "x-forwarded-client-cert", "x-envoy-foo", "x-request-id", "x-me"] {
        let (headers, client) = sanitized(&[("connection", name), (name, "9.9.9.9")], &identity);
        assert_eq!(value(&headers, name), Some("9.9.9.9"), "{name}");
        assert_eq!(client.to_string() == "9.9.9.9", name == "x-me", "{name}");
    }
}

#[test]
fn a_client_cannot_steer_the_gateway() {
    let fields = [("x-envoy-retry-on", "5xx"), ("x-envoy-internal", "true"), ("x-envoy-foo", "kept")];
    let (headers, _) = sanitized(&fields, &identity());
    assert_eq!(value(&headers, "x-envoy-retry-on"), None);
    assert_eq!(value(&headers, "x-envoy-internal"), None);
    assert_eq!(value(&headers, "x-envoy-foo"), Some("kept"));
}

#[test]
fn at_the_edge_the_connection_says_who_the_client_is() {
    let fields = [("x-forwarded-for", "8.8.8.8"), ("x-forwarded-proto", "ftp"), ("x-request-id", "mine")];
    let (headers, client) = sanitized(&fields, &edge());
    assert_eq!(client, PEER);
    assert_eq!(value(&headers, "x-forwarded-for"), Some("8.8.8.8,203.0.113.7"));
    assert_eq!(value(&headers, "x-forwarded-proto"), Some("https"));
    assert_eq!(value(&headers, "x-envoy-external-address"), Some("203.0.113.7"));
    assert_ne!(value(&headers, "x-request-id"), Some("mine"));
}

#[test]
fn behind_a_proxy_what_it_says_is_kept() {
    let fields = [("x-forwarded-for", "8.8.8.8"), ("x-forwarded-proto", "http"), ("x-request-id", "mine")];
    let (headers, client) = sanitized(&fields, &identity());
    assert_eq!(client, "8.8.8.8".parse::<IpAddr>().unwrap());
    assert_eq!(value(&headers, "x-forwarded-for"), Some("8.8.8.8"));
    assert_eq!(value(&headers, "x-forwarded-proto"), Some("http"));
    assert_eq!(value(&headers, "x-request-id"), Some("mine"));
}

#[test]
fn trusted_hops_are_counted_from_the_end() {
    let fields = [("x-forwarded-for", "1.1.1.1, 2.2.2.2,3.3.3.3")];
    let hops = |use_remote_address, trusted_hops| {
        sanitized(&fields, &Identity { use_remote_address, trusted_hops, ..identity() }).1.to_string()
    };
    assert_eq!(hops(true, 1), "3.3.3.3");
    assert_eq!(hops(true, 2), "2.2.2.2");
    assert_eq!(hops(false, 1), "2.2.2.2");
    assert_eq!(hops(false, 9), PEER.to_string());
}

#[test]
fn via_is_appended() {
    let via = Some(HeaderValue::from_static("1.1 me"));
    let (headers, _) = sanitized(&[("via", "1.1 b")], &Identity { via, ..identity() });
    assert_eq!(value(&headers, "via"), Some("1.1 b, 1.1 me"));
}

#[test]
fn via_of_several_lines_is_one() {
    let via = Some(HeaderValue::from_static("1.1 me"));
    let (headers, _) = sanitized(&[("via", "1.1 a"), ("via", "1.1 b")], &Identity { via, ..identity() });
    assert_eq!(headers.get_all("via").iter().collect::<Vec<_>>(), ["1.1 a,1.1 b, 1.1 me"]);
}

#[test]
fn a_request_id_is_made_only_where_asked_for() {
    let (headers, _) = sanitized(&[], &Identity { generate_request_id: false, ..identity() });
    assert_eq!(value(&headers, "x-request-id"), None);
    let (headers, _) = sanitized(&[("x-request-id", "mine")], &Identity { preserve_request_id: true, ..edge() });
    assert_eq!(value(&headers, "x-request-id"), Some("mine"));
}
