//! What the gateway says of the client, of the request and of itself.

use crate::edge::{ALL, Edge};
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
