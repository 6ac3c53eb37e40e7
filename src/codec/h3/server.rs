//! The HTTP/3 server: one connection, a task for each of its request streams.
//!
//! Called by `listener` with an established QUIC connection; calls the [`Handler`]. The accept loop awaits no peer: the
//! head of a request is read in the stream's own task, so a client that stalls one stream delays no other.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use h3::error::Code;
use http::StatusCode;
use http_body::Body as _;
use quinn::ConnectionError;
use tokio::task::JoinSet;

use super::body::StreamBody;
use super::error::code;
use super::receive::{ReadFailure, Receiver};
use super::send::Sender;
use super::shared::{Shared, varint};
use super::uni::{self, Opened};
use super::wire::{encode, kind};
use crate::codec::message::{RequestHead, SectionLimits};
use crate::codec::pump::{Gone, Sink, abandon, pump};
use crate::codec::target::{expects_continue, from_pseudo_fields};
use crate::codec::{Ended, Ending, Handler, Lifetime, ServerLimits};
use crate::drain::Drain;
use crate::http::{Body, Failure, Request};

/// Serves one connection to its end.
pub async fn serve<H: Handler>(
    quic: quinn::Connection,
    handler: Arc<H>,
    limits: &ServerLimits,
    lifetime: Lifetime,
    drain: &Drain,
) -> Ended {
    let shared = Arc::new(Shared::new(quic.clone()));
    let opening = uni::open_control(&shared, limits.max_header_bytes);
    let ended = match tokio::time::timeout(OPENING_PATIENCE, opening).await {
        Ok(Ok(control)) => {
            let server = Server {
                incoming: h3_quinn::Connection::new(quic),
                control,
                opened: Arc::default(),
                shared: Arc::clone(&shared),
                handler: Arc::clone(&handler),
                lifetime,
                helpers: JoinSet::new(),
                next: 0,
                last_goaway: None,
                refuse_from: None,
            };
            server.run(limits, drain).await
        }
        Ok(Err(error)) => Ended::Broken(error.to_string()),
        Err(_) => {
            // RFC 9114 §6.2: a client has to let at least three be opened.
            shared.fail(Code::H3_GENERAL_PROTOCOL_ERROR, "no room for a control stream");
            Ended::Protocol("no room for a control stream".to_owned())
        }
    };
    shared.ended();
    handler.lost();
    ended
}

struct Server<H> {
    /// Accepts unidirectional streams.
    incoming: h3_quinn::Connection,
    control: quinn::SendStream,
    opened: Arc<Opened>,
    shared: Arc<Shared>,
    handler: Arc<H>,
    lifetime: Lifetime,
    /// The tasks of unidirectional streams: they end with the connection.
    helpers: JoinSet<()>,
    /// The number of the next request stream.
    next: u64,
    /// When the second GOAWAY is due.
    last_goaway: Option<Instant>,
    /// The first request stream that is not served any more.
    refuse_from: Option<u64>,
}

impl<H: Handler> Server<H> {
    async fn run(mut self, limits: &ServerLimits, drain: &Drain) -> Ended {
        let limits = StreamLimits {
            section: SectionLimits { bytes: limits.max_header_bytes, fields: limits.max_header_count },
            write_timeout: limits.write_timeout,
        };
        self.helpers.spawn(uni::write_instructions(Arc::clone(&self.shared)));
        self.helpers.spawn(uni::guard(self.control.stopped(), Arc::clone(&self.shared)));
        let quic = self.shared.quic.clone();
        loop {
            tokio::select! {
                biased;
                accepted = quic.accept_bi() => match accepted {
                    Ok((sender, receiver)) => self.accept(sender, receiver, limits, drain),
                    Err(error) => return self.ended(&error),
                },
                accepted = poll_fn(|cx| poll_uni(&mut self.incoming, cx)) => {
                    // Those that are over are let go of.
                    while self.helpers.try_join_next().is_some() {}
                    // The connection's end is seen above.
                    if let Some(stream) = accepted {
                        let (opened, shared) = (Arc::clone(&self.opened), Arc::clone(&self.shared));
                        self.helpers.spawn(uni::read(stream, opened, shared));
                    }
                }
                () = until(self.last_goaway) => self.goaway_for_good().await,
                ending = self.lifetime.ending() => match ending {
                    Ending::Drain | Ending::MaxDuration => self.announce_the_end().await,
                    Ending::Idle => return self.close(Ended::Idle),
                    Ending::Settled => return self.close(Ended::Told),
                    Ending::Now => return self.close(Ended::Forced),
                },
            }
        }
    }

    fn accept(&mut self, sender: quinn::SendStream, receiver: quinn::RecvStream, limits: StreamLimits, drain: &Drain) {
        let id = quinn::VarInt::from(sender.id()).into_inner();
        self.next = self.next.max(id.saturating_add(REQUEST_STEP));
        let mut sender = Sender::new(sender, Arc::clone(&self.shared), limits.write_timeout);
        let mut receiver = Receiver::new(receiver, Arc::clone(&self.shared), limits.section);
        if self.refuse_from.is_some_and(|first| id >= first) {
            // RFC 9114 §5.2: nothing was done for it, so the client may try again elsewhere.
            receiver.stop(Code::H3_REQUEST_REJECTED);
            return sender.break_off(Code::H3_REQUEST_REJECTED);
        }
        let handler = Arc::clone(&self.handler);
        drain.spawn_in_place("http3 stream", || exchange(sender, receiver, handler));
    }

    /// RFC 9114 §5.2: the first GOAWAY leaves room for requests that are on their way; a second one follows when they came.
    async fn announce_the_end(&mut self) {
        let rtt = self.shared.quic.rtt();
        // What was written last has to arrive before the connection is closed.
        self.lifetime.allow(rtt * 3);
        self.goaway(MAX_REQUEST).await;
        self.last_goaway = Some(Instant::now() + rtt * 2);
    }

    async fn goaway_for_good(&mut self) {
        self.last_goaway = None;
        self.refuse_from = Some(self.next);
        self.goaway(self.next).await;
    }

    async fn goaway(&mut self, id: u64) {
        let (mut payload, mut frame) = (Vec::new(), Vec::new());
        encode(id, &mut payload);
        encode(kind::GOAWAY, &mut frame);
        encode(payload.len() as u64, &mut frame);
        frame.extend_from_slice(&payload);
        // A client that does not read its control stream is not waited for; the end of the connection is seen elsewhere.
        let _ = tokio::time::timeout(CONTROL_PATIENCE, self.control.write_chunk(Bytes::from(frame))).await;
    }

    fn close(&self, ended: Ended) -> Ended {
        self.shared.quic.close(varint(Code::H3_NO_ERROR), b"");
        ended
    }

    fn ended(&self, error: &ConnectionError) -> Ended {
        match (self.shared.fault(), error) {
            (Some(fault), _) => {
                self.handler.refused(&Failure::DownstreamProtocol("http3.protocol_error".into()));
                Ended::Protocol(fault.to_owned())
            }
            (None, ConnectionError::ApplicationClosed(close)) if close.error_code == varint(Code::H3_NO_ERROR) => {
                Ended::Done
            }
            (None, error) => Ended::Broken(error.to_string()),
        }
    }
}

/// The next unidirectional stream; `None` when the connection is no more. h3-quinn's connection is generic over what it
/// writes, which it does not here.
fn poll_uni(connection: &mut h3_quinn::Connection, cx: &mut Context<'_>) -> Poll<Option<h3_quinn::RecvStream>> {
    h3::quic::Connection::<Bytes>::poll_accept_recv(connection, cx).map(Result::ok)
}

async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant.into()).await,
        None => std::future::pending().await,
    }
}

async fn exchange<H: Handler>(mut sender: Sender, mut receiver: Receiver, handler: Arc<H>) {
    let head = match receiver.head().await {
        Ok(head) => head,
        Err(failure) => {
            // RFC 9114 §4.1.1: what ends too early has a code of its own.
            let incomplete = matches!(failure, ReadFailure::Incomplete);
            let failure = Failure::from(failure);
            let code = if incomplete { Code::H3_REQUEST_INCOMPLETE } else { code(&failure) };
            return refuse(failure, code, &mut sender, &handler).await;
        }
    };
    sender.rank(&head.headers);
    let request = match admit(head, receiver) {
        Ok(request) => request,
        Err(failure) => {
            let code = code(&failure);
            return refuse(failure, code, &mut sender, &handler).await;
        }
    };
    if expects_continue(request.headers()) {
        // RFC 9110 §10.1.1: the client waits for this word. One that has left shows below.
        let _ = sender.interim(StatusCode::CONTINUE, &http::HeaderMap::new()).await;
    }
    let answered = {
        let answer = std::pin::pin!(Arc::clone(&handler).handle(request));
        tokio::select! {
            biased;
            response = answer => Ok(response),
            gone = sender.gone() => {
                handler.resetting(gone == Gone::Stream);
                Err(gone)
            }
        }
    };
    let response = match answered {
        Ok(response) => response,
        Err(gone) => return abandon(&*handler, gone, ()),
    };
    let (parts, mut body) = response.into_parts();
    if let Err(gone) = respond(&parts, &mut body, &mut sender).await {
        abandon(&*handler, gone, body);
    }
}

/// A message that is no request is reset, or answered where that is allowed.
async fn refuse<H: Handler>(failure: Failure, code: Code, sender: &mut Sender, handler: &Arc<H>) {
    handler.refused(&failure);
    if !matches!(failure, Failure::HeadersTooLarge(_)) {
        return sender.break_off(code);
    }
    // RFC 9114 §4.2.2: larger than was said to be taken.
    sender.begin(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, &http::HeaderMap::new(), None);
    let _ = sender.finish().await;
}

/// A request of what has come. Not async: every await would make the stream's task larger by what it moves.
fn admit(head: RequestHead, receiver: Receiver) -> Result<Request, Failure> {
    let mut request = http::Request::new(());
    *request.method_mut() = head.method;
    *request.uri_mut() = head.uri;
    *request.headers_mut() = head.headers;
    *request.version_mut() = http::Version::HTTP_3;
    let (mut parts, ()) = request.into_parts();
    from_pseudo_fields(&parts.method, &mut parts.uri, &mut parts.headers)?;
    let mut body = StreamBody::new(receiver, head.content_length);
    body.look_ahead()?;
    let body = if body.is_end_stream() { Body::Empty } else { Body::boxed(body) };
    Ok(Request::from_parts(parts, body))
}

async fn respond(parts: &http::response::Parts, body: &mut Body, sender: &mut Sender) -> Result<(), Gone> {
    sender.begin(parts.status, &parts.headers, body.size_hint().exact());
    pump(body, sender).await
}

#[derive(Clone, Copy)]
struct StreamLimits {
    section: SectionLimits,
    write_timeout: Option<Duration>,
}

/// RFC 9114 §5.2: the greatest number of a request stream, which refuses none.
const MAX_REQUEST: u64 = (1 << 62) - 4;

/// RFC 9000 §2.1: from one request stream to the next.
const REQUEST_STEP: u64 = 4;

/// How long the client may take to let the control stream be opened.
const OPENING_PATIENCE: Duration = Duration::from_secs(10);

/// How long a GOAWAY may wait for the client to read its control stream.
const CONTROL_PATIENCE: Duration = Duration::from_secs(1);
