//! Requests before the end of the handshake are known from those after it.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use tokio::sync::{mpsc, watch};

use super::{Rig, Stream, within};
use crate::codec::h3::wire::Piece;
use crate::codec::h3::{Accepted, Early};
use crate::http::{EarlyData, Response};

const GET: &[(&str, &str)] = &[(":method", "GET"), (":scheme", "https"), (":authority", "localhost")];

async fn get(connection: &quinn::Connection, path: &str) -> Stream {
    let mut stream = Stream::open(connection).await;
    stream.head(&[GET, &[(":path", path)]].concat()).await;
    stream.sender.finish().unwrap();
    stream
}

/// Lets the client have a ticket.
async fn resume(rig: &Rig) {
    let accepted = async { rig.server.accept().await.unwrap().await.unwrap() };
    let (client, accepted) = within(async { tokio::join!(rig.connecting(), accepted) }).await;
    // What is written after the ticket comes after it.
    let mut after = accepted.open_uni().await.unwrap();
    after.write_all(b"x").await.unwrap();
    within(client.unwrap().accept_uni()).await.unwrap();
}

#[tokio::test]
async fn rfc8470_3_a_request_in_early_data_is_known_and_may_wait() {
    let rig = Rig::new();
    resume(&rig).await;
    let Ok((client, accepted)) = rig.connecting().into_0rtt() else { panic!("no ticket") };
    let mut early = get(&client, "/early").await;

    let incoming = within(rig.server.accept()).await.unwrap();
    let Ok((quic, complete)) = incoming.accept().unwrap().into_0rtt() else { panic!("a server always can") };
    let first = within(quic.accept_bi()).await.unwrap();
    assert!(first.1.is_0rtt());
    let (tell, established) = watch::channel(false);
    let (seen, mut requests) = mpsc::channel(2);
    rig.serve(
        Accepted { quic, max_streams: 100, early: Some(Early { first, established }), keep_alive: None },
        move |request| {
            seen.try_send((request.uri().path().to_owned(), request.extensions().get::<EarlyData>().cloned())).unwrap();
            Response::default()
        },
    );
    // It is handed over though nobody has said that the handshake is complete.
    let (path, handshake) = within(requests.recv()).await.unwrap();
    let mut handshake = handshake.expect("it is known");
    assert_eq!((path.as_str(), handshake.is_over()), ("/early", false));
    assert!(matches!(within(early.next()).await, Some(Piece::Section(_))));
    assert!(within(accepted).await);
    within(complete).await;

    let mut late = get(&client, "/late").await;
    assert!(matches!(within(late.next()).await, Some(Piece::Section(_))));
    let (path, known) = requests.try_recv().unwrap();
    assert_eq!((path.as_str(), known.is_none()), ("/late", true));
    assert!(!handshake.is_over());
    tell.send_replace(true);
    within(handshake.over()).await;
    assert!(handshake.is_over());
}

#[tokio::test]
async fn rfc8470_3_nobody_acts_after_a_handshake_that_fails() {
    let (tell, established) = watch::channel(false);
    let mut handshake = EarlyData::until(established);
    drop(tell);
    assert!(poll_fn(|cx| Poll::Ready(pin!(handshake.over()).poll(cx))).await.is_pending());
    assert!(!handshake.is_over());
}
