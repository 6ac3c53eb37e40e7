//! Tunnels: what goes through them is content, in both directions and for as long as both sides want.

use http_body::Body as _;
use quinn::ConnectionError;

use super::{Rig, Stream, within};
use crate::codec::h3::Accepted;
use crate::codec::h3::wire::{Piece, kind};
use crate::http::{ConnectProtocol, Request, Response};

/// Sends back what came, if it came through a tunnel of this protocol.
fn echo(request: Request) -> Response {
    assert!(request.extensions().get::<ConnectProtocol>().is_some_and(|protocol| protocol.is("websocket")));
    assert_eq!((request.method().as_str(), request.uri().to_string().as_str()), ("CONNECT", "/chat"));
    assert!(!request.body().is_end_stream());
    Response::new(request.into_body())
}

/// An extended CONNECT that was answered.
async fn tunnel(rig: &Rig) -> (quinn::Connection, Stream) {
    let connecting = rig.connecting();
    let served = async {
        let quic = rig.server.accept().await.unwrap().await.unwrap();
        rig.serve(Accepted { quic, max_streams: 100, early: None, keep_alive: None }, echo);
    };
    let (client, ()) = within(async { tokio::join!(connecting, served) }).await;
    let client = client.unwrap();
    let mut stream = Stream::open(&client).await;
    let fields = [(":method", "CONNECT"), (":scheme", "https"), (":authority", "localhost")];
    // A length says nothing of a tunnel.
    let more = [(":path", "/chat"), (":protocol", "websocket"), ("content-length", "0")];
    stream.head(&[&fields[..], &more].concat()).await;
    assert!(matches!(within(stream.next()).await, Some(Piece::Section(_))));
    (client, stream)
}

#[tokio::test]
async fn rfc9220_3_a_tunnel_is_open_both_ways() {
    let rig = Rig::new();
    let (_client, mut stream) = tunnel(&rig).await;
    for said in ["ping", "pong"] {
        stream.frame(kind::DATA, said.as_bytes()).await;
        assert_eq!(within(stream.next()).await, Some(Piece::Data(said.into())));
    }
    stream.sender.finish().unwrap();
    assert_eq!(within(stream.next()).await, None);
}

#[tokio::test]
async fn rfc9114_4_4_only_data_goes_through_a_tunnel() {
    let rig = Rig::new();
    let (client, mut stream) = tunnel(&rig).await;
    stream.head(&[("x-sum", "1")]).await;
    let ConnectionError::ApplicationClosed(close) = within(client.closed()).await else { panic!("not closed") };
    assert_eq!(close.error_code.into_inner(), h3::error::Code::H3_FRAME_UNEXPECTED.value());
}

#[tokio::test]
async fn rfc9114_4_4_a_tunnel_that_is_reset_ends_on_the_other_side() {
    let rig = Rig::new();
    let (_client, mut stream) = tunnel(&rig).await;
    stream.sender.reset(quinn::VarInt::from_u32(0x10c)).unwrap();
    let reset = within(stream.receiver.read_to_end(1)).await;
    assert!(matches!(reset, Err(quinn::ReadToEndError::Read(quinn::ReadError::Reset(_)))), "{reset:?}");
}
