//! Requests before the end of the handshake: known, and not acted upon until it came.

use std::sync::Arc;

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
async fn rfc8470_3_a_request_in_early_data_is_known_and_waits() {
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
    let seen = Arc::new(seen);
    rig.serve(
        Accepted { quic, max_streams: 100, early: Some(Early { first, established }), keep_alive: None },
        move |request| {
            let marked = request.extensions().get::<EarlyData>().is_some();
            seen.try_send((request.uri().path().to_owned(), marked)).unwrap();
            Response::default()
        },
    );
    assert!(within(accepted).await);
    within(complete).await;

    // Whoever comes after the handshake is served, though nobody was told of it: the early one has been looked at then.
    let mut late = get(&client, "/late").await;
    assert!(matches!(within(late.next()).await, Some(Piece::Section(_))));
    assert_eq!(requests.try_recv().unwrap(), ("/late".to_owned(), false));
    requests.try_recv().unwrap_err();
    tell.send_replace(true);
    assert!(matches!(within(early.next()).await, Some(Piece::Section(_))));
    assert_eq!(requests.try_recv().unwrap(), ("/early".to_owned(), true));
}

#[tokio::test]
async fn rfc8470_3_a_request_whose_handshake_fails_goes_nowhere() {
    let rig = Rig::new();
    resume(&rig).await;
    let Ok((client, _)) = rig.connecting().into_0rtt() else { panic!("no ticket") };
    let mut early = get(&client, "/early").await;
    let incoming = within(rig.server.accept()).await.unwrap();
    let Ok((quic, _)) = incoming.accept().unwrap().into_0rtt() else { panic!("a server always can") };
    let first = within(quic.accept_bi()).await.unwrap();
    let (tell, established) = watch::channel(false);
    rig.serve(Accepted { quic, max_streams: 100, early: Some(Early { first, established }), keep_alive: None }, |_| {
        panic!("a replay")
    });
    drop(tell);
    let reset = within(early.receiver.read_to_end(1)).await;
    assert!(matches!(reset, Err(quinn::ReadToEndError::Read(quinn::ReadError::Reset(_)))), "{reset:?}");
}
