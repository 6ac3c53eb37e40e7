//! The demo backend on the wire.

use std::{sync::Arc, time::Duration};

use quicgate::server::demo;
use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream, sync::Barrier, task::JoinSet, time::Instant};

use crate::rig::{Backend, Program, Wire};

#[tokio::test]
async fn the_report_says_what_was_sent_byte_for_byte() {
    let backend = Backend::start().await;
    let mut wire = Wire::connect(backend.address).await;
    wire.send(b"PURGE /a/b?c=%20d HTTP/1.1\r\nHost: demo\r\nX-Odd: \xff\x80\r\ncontent-length: 3\r\n\r\n\x00\xfe\n")
        .await;
    let answer = wire.reader.answer(true).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    let expected =
        b"method    PURGE\npath      /a/b?c=%20d\nprotocol  HTTP/1.1\nheaders\n  host: demo\n  x-odd: \xff\x80\n  \
        content-length: 3\nbody      3 bytes\n\n\x00\xfe\n";
    assert_eq!(answer.body, expected);
}

#[tokio::test]
async fn the_report_is_json_for_those_who_accept_it() {
    let backend = Backend::start().await;
    let mut wire = Wire::connect(backend.address).await;
    wire.send(
        "POST /x HTTP/1.1\r\nhost: demo\r\naccept: application/json\r\na: 1\r\na: 2\r\ntransfer-encoding: chunked\r\n\r\n\
         5\r\nhello\r\n0\r\nx-sum: 9\r\n\r\n",
    )
    .await;
    let answer = wire.reader.answer(true).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let expected = json!({
        "method": "POST",
        "path": "/x",
        "protocol": "HTTP/1.1",
        "headers": {
            "host": ["demo"], "accept": ["application/json"], "a": ["1", "2"], "transfer-encoding": ["chunked"],
        },
        "body_bytes": 5,
        "body": "hello",
        "trailers": { "x-sum": ["9"] },
    });
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn the_root_lists_the_paths_and_help_explains_them() {
    let backend = Backend::start().await;
    let mut wire = Wire::connect(backend.address).await;
    let root = wire.get("/").await.text();
    let help = wire.get("/help").await.text();
    for path in ["/echo", "/bytes/N", "/delay/MS", "/drip/N/MS", "/trailers", "/status/NNN", "/close/N", "/headers"] {
        assert!(root.contains(path) && help.contains(path), "{path}");
    }
    assert!(!wire.get("/other").await.text().contains("/drip"));
}

#[tokio::test]
async fn headers_are_given_alone() {
    let backend = Backend::start().await;
    let mut wire = Wire::connect(backend.address).await;
    assert_eq!(wire.get("/headers").await.text(), "host: demo\nte: trailers\n");
    wire.send("GET /headers HTTP/1.1\r\nhost: demo\r\naccept: application/json\r\n\r\n").await;
    let expected = json!({ "headers": { "host": ["demo"], "accept": ["application/json"] } });
    assert_eq!(wire.reader.answer(true).await.json(), expected);
}

#[tokio::test]
async fn ten_mebibytes_come_back_identical_with_type_and_length() {
    let backend = Backend::start().await;
    let mut wire = Wire::connect(backend.address).await;
    let sent: Vec<u8> = (0..10 << 20).map(|n: u64| demo::pattern_byte(n * n)).collect();
    wire.send("POST /echo HTTP/1.1\r\nhost: demo\r\ncontent-type: x/y\r\ncontent-length: 10485760\r\n\r\n").await;
    let (writer, reader) = (&mut wire.writer, &mut wire.reader);
    let (written, answer) = tokio::join!(writer.write_all(&sent), reader.answer(true));
    written.unwrap();
    assert_eq!(answer.header("content-type"), Some("x/y"));
    assert_eq!(answer.header("content-length"), Some("10485760"));
    assert!(answer.body == sent, "the echo differs from what was sent");
}

#[tokio::test]
async fn an_echo_is_streamed_and_its_trailers_come_back() {
    let backend = Backend::start().await;
    let mut wire = Wire::connect(backend.address).await;
    wire.send(
        "POST /echo HTTP/1.1\r\nhost: demo\r\nte: trailers\r\ntrailer: x-sum, x-more\r\n\
         transfer-encoding: chunked\r\n\r\n3\r\none\r\n",
    )
    .await;
    let head = wire.reader.head().await;
    assert_eq!((head.status, head.header("content-length")), (200, None));
    // The first chunk is back before the second is sent.
    assert_eq!(wire.reader.chunk().await.unwrap(), b"one");
    wire.send("3\r\ntwo\r\n").await;
    assert_eq!(wire.reader.chunk().await.unwrap(), b"two");
    wire.send("0\r\nx-sum: 6\r\nx-more: yes\r\n\r\n").await;
    assert_eq!(wire.reader.chunk().await, None);
    let mut trailers = wire.reader.fields().await;
    trailers.sort();
    assert_eq!(trailers, [("x-more".into(), "yes".into()), ("x-sum".into(), "6".to_owned())]);
}

#[tokio::test]
async fn bytes_are_counted_and_of_the_pattern() {
    let backend = Backend::start().await;
    let mut wire = Wire::connect(backend.address).await;
    for length in [0, 1, 61, 200_000] {
        let answer = wire.get(&format!("/bytes/{length}")).await;
        assert_eq!(answer.header("content-length"), Some(length.to_string().as_str()));
        assert!((0..).zip(&answer.body).all(|(offset, byte)| *byte == demo::pattern_byte(offset)), "{length}");
    }
}

#[tokio::test]
async fn rfc9110_9_3_2_head_has_the_fields_of_get_and_no_content() {
    let backend = Backend::start().await;
    let mut wire = Wire::connect(backend.address).await;
    for (path, length) in [("/bytes/1000", Some("1000")), ("/status/404", Some("14")), ("/drip/3/0", None)] {
        wire.send(format!("HEAD {path} HTTP/1.1\r\nhost: demo\r\n\r\n")).await;
        let answer = wire.reader.answer(false).await;
        assert_eq!(answer.header("content-length"), length, "{path}");
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"), "{path}");
    }
    // Had content followed one of them, this would not be read as an answer.
    assert_eq!(wire.get("/bytes/3").await.body, b"ABC");
}

#[tokio::test]
async fn statuses_are_answered_and_some_have_no_content() {
    let backend = Backend::start().await;
    let mut wire = Wire::connect(backend.address).await;
    for (status, text) in [(200, "200 OK\n"), (404, "404 Not Found\n"), (503, "503 Service Unavailable\n")] {
        let answer = wire.get(&format!("/status/{status}")).await;
        assert_eq!((answer.status, answer.text().as_str()), (status, text));
    }
    assert_eq!(wire.get("/status/302").await.header("location"), Some("/"));
    assert_eq!(wire.get("/status/205").await.header("content-length"), Some("0"));
    for status in [204, 304] {
        let answer = wire.get(&format!("/status/{status}")).await;
        assert_eq!((answer.status, answer.header("transfer-encoding")), (status, None));
        assert_eq!(answer.header("content-length"), None, "{status}");
    }
    assert_eq!(wire.get("/status/99").await.status, 400);
}

#[tokio::test]
async fn trailers_follow_a_chunked_body() {
    let backend = Backend::start().await;
    let mut wire = Wire::connect(backend.address).await;
    let answer = wire.get("/trailers").await;
    assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
    assert_eq!(answer.text(), "two trailers follow\n");
    let expected = [("x-trailer-one".to_owned(), "1".to_owned()), ("x-trailer-two".into(), "2".into())];
    assert_eq!(answer.trailers, expected);
}

#[tokio::test]
async fn drips_come_in_chunks() {
    let backend = Backend::start().await;
    let mut wire = Wire::connect(backend.address).await;
    let answer = wire.get("/drip/3/1").await;
    assert_eq!((answer.chunks, answer.text().as_str()), (3, "chunk 1 of 3\nchunk 2 of 3\nchunk 3 of 3\n"));
}

#[tokio::test(start_paused = true)]
async fn a_delay_and_a_drip_take_their_time() {
    let backend = Backend::start().await;
    let mut wire = Wire::connect(backend.address).await;
    let start = Instant::now();
    assert_eq!(wire.get("/delay/60000").await.status, 200);
    assert!(start.elapsed() >= Duration::from_secs(60));
    let start = Instant::now();
    assert_eq!(wire.get("/drip/3/30000").await.chunks, 3);
    assert!(start.elapsed() >= Duration::from_secs(60));
}

#[tokio::test]
async fn a_dying_backend_sends_half_of_what_it_declared() {
    let backend = Backend::start().await;
    for sent in [1, 5000, 8 << 20] {
        let mut wire = Wire::connect(backend.address).await;
        wire.send(format!("GET /close/{sent} HTTP/1.1\r\nhost: demo\r\n\r\n")).await;
        let head = wire.reader.head().await;
        assert_eq!(head.header("content-length"), Some((2 * sent).to_string().as_str()));
        assert_eq!(wire.reader.rest().await.len(), sent);
    }
}

#[tokio::test]
async fn a_backend_may_close_without_an_answer() {
    let backend = Backend::start().await;
    let mut wire = Wire::connect(backend.address).await;
    wire.send("GET /close/0 HTTP/1.1\r\nhost: demo\r\n\r\n").await;
    assert_eq!(wire.reader.rest().await, b"");
}

#[tokio::test]
async fn a_tunnel_is_refused() {
    let backend = Backend::start().await;
    let mut wire = Wire::connect(backend.address).await;
    wire.send("CONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\n\r\n").await;
    let answer = wire.reader.answer(true).await;
    assert_eq!(answer.status, 405);
    assert!(answer.header("allow").is_some());
}

#[tokio::test]
async fn a_thousand_exchanges_are_open_at_once() {
    raise_file_limit();
    let backend = Backend::start().await;
    let all_open = Arc::new(Barrier::new(1000));
    let mut clients = JoinSet::new();
    for number in 0..1000 {
        let (address, all_open) = (backend.address, Arc::clone(&all_open));
        clients.spawn(async move {
            let mut wire = Wire::connect(address).await;
            wire.send("POST /echo HTTP/1.1\r\nhost: demo\r\ncontent-length: 6\r\n\r\n").await;
            assert_eq!(wire.reader.head().await.status, 200);
            all_open.wait().await;
            let sent = format!("{number:06}");
            wire.send(&sent).await;
            assert_eq!(wire.reader.exact(6).await, sent.as_bytes());
        });
    }
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
}

#[tokio::test]
async fn an_exchange_in_flight_finishes_when_it_stops() {
    let mut backend = Backend::start().await;
    let address = backend.address;
    let mut wire = Wire::connect(address).await;
    wire.send("POST /echo HTTP/1.1\r\nhost: demo\r\ncontent-length: 4\r\n\r\nab").await;
    assert_eq!(wire.reader.head().await.status, 200);
    let mut idle = Wire::connect(address).await;
    idle.get("/").await;
    backend.stop();
    // An idle connection is closed, so the stop has been seen.
    assert_eq!(idle.reader.rest().await, b"");
    assert!(TcpStream::connect(address).await.is_err());
    wire.send("cd").await;
    assert_eq!(wire.reader.rest().await, b"abcd");
    backend.stopped().await;
}

#[tokio::test]
async fn curl_reads_the_help_and_sees_the_trailers() {
    let Some(curl) = Program::find("curl", "curl_reads_the_help_and_sees_the_trailers") else { return };
    let backend = Backend::start().await;
    let help = curl.run(&["-sS", &format!("http://{}/help", backend.address)]).await;
    assert!(String::from_utf8(help.stdout).unwrap().contains("/drip/N/MS"));
    let url = format!("http://{}/trailers", backend.address);
    let trailers = curl.run(&["-sS", "-H", "te: trailers", "-D", "-", &url]).await;
    let trailers = String::from_utf8(trailers.stdout).unwrap();
    assert!(trailers.contains("two trailers follow\n") && trailers.contains("x-trailer-two: 2"), "{trailers}");
}

#[tokio::test]
async fn run_says_where_it_listens_and_which_address_is_taken() {
    let backend = Backend::start().await;
    let mut said = Vec::new();
    let error = demo::run(backend.address, &mut said, async {}).await.unwrap_err();
    assert!(error.to_string().contains(&backend.address.to_string()), "{error}");
    demo::run("127.0.0.1:0".parse().unwrap(), &mut said, async {}).await.unwrap();
    let said = String::from_utf8(said).unwrap();
    assert!(said.starts_with("Demo backend on http://127.0.0.1:") && said.ends_with("/help)\n"), "{said}");
}

/// Both ends of a thousand connections are files of this process.
fn raise_file_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}
