//! One request stream of a server, from its opening to the last byte of its response.
//!
//! The task that `server` spawns for each stream: it reads the head, hands the request to the [`Handler`], and pumps the
//! response back. What is no request is reset, or answered where RFC 9114 lets that be.

use std::sync::Arc;
use std::time::Duration;

use h3::error::Code;
use http::StatusCode;
use http_body::Body as _;
use tokio::sync::watch;

use super::body::StreamBody;
use super::error::{ReadFailure, code, of_client};
use super::receive::Receiver;
use super::send::{Sender, with_status};
use crate::codec::message::{RequestHead, SectionLimits};
use crate::codec::pump::{Gone, Sink, abandon, multiplexed, pump};
use crate::codec::target::{expects_continue, from_pseudo_fields};
use crate::codec::{Handler, Inbox, Interim, mailbox};
use crate::http::{Body, EarlyData, Failure, Request, Response};

/// What holds for each request stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct StreamLimits {
    pub(super) section: SectionLimits,
    /// Whether `:protocol` is taken.
    pub(super) extended_connect: bool,
    /// Whether the word to go on comes from the handler.
    pub(super) proxy_100_continue: bool,
    pub(super) headers_timeout: Option<Duration>,
    pub(super) write_timeout: Option<Duration>,
}

/// Serves one request stream. `early` is what a request in early data may wait for.
pub(super) async fn exchange<H: Handler>(
    mut sender: Sender,
    receiver: Receiver,
    handler: Arc<H>,
    limits: StreamLimits,
    early: Option<watch::Receiver<bool>>,
) {
    let head = read(receiver, &mut sender, limits.extended_connect);
    let mut request = match in_time(limits.headers_timeout, head).await {
        Ok(request) => request,
        Err(refusal) => return refuse(refusal, &mut sender, &handler).await,
    };
    if let Some(established) = early {
        // RFC 9114 §10.9, RFC 8470 §3: it could be a replay. What may be done twice is for the handler to know.
        request.extensions_mut().insert(EarlyData::until(established));
    }
    if expects_continue(request.headers()) && !limits.proxy_100_continue {
        // RFC 9110 §10.1.1: the client waits for this word.
        sender.interim(&Interim { status: StatusCode::CONTINUE, headers: http::HeaderMap::new() });
    }
    let (outbox, inbox) = mailbox();
    answer(Arc::clone(&handler).handle(request, outbox), inbox, &mut sender, &handler).await;
}

/// Puts a limit on how long the head of a request may take, from the opening of its stream on: `request_headers_timeout`.
/// Entries of the dynamic table that do not come count as the rest of the head.
async fn in_time<T>(limit: Option<Duration>, head: impl Future<Output = Result<T, Refusal>>) -> Result<T, Refusal> {
    match limit {
        Some(limit) => match tokio::time::timeout(limit, head).await {
            Ok(head) => head,
            Err(_) => Err(Failure::RequestHeadersTimeout.into()),
        },
        None => head.await,
    }
}

/// The request of a stream, its content still to come.
async fn read(mut receiver: Receiver, sender: &mut Sender, extended_connect: bool) -> Result<Request, Refusal> {
    let head = receiver.request_head(extended_connect).await?;
    sender.rank(&head.headers);
    Ok(admit(head, receiver, sender).await?)
}

/// Writes what `answer` comes to, as long as the client wants it.
async fn answer<H: Handler>(
    answer: impl Future<Output = Response>,
    mut inbox: Inbox,
    sender: &mut Sender,
    handler: &Arc<H>,
) {
    let answered = {
        let mut answer = std::pin::pin!(answer);
        loop {
            tokio::select! {
                biased;
                response = &mut answer => break Ok(response),
                interim = inbox.next() => sender.interim(&interim),
                gone = sender.gone() => {
                    handler.resetting(gone == Gone::Stream);
                    if gone == Gone::Connection {
                        handler.lost();
                    }
                    break Err(gone);
                }
            }
        }
    };
    let response = match answered {
        Ok(response) => response,
        Err(gone) => return abandon(&**handler, gone, ()),
    };
    // Those that came with the answer.
    while let Some(interim) = inbox.take() {
        sender.interim(&interim);
    }
    let (parts, mut body) = response.into_parts();
    if let Err(gone) = respond(&parts, &mut body, sender).await {
        abandon(&**handler, gone, body);
    }
}

/// A message that is no request.
struct Refusal {
    failure: Failure,
    /// What resets the stream, where nothing is answered.
    code: Code,
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self { code: code(&failure), failure }
    }
}

impl From<ReadFailure> for Refusal {
    fn from(failure: ReadFailure) -> Self {
        let of_its_own = match failure {
            // RFC 9114 §4.1.1: what ends too early has a code of its own.
            ReadFailure::Incomplete => Some(Code::H3_REQUEST_INCOMPLETE),
            // RFC 9204 §7.4: and so has what cannot be decoded.
            ReadFailure::Undecodable => Some(Code::QPACK_DECOMPRESSION_FAILED),
            _ => None,
        };
        let refusal = Self::from(of_client(failure));
        Self { code: of_its_own.unwrap_or(refusal.code), ..refusal }
    }
}

/// A message that is no request is reset, or answered where that is allowed.
async fn refuse<H: Handler>(refusal: Refusal, sender: &mut Sender, handler: &Arc<H>) {
    let Refusal { failure, code } = refusal;
    match failure {
        Failure::RequestHeadersTimeout => {
            let mut nothing = Request::default();
            *nothing.version_mut() = http::Version::HTTP_3;
            let (_, inbox) = mailbox();
            answer(Arc::clone(handler).reject(nothing, failure), inbox, sender, handler).await;
        }
        // RFC 9114 §4.2.2: larger than was said to be taken.
        Failure::HeadersTooLarge(_) => {
            handler.refused(&failure);
            let (status, nothing) = (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, http::HeaderMap::new());
            sender.begin(with_status(&status, &nothing), None);
            let _ = sender.finish().await;
        }
        _ => {
            handler.refused(&failure);
            sender.break_off(code);
        }
    }
}

/// A request of what has come.
async fn admit(head: RequestHead, receiver: Receiver, sender: &mut Sender) -> Result<Request, Failure> {
    let mut body = StreamBody::new(receiver, head.content_length);
    body.look_ahead()?;
    if body.waits_for_its_end() {
        body.end().await?;
    }
    let mut request = http::Request::new(());
    *request.method_mut() = head.method;
    *request.uri_mut() = head.uri;
    *request.headers_mut() = head.headers;
    *request.version_mut() = http::Version::HTTP_3;
    if let Some(protocol) = head.protocol {
        request.extensions_mut().insert(protocol);
    }
    let (mut parts, ()) = request.into_parts();
    from_pseudo_fields(&parts.method, &mut parts.uri, &mut parts.headers)?;
    let body = if body.is_end_stream() { Body::Empty } else { Body::boxed(body.answered_by(sender.begun())) };
    Ok(Request::from_parts(parts, body))
}

async fn respond(parts: &http::response::Parts, body: &mut Body, sender: &mut Sender) -> Result<(), Gone> {
    sender.begin(with_status(&multiplexed(parts.status), &parts.headers), body.size_hint().exact());
    pump(body, sender).await
}
