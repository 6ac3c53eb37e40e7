//! The examples at work: each is started as it stands, but for ports and the paths of certificates.

use std::fs;

use crate::clone::text;
use crate::support::backend::Backend;
use crate::support::certificates::Certificates;
use crate::support::client::Version;
use crate::support::deadline::until;
use crate::support::message::Request;
use crate::support::process::Process;
use crate::support::program::Gateway;

#[tokio::test]
async fn examples_with_tls_serve_their_backend_over_all_versions() {
    for example in ["minimal.yaml", "edge.yaml", "docker-tls.yaml"] {
        let backend = Backend::echo().await;
        let gateway = start(example, &backend, &backend).await;
        for version in Version::ALL {
            let listener = if version == Version::Http3 { "http3" } else { "https" };
            let reply = gateway.client(version, listener).await.send(Request::get("/a?b=c")).await;
            assert_eq!(reply.status, 200, "{example} over {version:?}");
            assert!(reply.text().starts_with("GET /a?b=c HTTP/1.1\n"), "{example} over {version:?}: {}", reply.text());
        }
    }
}

#[tokio::test]
async fn the_routes_of_the_edge_lead_where_they_say() {
    let (web, api) = (Backend::echo().await, Backend::echo().await);
    let gateway = start("edge.yaml", &web, &api).await;
    let clear = gateway.plain_client("http").await;
    let reply = clear.send(Request::get("/a?b=c").authority("localhost:8080")).await;
    assert_eq!((reply.status, reply.header("location")), (301, Some("https://localhost:8443/a?b=c")));

    for version in Version::ALL {
        let client = gateway.client(version, if version == Version::Http3 { "http3" } else { "https" }).await;
        let reply = client.send(Request::get("/healthz")).await;
        assert_eq!((reply.status, reply.text().as_str()), (200, "ok\n"), "{version:?}");
        let reply = client.send(Request::get("/old/x?y")).await;
        assert_eq!((reply.status, reply.header("location")), (308, Some("https://localhost/new/x?y")), "{version:?}");
        for request in [Request::get("/api/v2/x"), Request::get("/z").header("x-preview", "yes")] {
            assert_eq!(client.send(request).await.status, 200, "{version:?}");
        }
        assert_eq!(client.send(Request::get("/api/vx/x")).await.status, 200, "{version:?}");
    }
    // `api` is the second of the two, between which `web` takes turns.
    let (first, second) = (targets(&web), targets(&api));
    let of_web = |targets: &[String]| targets.iter().filter(|target| *target == "/api/vx/x").count();
    assert_eq!((of_web(&first), of_web(&first) + of_web(&second)), (first.len(), 3), "{first:?} {second:?}");
    let of_api: Vec<&String> = second.iter().filter(|target| *target != "/api/vx/x").collect();
    assert_eq!(of_api, ["/api/v2/x", "/preview/z"].repeat(3));
}

#[tokio::test]
async fn the_example_without_tls_believes_the_proxy_in_front() {
    let backend = Backend::echo().await;
    let gateway = start("http1-only.yaml", &backend, &backend).await;
    let request = Request::get("/").header("x-forwarded-for", "192.0.2.1");
    let reply = gateway.plain_client("http").await.send(request).await;
    assert_eq!(reply.status, 200);
    assert!(reply.text().contains("\nx-envoy-external-address: 192.0.2.1\n"), "{}", reply.text());
}

#[tokio::test]
async fn the_example_of_an_http3_backend_reaches_it() {
    let backend = Backend::echo().await;
    let behind = start("minimal.yaml", &backend, &backend).await;
    let authority = Certificates::of_this_run().authority.replace('\n', "\\n");
    let port = behind.address("http3").port().to_string();
    let text =
        on_free_ports(&text("config/http3-upstream.yaml")).replace("port_value: 10443", &format!("port_value: {port}"));
    let text = text.replace("filename: certs/ca.crt", &format!("inline_string: \"{authority}\""));
    let gateway = Gateway::start(&text).await;
    let reply = gateway.plain_client("http").await.send(Request::get("/a?b=c")).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(reply.text().contains("\nhost: localhost:10443\n"), "{}", reply.text());
    assert_eq!(gateway.stats().await.of("cluster.demo.upstream_cx_http3_total"), 1);
}

#[tokio::test]
async fn the_example_of_a_backend_under_tls_reaches_it() {
    let backend = Backend::echo().await;
    let behind = start("minimal.yaml", &backend, &backend).await;
    let authority = Certificates::of_this_run().authority.replace('\n', "\\n");
    let port = behind.address("https").port().to_string();
    let text =
        on_free_ports(&text("config/https-upstream.yaml")).replace("port_value: 10443", &format!("port_value: {port}"));
    let text = text.replace("filename: certs/ca.crt", &format!("inline_string: \"{authority}\""));
    let gateway = Gateway::start(&text).await;
    let reply = gateway.plain_client("http").await.send(Request::get("/a?b=c")).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(reply.text().contains("\nhost: localhost:10443\n"), "{}", reply.text());
    assert_eq!(gateway.stats().await.of("cluster.demo.ssl.versions.TLSv1.3"), 1);
}

#[tokio::test]
async fn the_access_logs_get_their_lines() {
    let text = text("config/access-log.yaml").replace("path: access.log", "path: \"${dir}/access.log\"");
    let gateway = Gateway::start(&on_free_ports(&text)).await;
    let reply = gateway.plain_client("http").await.send(Request::get("/a").header("user-agent", "test")).await;
    assert_eq!((reply.status, reply.text().as_str()), (200, "see the logs\n"));
    let logged = || gateway.standard_error().lines().find(|line| line.starts_with('{')).map(str::to_owned);
    let json = until("a line in JSON", async || logged()).await;
    let expected = r#"{"agent":"test","details":"direct_response","method":"GET","path":"/a","status":200}"#;
    assert_eq!(json, expected);
    let file = gateway.directory().join("access.log");
    let whole = || fs::read_to_string(&file).ok().filter(|text| text.ends_with('\n'));
    let line = until("a line in the file", async || whole()).await;
    assert!(line.contains("] \"GET /a HTTP/1.1\" 200 - 0 13 "), "{line}");
}

#[tokio::test]
async fn the_container_image_says_what_to_do_next() {
    let gateway = Gateway::start(&on_free_ports(&text("config/docker.yaml"))).await;
    let reply = gateway.plain_client("http").await.send(Request::get("/")).await;
    assert_eq!(reply.status, 200);
    assert!(reply.text().contains("/etc/quicgate/quicgate.yaml"), "{}", reply.text());
}

/// Starts an example in front of the backends that stand for 8081 and 8082.
async fn start(example: &str, first: &Backend, second: &Backend) -> Process {
    let text = text(&format!("config/{example}"))
        .replace("address: 172.17.0.1", "address: 127.0.0.1")
        .replace("port_value: 8081", &format!("port_value: {}", first.port()))
        .replace("port_value: 8082", &format!("port_value: {}", second.port()));
    Gateway::start(&on_free_ports(&text)).await
}

/// The text of an example with listeners on loopback ports of the system's choice and the certificate of this run.
pub(crate) fn on_free_ports(text: &str) -> String {
    let ports = ["8080", "8443", "9901"].map(|port| (format!("port_value: {port}"), "port_value: 0"));
    let text = ports.iter().fold(text.replace("0.0.0.0", "127.0.0.1"), |text, (from, to)| text.replace(from, to));
    text.replace("certs/localhost.", "${dir}/server.").replace("/etc/quicgate/certs/tls.", "${dir}/server.")
}

fn targets(backend: &Backend) -> Vec<String> {
    backend.received().into_iter().map(|received| received.target).collect()
}
