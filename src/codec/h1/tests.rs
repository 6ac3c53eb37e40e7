//! Interim responses between the messages of one connection, over a transport that takes few bytes at a time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderMap, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use super::serve;
use crate::codec::{Activity, ConnectionLimits, Handler, Http1, Http2, Interim, Lifetime, Outbox, ServerLimits};
use crate::drain::Drain;
use crate::http::{Body, Failure, Request, Response};

/// Answers `/large` at once, and everything else after hints, said twice.
struct Hinting {
    activity: Arc<Activity>,
}

impl Handler for Hinting {
    async fn handle(self: Arc<Self>, request: Request, outbox: Outbox) -> Response {
        if request.uri().path() == "/large" {
            return Response::new(Body::from(bytes::Bytes::from(large())));
        }
        for _ in 0..2 {
            assert!(outbox.put(Interim { status: StatusCode::EARLY_HINTS, headers: HeaderMap::new() }));
            // hyper gets its turn.
            for _ in 0..5 {
                tokio::task::yield_now().await;
            }
        }
        Response::new(Body::from("small"))
    }

    async fn reject(self: Arc<Self>, _: Request, _: Failure) -> Response {
        Response::default()
    }

    fn refused(self: &Arc<Self>, _: &Failure) {}

    fn lost(&self) {}

    fn resetting(&self, _: bool) {}

    fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }
}

/// Serves a transport that holds so many bytes; returns its other end.
fn serving(room: usize) -> (DuplexStream, Drain) {
    let (client, server) = duplex(room);
    let (drain, activity) = (Drain::default(), Activity::new(Instant::now()));
    let limits = ConnectionLimits {
        idle_timeout: None,
        max_duration: None,
        max_requests: None,
        delayed_close: Duration::from_secs(60),
    };
    let lifetime = Lifetime::new(drain.watch(), Arc::clone(&activity), limits);
    let handler = Arc::new(Hinting { activity });
    drain.spawn("connection", async move { serve(server, handler, &LIMITS, lifetime).await });
    (client, drain)
}

fn large() -> String {
    "large ".repeat(500)
}

/// Reads until the text ends so.
async fn until(client: &mut DuplexStream, end: &str) -> String {
    let mut read = String::new();
    while !read.ends_with(end) {
        read.push(char::from(client.read_u8().await.unwrap()));
    }
    read
}

const PIPELINED: &str = "GET /large HTTP/1.1\r\nhost: a\r\n\r\nGET /small HTTP/1.1\r\nhost: a\r\n\r\n";
const HINTS: &str = "HTTP/1.1 103 Early Hints\r\n\r\n";

#[tokio::test]
async fn hints_stand_between_the_answers() {
    let (mut client, _drain) = serving(128);
    client.write_all(PIPELINED.as_bytes()).await.unwrap();
    let first = within(until(&mut client, HINTS)).await;
    assert!(first.starts_with("HTTP/1.1 200 OK\r\n"), "{first}");
    assert!(first.ends_with(&format!("\r\n\r\n{}{HINTS}", large())), "{first}");
    let second = within(until(&mut client, "small")).await;
    assert!(second.starts_with(HINTS) && second.contains("HTTP/1.1 200 OK\r\n"), "{second}");
}

#[tokio::test]
async fn hints_that_the_client_does_not_take_give_way_to_the_answer() {
    // Some of the first fit in, and are said to their end; the second are not said.
    let (mut client, _drain) = serving(8);
    client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
    // Nothing is read while the handler has its turns.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let mut read = String::new();
    within(client.read_to_string(&mut read)).await.unwrap();
    assert!(read.starts_with(&format!("{HINTS}HTTP/1.1 200 OK\r\n")) && read.ends_with("small"), "{read}");
}

/// Far above what any test here takes.
async fn within<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), event).await.unwrap()
}

const LIMITS: ServerLimits = ServerLimits {
    max_header_bytes: 1 << 16,
    max_header_count: 100,
    max_concurrent_streams: 0,
    extended_connect: false,
    proxy_100_continue: false,
    qpack: false,
    stream_window: 0,
    connection_window: 0,
    headers_timeout: None,
    http1: Http1 { keeps_absolute_form: false, proper_case: false },
    http2: Http2 { table_size: None, keep_alive: None },
    write_timeout: None,
};
