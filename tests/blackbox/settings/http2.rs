//! HTTP/2 as bytes: what a server says of its limits at the start (RFC 9113 §3.4).

use crate::edge::{ALL, Edge};
use crate::support::backend::Backend;
use crate::support::deadline::within;
use crate::support::wire::Wire;

/// RFC 9113 §4.1.
pub(super) struct Frame {
    pub(super) kind: u8,
    flags: u8,
    payload: Vec<u8>,
}

impl Frame {
    /// Whether it answers a PING of ours (RFC 9113 §6.7).
    pub(super) fn is_pong(&self) -> bool {
        self.kind == PING && self.flags & ACK != 0
    }
}

/// Reads one frame.
pub(super) async fn frame(wire: &mut Wire) -> Frame {
    let head = exactly(wire, 9).await;
    let [length @ .., kind, flags, _, _, _, _] = head.as_slice() else { panic!("{head:?}") };
    Frame { kind: *kind, flags: *flags, payload: exactly(wire, number(length) as usize).await }
}

async fn exactly(wire: &mut Wire, length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < length {
        let missing = (length - bytes.len()) as u64;
        let read = within("a frame", wire.reader.some(missing, &mut bytes)).await;
        assert!(read.is_ok(), "the connection ended within a frame: {read:?}");
    }
    bytes
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// What the gateway says first: the settings by their numbers, and the window of the connection.
async fn said(settings: &str) -> (Vec<(u32, u32)>, u32) {
    let backend = Backend::echo().await;
    let edge = Edge::with(&backend, ALL, &format!("          {settings}\n")).await;
    let mut wire = Wire::tcp(edge.process.address("http")).await.expect("the port is open");
    wire.write(PREFACE).await.expect("the connection stands");
    let first = frame(&mut wire).await;
    assert_eq!(first.kind, SETTINGS);
    let pairs = first.payload.chunks(6).map(|pair| pair.split_at(2));
    let pairs = pairs.map(|(name, value)| (number(name), number(value))).collect();
    loop {
        let next = frame(&mut wire).await;
        if next.kind == WINDOW_UPDATE {
            // RFC 9113 §6.9.2: the window of a connection begins at 65,535.
            return (pairs, 65_535 + number(&next.payload));
        }
    }
}

#[tokio::test]
async fn rfc9113_6_5_2_limits_are_told_in_settings() {
    const TABLE: u32 = 1;
    const STREAMS: u32 = 3;
    const WINDOW: u32 = 4;
    let (settings, window) = said("").await;
    assert!(settings.contains(&(STREAMS, 1024)) && settings.contains(&(WINDOW, 1 << 20)), "{settings:?}");
    assert_eq!(window, 4 << 20);
    let (settings, _) = said("http2_protocol_options: {max_concurrent_streams: 7}").await;
    assert!(settings.contains(&(STREAMS, 7)), "{settings:?}");
    let (settings, _) = said("http2_protocol_options: {initial_stream_window_size: 131072}").await;
    assert!(settings.contains(&(WINDOW, 131_072)), "{settings:?}");
    let (_, window) = said("http2_protocol_options: {initial_connection_window_size: 262144}").await;
    assert_eq!(window, 262_144);
    let (settings, _) = said("http2_protocol_options: {hpack_table_size: 8192}").await;
    assert!(settings.contains(&(TABLE, 8192)), "{settings:?}");
}

#[tokio::test]
async fn rfc9113_6_7_a_client_has_to_give_a_sign_of_life_where_it_is_asked_for_one() {
    let backend = Backend::echo().await;
    let keep_alive = "{interval: 0.1s, interval_jitter: {value: 0}, timeout: 0.3s}";
    let settings = format!("          http2_protocol_options: {{connection_keepalive: {keep_alive}}}\n");
    let edge = Edge::with(&backend, ALL, &settings).await;
    let begin = async || {
        let mut wire = Wire::tcp(edge.process.address("http")).await.expect("the port is open");
        wire.write(PREFACE).await.expect("the connection stands");
        wire
    };
    let mut answering = begin().await;
    for _ in 0..5 {
        let asked = loop {
            let next = frame(&mut answering).await;
            if next.kind == PING && !next.is_pong() {
                break next.payload;
            }
        };
        let pong = [&[0, 0, 8, PING, ACK, 0, 0, 0, 0][..], &asked].concat();
        answering.write(pong).await.expect("the connection stands");
    }
    let mut silent = begin().await;
    within("the end of the connection", silent.rest()).await;
}

/// A HEADERS frame on stream 1 that ends the head, of literal fields (RFC 7541 §6.2.2).
fn headers(fields: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).expect("short")], text.as_bytes()].concat();
    let lines: Vec<u8> = fields.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect();
    let length = u8::try_from(lines.len()).expect("short");
    [&[0, 0, length, HEADERS, END_HEADERS, 0, 0, 0, 1][..], &lines].concat()
}

#[tokio::test]
async fn rfc8441_3_extended_connect_is_taken_where_it_is_enabled() {
    const ENABLE_CONNECT_PROTOCOL: u32 = 8;
    let fields = [
        (":method", "CONNECT"),
        (":scheme", "http"),
        (":authority", "a.test"),
        (":path", "/chat"),
        (":protocol", "websocket"),
    ];
    let bad = fields.map(|(name, value)| (name, if name == ":protocol" { "a b" } else { value }));
    for (options, fields, answer) in [
        ("", fields, None),
        ("http2_protocol_options: {allow_connect: true}", fields, Some(403)),
        ("http2_protocol_options: {allow_connect: true}", bad, None),
    ] {
        let (settings, _) = said(options).await;
        assert_eq!(settings.contains(&(ENABLE_CONNECT_PROTOCOL, 1)), !options.is_empty(), "{settings:?}");
        let backend = Backend::echo().await;
        let edge = Edge::with(&backend, ALL, &format!("          {options}\n")).await;
        let mut wire = Wire::tcp(edge.process.address("http")).await.expect("the port is open");
        wire.write([PREFACE.as_bytes(), &headers(&fields)].concat()).await.expect("the connection stands");
        if let Some(status) = answer {
            let line = edge.process.log("access.log").lines(1).await.pop().expect("a line");
            assert_eq!((&line["code"], &line["details"]), (&status.into(), &"upgrade_failed".into()), "{line}");
            // As Envoy, which shows an extended CONNECT as the GET that it would be over HTTP/1.
            assert_eq!((&line["method"], &line["path"]), (&"GET".into(), &"/chat".into()), "{line}");
        } else {
            // RFC 9113 §8.1.1: a malformed request is a stream error of type PROTOCOL_ERROR.
            let reset = loop {
                let next = frame(&mut wire).await;
                if next.kind == RST_STREAM {
                    break next.payload;
                }
            };
            assert_eq!(reset, [0, 0, 0, 1], "{options}");
        }
        assert!(backend.received().is_empty());
    }
}

/// The preface of a client with empty SETTINGS (RFC 9113 §3.4).
pub(super) const PREFACE: &str = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// A PING with eight bytes of nothing.
pub(super) const PING_FRAME: &str = "\0\0\x08\x06\0\0\0\0\0\0\0\0\0\0\0\0\0";

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
