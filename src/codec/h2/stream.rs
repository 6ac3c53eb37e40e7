//! One exchange of the client: a request, and its response.
//!
//! It runs in the task that calls [`ClientStream::send`]: it writes the request and reads the response. Only an upload that is
//! not over when the response begins goes on in a task of its own, for whoever reads the response may read on only after all
//! was sent.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{RecvStream, SendStream};
use http::Method;
use http_body::Body as _;

use super::body::{Asked, StreamBody};
use super::client::Shared;
use super::error::from_upstream;
use super::sink::StreamSink;
use super::tunnel::not_announced;
use crate::codec::message::{ContentLength, Refused, SectionLimits, check_response};
use crate::codec::pump::pump;
use crate::codec::upload::Upload;
use crate::codec::{Busy, Interims, SendError, once_answered};
use crate::drain::Drain;
use crate::http::{AskedTunnel, Body, Failure, Request, ResetReason, Response};

/// A stream of a connection, for one exchange.
#[derive(Debug)]
pub struct ClientStream {
    pub(super) shared: Arc<Shared>,
    pub(super) busy: Busy,
}

impl ClientStream {
    /// Sends a request and waits for the final head of the response. Dropped before its end, the request is cancelled.
    ///
    /// # Errors
    /// [`SendError::Unsent`] gives a request back of which nothing was sent, or, without content, for which the upstream did
    /// nothing.
    pub async fn send(self, request: Request) -> Result<Response, SendError> {
        let Self { shared, busy } = self;
        let (interims, tunnel) = (Interims::of(&request), AskedTunnel::of_request(&request));
        let (parts, body) = request.into_parts();
        let bodyless = body.is_end_stream();
        let protocol = match &tunnel {
            Some(AskedTunnel::Upgrade(protocol)) => Some(protocol),
            Some(AskedTunnel::Connect) | None => None,
        };
        if protocol.is_some() && !shared.takes_extended_connect().await {
            return Err(SendError::Failed(not_announced()));
        }
        let ends = bodyless && tunnel.is_none();
        let Some((response, stream)) = shared.begin(&parts, protocol, ends) else {
            return Err(SendError::Unsent(Box::new(Request::from_parts(parts, body))));
        };
        let limits = shared.section_limits();
        let asked = Asked { stream: None, upload: None, _busy: busy };
        let exchange = ClientExchange { response, limits, drain: shared.drain.clone(), asked, interims };
        // What an exchange holds on to keeps the connection open.
        drop(shared);
        let answered = if let Some(asked) = &tunnel {
            exchange.tunnel(stream, &parts, asked).await
        } else if bodyless {
            exchange.ask(stream, &parts.method).await
        } else {
            exchange.upload(stream, &parts.method, body).await
        };
        let failure = match answered {
            Ok(response) => return Ok(response),
            Err(failure) => failure,
        };
        // RFC 9113 §6.8, §8.7: it may be sent again, elsewhere.
        let unserved = matches!(failure, Failure::UpstreamReset(ResetReason::RemoteRefused));
        Err(if unserved && bodyless {
            SendError::Unsent(Box::new(Request::from_parts(parts, Body::Empty)))
        } else {
            SendError::Failed(failure)
        })
    }
}

/// An exchange on its way.
pub(super) struct ClientExchange {
    response: ResponseFuture,
    pub(super) limits: SectionLimits,
    drain: Drain,
    pub(super) asked: Asked,
    interims: Interims,
}

impl ClientExchange {
    /// The response to a request that is whole.
    async fn ask(mut self, stream: SendStream<Bytes>, method: &Method) -> Result<Response, Failure> {
        self.asked.stream = Some(stream);
        let head = self.answer().await?;
        self.response(head, method).await
    }

    /// The response to a request whose content is still to be sent.
    async fn upload(mut self, stream: SendStream<Bytes>, method: &Method, mut body: Body) -> Result<Response, Failure> {
        let mut sink = StreamSink::of_request(stream);
        let mut upload = Box::pin(async move {
            let _ = pump(&mut body, &mut sink).await;
            sink.is_broken_off()
        });
        let (head, rest) = {
            let mut answer = pin!(self.answer());
            tokio::select! {
                biased;
                head = &mut answer => (head?, true),
                // A request that broke off has no response. Whether the upstream says so as well is not waited for.
                broken_off = &mut upload => {
                    if broken_off {
                        return Err(Failure::UpstreamReset(ResetReason::ConnectionTermination));
                    }
                    (answer.await?, false)
                }
            }
        };
        self.asked.upload = rest.then(|| Upload::new(&self.drain.spawn("http2 upload", async { _ = upload.await })));
        self.response(head, method).await
    }

    /// The final head. Those before it are interim.
    pub(super) async fn answer(&mut self) -> Result<http::Response<RecvStream>, Failure> {
        while let Some(interim) = poll_fn(|cx| self.response.poll_informational(cx)).await {
            let interim = interim.map_err(|error| Failure::UpstreamReset(from_upstream(&error)))?;
            let (parts, ()) = interim.into_parts();
            check_response(&parts, self.limits).map_err(|refused| self.refuse(refused))?;
            self.interims.came(parts.status, &parts.headers)?;
        }
        (&mut self.response).await.map_err(|error| Failure::UpstreamReset(from_upstream(&error)))
    }

    pub(super) fn refuse(&mut self, refused: Refused) -> Failure {
        Failure::UpstreamReset(self.asked.refuse(refused))
    }

    pub(super) async fn response(
        mut self,
        response: http::Response<RecvStream>,
        method: &Method,
    ) -> Result<Response, Failure> {
        let (mut head, stream) = response.into_parts();
        let announced = check_response(&head, self.limits).map_err(|refused| self.refuse(refused))?;
        let length = announced.of_response(head.status, method);
        let body = StreamBody::new(stream, length, self.limits).answering(self.asked);
        let body = body.look_ahead().await.map_err(once_answered)?;
        let body = body.end_where_nothing_comes().await.map_err(once_answered)?;
        head.version = http::Version::HTTP_2;
        ContentLength::say_once(&mut head.headers);
        let body = if body.is_end_stream() { Body::Empty } else { Body::boxed(body) };
        Ok(Response::from_parts(head, body))
    }
}
