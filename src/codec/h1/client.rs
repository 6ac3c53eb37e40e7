//! The HTTP/1 client: one connection to an upstream, one exchange at a time.
//!
//! Called by `upstream`, which keeps the connection while it is idle. The target of our request is in origin form and
//! `host` is set, which is what HTTP/1 wants on the wire.

use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Method, StatusCode};
use http_body::Body as _;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::from_response;
use crate::codec::{Interims, SendError};
use crate::http::{Body, Failure, Request, ResetReason, Response};

/// The part of a connection that moves bytes; whoever spawns it keeps the connection alive.
pub type ClientConnection<I> = Connection<TokioIo<I>, Body>;

/// The part of a connection that takes requests.
#[derive(Debug)]
pub struct ClientStream {
    sender: SendRequest<Body>,
}

/// Begins HTTP/1 on `io`. A response may have `max_headers` fields, and a head of about `max_head` bytes.
///
/// # Errors
/// [`Failure::UpstreamReset`] when hyper refuses the transport.
pub async fn connect<I>(
    io: I,
    max_headers: usize,
    max_head: usize,
) -> Result<(ClientStream, ClientConnection<I>), Failure>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = Builder::new();
    builder.max_headers(max_headers).max_buf_size(max_head.max(LEAST_BUFFER));
    let (sender, connection) = builder.handshake(TokioIo::new(io)).await.map_err(from_response)?;
    Ok((ClientStream { sender }, connection))
}

impl ClientStream {
    /// Whether the connection is known to be closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Whether the previous exchange is off the wire.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }

    /// Waits until the previous exchange is off the wire.
    ///
    /// # Errors
    /// When the connection is closed.
    pub async fn ready(&mut self) -> Result<(), Failure> {
        self.sender.ready().await.map_err(from_response)
    }

    /// Sends a request and waits for the head of the response.
    ///
    /// # Errors
    /// [`SendError::Unsent`] gives the request back when the connection was closed before any of it was written.
    pub async fn send(&mut self, mut request: Request) -> Result<Response, SendError> {
        *request.version_mut() = http::Version::HTTP_11;
        if request.body().is_end_stream() && may_have_content(request.method()) {
            // RFC 9110 §8.6: nothing else says that there is none.
            request.headers_mut().entry(CONTENT_LENGTH).or_insert(HeaderValue::from_static("0"));
        }
        let interims = Interims::of(&request);
        let coming = interims.clone();
        // hyper cannot be told to stop here: what is wrong is seen below.
        hyper::ext::on_informational(&mut request, move |head| _ = coming.came(head.status(), head.headers()));
        let sent = tokio::select! {
            biased;
            fault = interims.fault() => return Err(SendError::Failed(fault.into())),
            sent = self.sender.try_send_request(request) => sent,
        };
        match sent {
            // RFC 9110 §7.8: nothing was asked for that it could switch to.
            Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                let reason = ResetReason::ProtocolError("http1.unexpected_upgrade".to_owned());
                Err(SendError::Failed(Failure::UpstreamReset(reason)))
            }
            Ok(response) => Ok(response.map(|body| Body::Hyper(body, from_response))),
            Err(mut error) => Err(match error.take_message() {
                Some(request) => SendError::Unsent(Box::new(request)),
                None => SendError::Failed(from_response(error.into_error())),
            }),
        }
    }
}

/// Whether a request of this method is taken to have content unless it says that it has none: as Envoy sees it.
fn may_have_content(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::DELETE | Method::CONNECT | Method::TRACE)
}

/// hyper has no smaller buffer.
const LEAST_BUFFER: usize = 8192;
