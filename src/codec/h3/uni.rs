//! The unidirectional streams of a connection (RFC 9114 §6.2).
//!
//! h3-quinn's connection accepts the peer's. Its streams are read to their end or dropped, never told to stop: it panics when
//! that happens during a read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use bytes::{Buf, Bytes, BytesMut};
use h3::error::Code;
use h3::quic::{RecvStream as _, StreamErrorIncoming};

use super::shared::{Shared, Side};
use super::wire::{Control, ControlReader, Settings, decode, encode};
use crate::codec::qpack::Limits;

/// Which of the streams that there is one of have come.
#[derive(Debug, Default)]
pub(super) struct Opened(AtomicU8);

/// The next unidirectional stream; `None` when the connection is no more. h3-quinn's connection is generic over what it
/// writes, which it does not here.
pub(super) fn poll_accept(
    connection: &mut h3_quinn::Connection,
    cx: &mut Context<'_>,
) -> Poll<Option<h3_quinn::RecvStream>> {
    h3::quic::Connection::<Bytes>::poll_accept_recv(connection, cx).map(Result::ok)
}

/// Reads a stream that the peer opened to its end.
pub(super) async fn read(mut stream: h3_quinn::RecvStream, opened: Arc<Opened>, shared: Arc<Shared>) {
    let Some((kind, rest)) = stream_type(&mut stream).await else { return };
    let (name, mark) = match kind {
        CONTROL => ("control", 1),
        QPACK_ENCODER => ("QPACK encoder", 2),
        QPACK_DECODER => ("QPACK decoder", 4),
        PUSH => {
            return match shared.side() {
                // RFC 9114 §6.2.2: only a server pushes.
                Side::Server => shared.fail(Code::H3_STREAM_CREATION_ERROR, "a push stream from a client"),
                // RFC 9114 §4.6: and none that was not allowed: this side sends no MAX_PUSH_ID.
                Side::Client => shared.fail(Code::H3_ID_ERROR, "a push stream that was not allowed"),
            };
        }
        // RFC 9114 §6.2, RFC 9114 §6.2.3: what is unknown or reserved is not read, and no error. No read is pending here.
        _ => return stream.stop_sending(Code::H3_STREAM_CREATION_ERROR.value()),
    };
    if opened.0.fetch_or(mark, Ordering::Relaxed) & mark != 0 {
        // RFC 9114 §6.2.1, RFC 9204 §4.2: there is one of each.
        return shared.fail(Code::H3_STREAM_CREATION_ERROR, format!("a second {name} stream"));
    }
    let mut control = ControlReader::new(shared.side() == Side::Server);
    let mut chunk = rest;
    loop {
        match kind {
            CONTROL => loop {
                match control.next(&mut chunk) {
                    Ok(Some(said)) => take(&said, &shared),
                    Ok(None) => break,
                    Err(error) => return shared.fail(error.code(), format!("control stream: {error:?}")),
                }
            },
            QPACK_ENCODER => shared.read_encoder_stream(&chunk),
            _ => {
                let read = shared.encoder().read_decoder_stream(&chunk);
                if let Err(error) = read {
                    return shared.fail(error.code(), error.to_string());
                }
            }
        }
        match next(&mut stream).await {
            Ok(more) => chunk = more,
            // RFC 9114 §6.2.1, RFC 9204 §4.2: these last as long as the connection.
            Err(Over::Stream) => {
                return shared.fail(Code::H3_CLOSED_CRITICAL_STREAM, format!("the {name} stream was closed"));
            }
            Err(Over::Connection) => return,
        }
    }
}

fn take(said: &Control, shared: &Shared) {
    match said {
        Control::Settings(settings) => {
            let limits = Limits {
                max_table_capacity: settings.qpack_max_table_capacity,
                blocked_streams: settings.qpack_blocked_streams,
            };
            let set = shared.encoder().apply_settings(limits);
            if let Err(error) = set {
                shared.fail(error.code(), error.to_string());
            }
            shared.settled(settings.enable_connect_protocol);
        }
        // RFC 9114 §5.2: that of a client names pushes, of which there are none.
        Control::GoAway(first) => match shared.side() {
            Side::Server => {}
            Side::Client => shared.go_away(*first),
        },
        // RFC 9218 §7.2: a request stream above the limit is an error of type H3_ID_ERROR.
        Control::Priority(stream, _) if shared.is_beyond(*stream) => {
            shared.fail(Code::H3_ID_ERROR, "a priority of a stream that cannot be opened");
        }
        Control::Priority(stream, priority) => shared.prioritise(*stream, *priority),
    }
}

/// The type of a stream, and what came after it; `None` when it ended before.
async fn stream_type(stream: &mut h3_quinn::RecvStream) -> Option<(u64, Bytes)> {
    let mut head = BytesMut::new();
    loop {
        if let Ok((kind, size)) = decode(&head) {
            head.advance(size);
            return Some((kind, head.freeze()));
        }
        head.extend_from_slice(&next(stream).await.ok()?);
    }
}

/// What is no more.
enum Over {
    Stream,
    Connection,
}

/// The next chunk.
async fn next(stream: &mut h3_quinn::RecvStream) -> Result<Bytes, Over> {
    match std::future::poll_fn(|cx| stream.poll_data(cx)).await {
        Ok(Some(chunk)) => Ok(chunk),
        Ok(None) | Err(StreamErrorIncoming::StreamTerminated { .. }) => Err(Over::Stream),
        Err(_) => Err(Over::Connection),
    }
}

/// Opens our control stream and says the settings, before anything is read (RFC 9114 §7.2.4.2).
pub(super) async fn open_control(shared: &Shared, settings: &Settings) -> Result<quinn::SendStream, quinn::WriteError> {
    let mut control = shared.quic.open_uni().await?;
    let mut out = Vec::new();
    encode(CONTROL, &mut out);
    settings.encode(&mut out);
    control.write_all(&out).await?;
    Ok(control)
}

/// Ends the connection when the peer does not want our control stream, which is what `stopped` waits for.
pub(super) async fn guard(
    stopped: impl Future<Output = Result<Option<quinn::VarInt>, quinn::StoppedError>>,
    shared: Arc<Shared>,
) {
    // RFC 9114 §6.2.1: it lasts as long as the connection, and the peer asks for no less.
    if let Ok(Some(_)) = stopped.await {
        shared.fail(Code::H3_CLOSED_CRITICAL_STREAM, "our control stream was refused");
    }
}

/// Writes what QPACK has to say, as long as the connection lasts.
pub(super) async fn write_instructions(shared: Arc<Shared>) {
    // A connection that is gone needs none.
    let _ = try_write_instructions(&shared).await;
}

async fn try_write_instructions(shared: &Shared) -> Result<(), quinn::WriteError> {
    let (mut encoder, mut decoder) = (None, None);
    loop {
        shared.instructions.notified().await;
        let said = shared.decoder_instructions();
        write(shared, &mut decoder, QPACK_DECODER, said).await?;
        let said = shared.encoder().take_instructions();
        write(shared, &mut encoder, QPACK_ENCODER, said).await?;
    }
}

/// Writes on a stream that is opened when there is something to say (RFC 9204 §4.2).
async fn write(
    shared: &Shared,
    stream: &mut Option<quinn::SendStream>,
    kind: u64,
    said: Bytes,
) -> Result<(), quinn::WriteError> {
    if said.is_empty() {
        return Ok(());
    }
    let stream = if let Some(stream) = stream {
        stream
    } else {
        let mut opened = shared.quic.open_uni().await?;
        let mut head = Vec::new();
        encode(kind, &mut head);
        opened.write_all(&head).await?;
        stream.insert(opened)
    };
    stream.write_chunk(said).await
}

/// RFC 9114 §6.2, RFC 9204 §4.2: types of streams.
const CONTROL: u64 = 0x0;
const PUSH: u64 = 0x1;
const QPACK_ENCODER: u64 = 0x2;
const QPACK_DECODER: u64 = 0x3;
