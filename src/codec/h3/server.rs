//! The HTTP/3 server: one connection, a task for each of its request streams.
//!
//! Called by `listener` with an established QUIC connection; calls the [`Handler`]. The accept loop awaits no peer: the
//! head of a request is read in the stream's own task, so a client that stalls one stream delays no other.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h3::error::Code;
use h3::server::{Connection, RequestResolver, RequestStream};
use http::HeaderMap;
use http_body::Body as _;

use super::body::StreamBody;
use super::error::{code, from_request_body, gone_by};
use crate::codec::pump::{Gone, Sink, abandon, patient, pump};
use crate::codec::target::expects_continue;
use crate::codec::{Ended, Ending, Handler, Lifetime, ServerLimits, target};
use crate::drain::Drain;
use crate::http::{Body, Failure, Request};

type Resolver = RequestResolver<h3_quinn::Connection, Bytes>;
type Sender = RequestStream<h3_quinn::SendStream<Bytes>, Bytes>;

/// Serves one connection to its end.
pub async fn serve<H: Handler>(
    quic: quinn::Connection,
    handler: Arc<H>,
    limits: &ServerLimits,
    lifetime: Lifetime,
    drain: &Drain,
) -> Ended {
    let mut builder = h3::server::builder();
    builder.max_field_section_size(limits.max_header_bytes as u64);
    let ended = match builder.build(h3_quinn::Connection::new(quic.clone())).await {
        Ok(connection) => Server { connection, quic, handler: Arc::clone(&handler), lifetime }.run(limits, drain).await,
        Err(error) => Ended::Protocol(error.to_string()),
    };
    handler.lost();
    ended
}

struct Server<H> {
    connection: Connection<h3_quinn::Connection, Bytes>,
    quic: quinn::Connection,
    handler: Arc<H>,
    lifetime: Lifetime,
}

impl<H: Handler> Server<H> {
    async fn run(mut self, limits: &ServerLimits, drain: &Drain) -> Ended {
        let limits = StreamLimits { max_headers: limits.max_header_count, write_timeout: limits.write_timeout };
        loop {
            tokio::select! {
                biased;
                accepted = self.connection.accept() => match accepted {
                    Ok(Some(resolver)) => {
                        let task = exchange(resolver, self.quic.clone(), Arc::clone(&self.handler), limits);
                        drain.spawn("http3 stream", task);
                    }
                    Ok(None) => return Ended::Done,
                    Err(error) if error.is_h3_no_error() => return Ended::Done,
                    Err(error) => return Ended::Broken(error.to_string()),
                },
                ending = self.lifetime.ending() => match ending {
                    Ending::Drain | Ending::MaxDuration => {
                        // h3 does not say when a stream was acknowledged, and closing throws away what is not.
                        self.lifetime.allow(self.quic.rtt() * 3);
                        // RFC 9114 §5.2: the first GOAWAY leaves room for requests that are already on their way. h3
                        // counts from the last stream; the number is so high that none of them is turned away.
                        if self.connection.shutdown(IN_TRANSIT).await.is_err() {
                            return Ended::Done;
                        }
                    }
                    Ending::Idle => {
                        self.close();
                        return Ended::Idle;
                    }
                    Ending::Settled => {
                        self.close();
                        return Ended::Told;
                    }
                    Ending::Now => {
                        self.close();
                        return Ended::Forced;
                    }
                },
            }
        }
    }

    fn close(&self) {
        let code = u32::try_from(Code::H3_NO_ERROR.value()).map_or(quinn::VarInt::MAX, quinn::VarInt::from_u32);
        self.quic.close(code, b"");
    }
}

async fn exchange<H: Handler>(resolver: Resolver, quic: quinn::Connection, handler: Arc<H>, limits: StreamLimits) {
    let (head, stream) = match resolver.resolve_request().await {
        Ok(request) => request,
        // h3 has reset the stream, answered 431, or closed the connection.
        Err(error) => return handler.refused(&from_request_body(&error)),
    };
    let (sender, receiver) = stream.split();
    let mut sink = StreamSink { stream: sender, quic, patience: limits.write_timeout };
    let (mut parts, ()) = head.into_parts();
    if parts.headers.len() > limits.max_headers {
        handler.refused(&Failure::HeadersTooLarge("http3.too_many_headers"));
        let _ = sink.head(http::StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE.into()).await;
        let _ = sink.finish().await;
        return;
    }
    if let Err(failure) = target::from_pseudo_fields(&parts.method, &mut parts.uri, &mut parts.headers) {
        handler.refused(&failure);
        return sink.reset(&failure);
    }
    let length = parts.headers.get(http::header::CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse().ok());
    let body = StreamBody::new(receiver, length).look_ahead().await;
    let body = if body.is_end_stream() { Body::Empty } else { Body::boxed(body) };
    let request = Request::from_parts(parts, body);
    if expects_continue(request.headers()) {
        // RFC 9110 §10.1.1: the client waits for this word. One that has left shows below.
        let _ = sink.head(http::StatusCode::CONTINUE.into()).await;
    }
    let answered = {
        let answer = std::pin::pin!(Arc::clone(&handler).handle(request));
        tokio::select! {
            biased;
            response = answer => Ok(response),
            gone = sink.gone() => {
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
    if let Err(gone) = respond(parts, &mut body, &mut sink).await {
        abandon(&*handler, gone, body);
    }
}

async fn respond(parts: http::response::Parts, body: &mut Body, sink: &mut StreamSink) -> Result<(), Gone> {
    sink.head(Head { status: parts.status, headers: parts.headers }).await?;
    pump(body, sink).await
}

struct Head {
    status: http::StatusCode,
    headers: HeaderMap,
}

impl From<http::StatusCode> for Head {
    fn from(status: http::StatusCode) -> Self {
        Self { status, headers: HeaderMap::new() }
    }
}

#[derive(Clone, Copy)]
struct StreamLimits {
    max_headers: usize,
    write_timeout: Option<Duration>,
}

struct StreamSink {
    stream: Sender,
    quic: quinn::Connection,
    patience: Option<Duration>,
}

impl StreamSink {
    async fn head(&mut self, head: Head) -> Result<(), Gone> {
        let mut response = http::Response::new(());
        *response.status_mut() = head.status;
        *response.headers_mut() = head.headers;
        self.stream.send_response(response).await.map_err(|error| gone_by(&error))
    }
}

impl Sink for StreamSink {
    async fn data(&mut self, chunk: Bytes, last: bool) -> Result<(), Gone> {
        // RFC 9114 §7.2.1: an empty DATA frame says nothing.
        if !chunk.is_empty() {
            match patient(self.patience, self.stream.send_data(chunk)).await {
                Ok(sent) => sent.map_err(|error| gone_by(&error))?,
                Err(stalled) => {
                    self.stream.stop_stream(Code::H3_REQUEST_CANCELLED);
                    return Err(stalled);
                }
            }
        }
        if last { self.finish().await } else { Ok(()) }
    }

    async fn trailers(&mut self, fields: HeaderMap) -> Result<(), Gone> {
        self.stream.send_trailers(fields).await.map_err(|error| gone_by(&error))?;
        self.finish().await
    }

    async fn finish(&mut self) -> Result<(), Gone> {
        self.stream.finish().await.map_err(|error| gone_by(&error))
    }

    fn reset(&mut self, failure: &Failure) {
        self.stream.stop_stream(code(failure));
    }

    /// h3-quinn does not show a `STOP_SENDING` before the next write; the end of the connection it cannot hide.
    async fn gone(&mut self) -> Gone {
        self.quic.closed().await;
        Gone::Connection
    }
}

/// How many requests may be on their way when draining begins.
const IN_TRANSIT: usize = 1 << 16;
