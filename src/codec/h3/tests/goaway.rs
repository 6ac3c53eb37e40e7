//! The end as the server announces it.

use bytes::Bytes;
use h3::error::Code;
use quinn::ReadError;

use super::{Rig, Stream, within};
use crate::codec::h3::Accepted;
use crate::codec::h3::wire::{Control, ControlReader, Piece};
use crate::http::Response;

#[tokio::test]
async fn rfc9114_5_2_goaway_leaves_room_and_then_names_the_last_request() {
    let rig = Rig::new();
    let served = async {
        let quic = rig.server.accept().await.unwrap().await.unwrap();
        rig.serve(Accepted { quic, max_streams: 100, early: None, keep_alive: None }, |_| Response::default());
    };
    let (client, ()) = within(async { tokio::join!(rig.connecting(), served) }).await;
    let client = client.unwrap();
    let mut stream = Stream::open(&client).await;
    stream.head(&[(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", "/")]).await;
    assert!(matches!(within(stream.next()).await, Some(Piece::Section(_))));
    rig.drain.begin();

    let mut control = within(client.accept_uni()).await.unwrap();
    // The type of the stream.
    within(control.read_exact(&mut [0])).await.unwrap();
    let (mut reader, mut said) = (ControlReader::new(false), Vec::new());
    while said.len() < 3 {
        let mut chunk: Bytes = within(control.read_chunk(usize::MAX, true)).await.unwrap().unwrap().bytes;
        while let Some(next) = reader.next(&mut chunk).unwrap() {
            said.push(next);
        }
    }
    // The one request is stream 0: from 4 on none is served.
    assert!(
        matches!(said[..], [Control::Settings(_), Control::GoAway(first), Control::GoAway(4)] if first == (1 << 62) - 4)
    );

    // RFC 9114 §4.1.1: whoever asks all the same hears that nothing was done.
    let mut late = Stream::open(&client).await;
    late.head(&[(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", "/")]).await;
    let Err(ReadError::Reset(code)) = within(late.receiver.read_chunk(usize::MAX, true)).await else {
        panic!("served")
    };
    assert_eq!(code.into_inner(), Code::H3_REQUEST_REJECTED.value());
    // What was asked before is answered to its end.
    assert!(within(stream.next()).await.is_none());
}
