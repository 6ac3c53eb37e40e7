//! The HTTP/2 server: one connection, a task for each of its streams.
//!
//! Called by `listener`; calls the [`Handler`]. The accept loop awaits no peer: a stream that stalls delays no other.

use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::server::{Builder, Connection, SendResponse};
use h2::{PingPong, Reason, RecvStream};
use http::{HeaderMap, Method, StatusCode};
use http_body::Body as _;
use tokio::io::{AsyncRead, AsyncWrite};

use super::SEND_BUFFER;
use super::body::StreamBody;
use super::error::{reason, refused};
use super::keep_alive::{KeepAlive, keep_alive};
use super::sink::{StreamSink, peer_gone};
use crate::codec::interim::MAX_UNREAD;
use crate::codec::message::{Malformed, SectionLimits, check_request};
use crate::codec::pump::{Gone, abandon, multiplexed, pump};
use crate::codec::target::expects_continue;
use crate::codec::{Ended, Ending, Handler, Interim, Lifetime, ServerLimits, mailbox, target};
use crate::drain::Drain;
use crate::http::{Body, ConnectProtocol, Failure, Request};

/// Serves one connection to its end.
pub async fn serve<I, H>(io: I, handler: Arc<H>, limits: &ServerLimits, lifetime: Lifetime, drain: &Drain) -> Ended
where
    I: AsyncRead + AsyncWrite + Unpin + Send,
    H: Handler,
{
    let mut builder = Builder::new();
    builder
        .initial_window_size(limits.stream_window)
        .initial_connection_window_size(limits.connection_window)
        .max_concurrent_streams(limits.max_concurrent_streams)
        .max_header_list_size(u32::try_from(limits.max_header_bytes).unwrap_or(u32::MAX))
        .max_send_buffer_size(SEND_BUFFER);
    if let Some(size) = limits.http2.table_size {
        builder.header_table_size(size);
    }
    if limits.extended_connect {
        // RFC 8441 §3: only then may a client say `:protocol`; h2 refuses it otherwise.
        builder.enable_connect_protocol();
    }
    let ended = match builder.handshake(io).await {
        Ok(connection) => accept(connection, &handler, limits, lifetime, drain).await,
        Err(error) => from_error(&error, &handler),
    };
    handler.lost();
    ended
}

async fn accept<I, H>(
    mut connection: Connection<I, Bytes>,
    handler: &Arc<H>,
    limits: &ServerLimits,
    mut lifetime: Lifetime,
    drain: &Drain,
) -> Ended
where
    I: AsyncRead + AsyncWrite + Unpin + Send,
    H: Handler,
{
    let section = SectionLimits { bytes: limits.max_header_bytes, fields: limits.max_header_count };
    let mut unanswered = pin!(unanswered(limits.http2.keep_alive, connection.ping_pong()));
    let ServerLimits { write_timeout, proxy_100_continue, .. } = *limits;
    let limits = StreamLimits { section, write_timeout, proxy_100_continue };
    loop {
        tokio::select! {
            biased;
            accepted = connection.accept() => match accepted {
                Some(Ok((request, respond))) => {
                    let handler = Arc::clone(handler);
                    drain.spawn("http2 stream", exchange(handler, request, respond, limits));
                }
                Some(Err(error)) => return from_error(&error, handler),
                None => return Ended::Done,
            },
            () = &mut unanswered => return Ended::Unanswered,
            ending = lifetime.ending() => match ending {
                // RFC 9113 §6.8: h2 says GOAWAY with the highest id, waits a round trip, then names the last stream.
                Ending::Drain | Ending::MaxDuration | Ending::Idle => connection.graceful_shutdown(),
                Ending::Settled => return Ended::Told,
                // RFC 9113 §10.5: a client that abuses streams is told so with ENHANCE_YOUR_CALM.
                Ending::TooManyResets => {
                    shut_down(&mut connection, Reason::ENHANCE_YOUR_CALM).await;
                    return Ended::TooManyResets;
                }
                Ending::Now => {
                    shut_down(&mut connection, Reason::NO_ERROR).await;
                    return Ended::Forced;
                }
            },
        }
    }
}

/// Resolves when the client gives no sign of life in time.
async fn unanswered(settings: Option<KeepAlive>, pings: Option<PingPong>) {
    match settings.zip(pings) {
        Some((settings, pings)) => keep_alive(pings, settings, Arc::default()).await,
        None => pending().await,
    }
}

/// Ends a connection at once; GOAWAY goes out where the client reads.
async fn shut_down<I: AsyncRead + AsyncWrite + Unpin>(connection: &mut Connection<I, Bytes>, reason: Reason) {
    connection.abrupt_shutdown(reason);
    let _ = tokio::time::timeout(GOAWAY_PATIENCE, poll_fn(|cx| connection.poll_closed(cx))).await;
}

async fn exchange<H: Handler>(
    handler: Arc<H>,
    request: http::Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    limits: StreamLimits,
) {
    let request = match admit(request, limits.section).await {
        Ok(request) => request,
        Err(failure) => return refuse(&failure, &mut respond, &handler),
    };
    let mut said = Said::default();
    if expects_continue(request.headers()) && !limits.proxy_100_continue {
        // RFC 9110 §10.1.1: the client waits for this word.
        said.say(Interim { status: StatusCode::CONTINUE, headers: HeaderMap::new() }, &mut respond);
    }
    let (outbox, mut inbox) = mailbox();
    let answered = {
        let mut answer = std::pin::pin!(Arc::clone(&handler).handle(request, outbox));
        loop {
            tokio::select! {
                biased;
                response = &mut answer => break Ok(response),
                interim = inbox.next() => said.say(interim, &mut respond),
                gone = peer_gone(poll_fn(|cx| respond.poll_reset(cx))) => {
                    handler.resetting(gone == Gone::Stream);
                    break Err(gone);
                }
            }
        }
    };
    let response = match answered {
        Ok(response) => response,
        Err(gone) => return abandon(&*handler, gone, ()),
    };
    // Those that came with the answer.
    while let Some(interim) = inbox.take() {
        said.say(interim, &mut respond);
    }
    let (mut parts, mut body) = response.into_parts();
    parts.version = http::Version::HTTP_2;
    parts.status = multiplexed(parts.status);
    let head = http::Response::from_parts(parts, ());
    let end = body.is_end_stream();
    match respond.send_response(head, end) {
        Ok(_) if end => drop(body),
        Ok(stream) => {
            if let Err(gone) = pump(&mut body, &mut StreamSink::of_response(stream, limits.write_timeout)).await {
                abandon(&*handler, gone, body);
            }
        }
        // Only a response that breaks the protocol, or a stream that is no more, gets here.
        Err(error) => {
            tracing::debug!(%error, "the response could not be sent");
            respond.send_reset(Reason::INTERNAL_ERROR);
        }
    }
}

/// The interim responses of one stream. h2 does not show whether the client has read those before.
#[derive(Default)]
struct Said {
    bytes: usize,
}

impl Said {
    fn say(&mut self, interim: Interim, respond: &mut SendResponse<Bytes>) {
        let Interim { status, headers } = interim;
        self.bytes += headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>();
        if self.bytes > MAX_UNREAD && status != StatusCode::CONTINUE {
            return;
        }
        let mut head = http::Response::new(());
        (*head.status_mut(), *head.headers_mut()) = (status, headers);
        // A client that has left shows where it is waited for.
        let _ = respond.send_informational(head);
    }
}

/// A message that is no request is reset, or answered where that is allowed.
fn refuse<H: Handler>(failure: &Failure, respond: &mut SendResponse<Bytes>, handler: &Arc<H>) {
    handler.refused(failure);
    if !matches!(failure, Failure::HeadersTooLarge(_)) {
        return respond.send_reset(reason(failure));
    }
    // RFC 9113 §10.5.1: larger than was said to be taken.
    let mut response = http::Response::new(());
    *response.status_mut() = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    let _ = respond.send_response(response, true);
}

async fn admit(request: http::Request<RecvStream>, limits: SectionLimits) -> Result<Request, Failure> {
    let (mut parts, stream) = request.into_parts();
    let protocol = parts.extensions.remove::<h2::ext::Protocol>();
    // RFC 9113 §8.1.1: malformed is a stream error of type PROTOCOL_ERROR.
    let length = check_request(&parts, protocol.is_some(), limits).map_err(refused)?;
    if let Some(protocol) = protocol {
        let protocol = ConnectProtocol::try_from(Bytes::copy_from_slice(protocol.as_str().as_bytes()));
        parts.extensions.insert(protocol.map_err(|_| refused(Malformed::Protocol.into()))?);
    }
    target::from_pseudo_fields(&parts.method, &mut parts.uri, &mut parts.headers)?;
    let body = if stream.is_end_stream() {
        Body::Empty
    } else {
        let body = match parts.method {
            Method::CONNECT => StreamBody::of_tunnel(stream, limits),
            _ => StreamBody::new(stream, length, limits),
        };
        let body = body.look_ahead().await?;
        if body.is_end_stream() { Body::Empty } else { Body::boxed(body) }
    };
    Ok(Request::from_parts(parts, body))
}

#[derive(Clone, Copy)]
struct StreamLimits {
    section: SectionLimits,
    write_timeout: Option<Duration>,
    /// Whether the word to go on comes from the handler.
    proxy_100_continue: bool,
}

fn from_error<H: Handler>(error: &h2::Error, handler: &Arc<H>) -> Ended {
    if error.is_library() || (error.is_go_away() && !error.is_remote()) {
        handler.refused(&Failure::DownstreamProtocol("http2.protocol_error".into()));
        return Ended::Protocol(error.to_string());
    }
    Ended::Broken(error.to_string())
}

/// How long the last GOAWAY may wait for the client to read.
const GOAWAY_PATIENCE: Duration = Duration::from_secs(1);
