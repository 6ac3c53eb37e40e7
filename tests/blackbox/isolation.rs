//! One client, one stream, one backend cannot hurt another.

use crate::edge::{ALL, Edge};
use crate::support::backend::{Backend, Script};
use crate::support::client::Version;
use crate::support::message::{End, Request};

#[tokio::test]
async fn a_thousand_exchanges_at_once_over_each_version() {
    let backend = Backend::start(|received| Script::reply(200, received.path())).await;
    let edge = Edge::start(&backend, ALL).await;
    for version in Version::ALL {
        // HTTP/1.1 has one exchange a connection; the others have as many as both sides allow.
        let (connections, each) = if version == Version::Http1 { (250, 4) } else { (10, 100) };
        let mut tasks = tokio::task::JoinSet::new();
        for connection in 0..connections {
            let client = edge.client(version).await;
            for exchange in 0..each {
                let client = client.clone();
                tasks.spawn(async move {
                    let path = format!("/{connection}/{exchange}");
                    let reply = client.send(Request::get(&path)).await;
                    (reply.status, reply.end, reply.text() == path)
                });
            }
        }
        let outcomes = tasks.join_all().await;
        assert_eq!(outcomes.len(), 1000, "{version:?}");
        let failed = outcomes.iter().filter(|outcome| **outcome != (200, End::Complete, true)).count();
        assert_eq!(failed, 0, "{version:?}: {failed} of 1000 failed");
    }
}

#[tokio::test]
async fn a_request_that_stalls_delays_no_other_on_its_connection() {
    let backend = Backend::echo().await;
    let edge = Edge::start(&backend, ALL).await;
    for version in [Version::Http2, Version::Http3] {
        let client = edge.client(version).await;
        // The head is there, the content never comes.
        let mut stalled = client.open(&Request::post("/stalled", "never"), false).await;
        for _ in 0..10 {
            assert_eq!(client.send(Request::get("/")).await.status, 200, "{version:?}");
        }
        stalled.upload.finish(Vec::new()).await.expect("the stalled one is still welcome");
        assert_eq!(stalled.download.reply().await.status, 200, "{version:?}");
    }
}

#[tokio::test]
async fn an_http1_connection_that_stalls_delays_no_other_connection() {
    let backend = Backend::echo().await;
    let edge = Edge::start(&backend, ALL).await;
    let stalled = edge.client(Version::Http1).await;
    let _open = stalled.open(&Request::post("/stalled", "never"), false).await;
    for version in Version::ALL {
        assert_eq!(edge.client(version).await.send(Request::get("/")).await.status, 200, "{version:?}");
    }
}

#[tokio::test]
async fn a_backend_that_dies_in_the_middle_is_never_a_clean_end() {
    let part = [b'x'; 1000];
    let backend = Backend::start(move |received| {
        let head = match received.path() {
            "/length" | "/reset" => "HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n".to_owned(),
            _ => "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3e8\r\n".to_owned(),
        };
        let script = Script::bytes(head).then(part).when_released();
        if received.path() == "/reset" { script.reset() } else { script.close() }
    })
    .await;
    let edge = Edge::start(&backend, ALL).await;
    for version in Version::ALL {
        for path in ["/length", "/chunks", "/reset"] {
            let client = edge.client(version).await;
            let mut exchange = client.open(&Request::get(path), true).await;
            assert_eq!(exchange.download.body_of(part.len()).await.status, 200, "{version:?} {path}");
            backend.release();
            let reply = exchange.download.reply().await;
            assert_eq!(reply.body.len(), part.len(), "{version:?} {path}");
            assert_ne!(reply.end, End::Complete, "{version:?} {path}");
            if version != Version::Http1 {
                assert!(matches!(reply.end, End::Reset(_)), "{version:?} {path}: {:?}", reply.end);
                // The connection is not to blame.
                let after = client.open(&Request::get(path), true).await.download.body_of(part.len()).await.status;
                assert_eq!(after, 200, "{version:?} {path}");
            }
        }
    }
}

#[tokio::test]
async fn a_request_that_breaks_off_is_never_a_whole_one_for_the_backend() {
    let backend = Backend::echo().await;
    let edge = Edge::start(&backend, ALL).await;
    for version in Version::ALL {
        let before = backend.received().len();
        let connections = backend.connections();
        let client = edge.client(version).await;
        let mut exchange = client.open(&Request::new("POST", "/"), false).await;
        exchange.upload.data(vec![b'x'; 1000]).await.expect("the first part is taken");
        crate::support::deadline::until("the backend to be asked", async || {
            (backend.connections() > connections || version != Version::Http1).then_some(())
        })
        .await;
        exchange.reset(if version == Version::Http2 { 8 } else { 0x10c });
        drop(exchange);
        client.close().await;
        assert_eq!(edge.client(version).await.send(Request::get("/")).await.status, 200, "{version:?}");
        let whole: Vec<_> = backend.received().drain(before..).filter(|received| received.method == "POST").collect();
        assert!(whole.is_empty(), "{version:?}: {whole:?}");
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_given_up() {
    // More than all windows and socket buffers between backend and client hold.
    let backend = Backend::start(|_| Script::reply(200, vec![b'x'; 64 << 20])).await;
    let edge = Edge::with(&backend, ALL, "          stream_idle_timeout: 3s\n").await;
    let mut log = edge.process.log("access.log");
    for version in Version::ALL {
        let client = edge.client(version).await;
        let mut exchange = client.open(&Request::get("/"), true).await;
        assert_eq!(exchange.download.head().await.status, 200, "{version:?}");
        let line = log.lines(1).await.pop().expect("a line");
        assert_eq!(
            (&line["flags"], &line["details"]),
            (&"SI".into(), &"stream_idle_timeout".into()),
            "{version:?} {line}"
        );
        assert_ne!(exchange.download.reply().await.end, End::Complete, "{version:?}");
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_may_have_a_time_of_its_own() {
    let backend = Backend::start(|_| Script::reply(200, vec![b'x'; 64 << 20])).await;
    let edge = Edge::with(&backend, ALL, "          stream_flush_timeout: 1s\n").await;
    let mut log = edge.process.log("access.log");
    for version in [Version::Http2, Version::Http3] {
        let client = edge.client(version).await;
        let mut exchange = client.open(&Request::get("/"), true).await;
        assert_eq!(exchange.download.head().await.status, 200, "{version:?}");
        log.lines(1).await;
        assert_ne!(exchange.download.reply().await.end, End::Complete, "{version:?}");
    }
}
