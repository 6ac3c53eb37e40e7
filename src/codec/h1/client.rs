//! The HTTP/1 client: one connection to an upstream, one exchange at a time.
//!
//! Called by `upstream`, which keeps the connection while it is idle. The target of our request is in origin form and
//! `host` is set, which is what HTTP/1 wants on the wire. A connection that became a tunnel serves nothing else.

use std::sync::{Arc, Mutex, PoisonError};

use http::header::{CONTENT_LENGTH, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY};
use http::{HeaderValue, Method};
use http_body::Body as _;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;

use super::asked::{Granted, granted, prepare};
use super::from_response;
use crate::codec::{Interims, SendError, tunnel};
use crate::http::{AskedTunnel, Body, Failure, Request, ResetReason, Response};

/// The part of a connection that takes requests.
#[derive(Debug)]
pub struct ClientStream {
    sender: SendRequest<Body>,
    /// Where the connection hears of a tunnel, which goes on when hyper is done.
    tunnel: Arc<Mutex<Option<oneshot::Receiver<()>>>>,
}

/// What the client of an upstream keeps to.
#[derive(Clone, Copy, Debug)]
pub struct ClientLimits {
    /// Bytes that the head of a response may take, more or less.
    pub max_header_bytes: usize,
    /// Fields that a response may have.
    pub max_header_count: usize,
    /// Whether the names of a request's fields are written With-Capitals.
    pub proper_case: bool,
}

/// Begins HTTP/1 on `io`. The future is the part
/// of the connection that moves bytes; whoever spawns it keeps the connection alive. It ends with the connection, also where that
/// became a tunnel.
///
/// # Errors
/// [`Failure::UpstreamReset`] when hyper refuses the transport.
pub async fn connect<I>(
    io: I,
    limits: ClientLimits,
) -> Result<(ClientStream, impl Future<Output = Result<(), hyper::Error>> + Send + use<I>), Failure>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = Builder::new();
    builder
        .max_headers(limits.max_header_count)
        .max_buf_size(limits.max_header_bytes.max(LEAST_BUFFER))
        .title_case_headers(limits.proper_case);
    let (sender, connection) = builder.handshake(TokioIo::new(io)).await.map_err(from_response)?;
    let tunnel = Arc::<Mutex<Option<oneshot::Receiver<()>>>>::default();
    let stream = ClientStream { sender, tunnel: Arc::clone(&tunnel) };
    let work = async move {
        connection.with_upgrades().await?;
        let tunnel = tunnel.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(tunnel) = tunnel {
            // Its other end is dropped, never used.
            let _ = tunnel.await;
        }
        Ok(())
    };
    Ok((stream, work))
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
        let (asked, version) = (AskedTunnel::of_request(&request), request.version());
        let key = asked.as_ref().and_then(|asked| prepare(asked, &mut request));
        *request.version_mut() = http::Version::HTTP_11;
        if request.body().is_end_stream() && may_have_content(request.method()) {
            // RFC 9110 §8.6: nothing else says that there is none.
            request.headers_mut().entry(CONTENT_LENGTH).or_insert(HeaderValue::from_static("0"));
        }
        let open = asked.is_some().then(|| self.expect_tunnel());
        let interims = Interims::of(&request);
        let coming = interims.clone();
        // hyper cannot be told to stop here: what is wrong is seen below.
        hyper::ext::on_informational(&mut request, move |head| _ = coming.came(head.status(), head.headers()));
        let sent = tokio::select! {
            biased;
            fault = interims.fault() => return Err(SendError::Failed(fault.into())),
            sent = self.sender.try_send_request(request) => sent,
        };
        let response = sent.map_err(|mut error| match error.take_message() {
            // As it came: on another connection it is asked for anew.
            Some(mut request) => {
                *request.version_mut() = version;
                if key.is_some() {
                    request.headers_mut().remove(SEC_WEBSOCKET_KEY);
                }
                SendError::Unsent(Box::new(request))
            }
            None => SendError::Failed(from_response(error.into_error())),
        })?;
        match granted(asked.as_ref(), key.as_deref(), &response) {
            Granted::No => Ok(response.map(|body| Body::Hyper(body, from_response))),
            Granted::Tunnel => {
                let mut response = open_tunnel(response, open).await.map_err(SendError::Failed)?;
                if key.is_some() {
                    // It answers what the client never asked.
                    response.headers_mut().remove(SEC_WEBSOCKET_ACCEPT);
                }
                Ok(response)
            }
            Granted::Unasked(fault) => {
                let reason = ResetReason::ProtocolError(fault.to_owned());
                Err(SendError::Failed(Failure::UpstreamReset(reason)))
            }
        }
    }

    /// Lets the connection last until what is returned is dropped.
    fn expect_tunnel(&self) -> oneshot::Sender<()> {
        let (open, ended) = oneshot::channel();
        *self.tunnel.lock().unwrap_or_else(PoisonError::into_inner) = Some(ended);
        open
    }
}

/// What is left of the connection is a tunnel.
async fn open_tunnel(
    mut response: http::Response<hyper::body::Incoming>,
    open: Option<oneshot::Sender<()>>,
) -> Result<Response, Failure> {
    let io = hyper::upgrade::on(&mut response).await.map_err(from_response)?;
    let (body, tunnel) = tunnel::over(TokioIo::new(io), open);
    let (mut head, _) = response.into_parts();
    head.extensions.insert(tunnel);
    Ok(Response::from_parts(head, body))
}

/// Whether a request of this method is taken to have content unless it says that it has none: as Envoy sees it.
fn may_have_content(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::DELETE | Method::CONNECT | Method::TRACE)
}

/// hyper has no smaller buffer.
const LEAST_BUFFER: usize = 8192;

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::http::ConnectProtocol;

    #[tokio::test]
    async fn rfc6455_4_1_who_is_asked_again_is_asked_with_a_key_of_its_own() {
        let limits = ClientLimits { max_header_bytes: 1 << 16, max_header_count: 100, proper_case: false };
        let (io, other) = tokio::io::duplex(1 << 16);
        let (mut stream, work) = connect(io, limits).await.unwrap();
        drop((other, work));
        let protocol = ConnectProtocol::try_from(Bytes::from_static(b"websocket")).unwrap();
        let mut request = Request::new(Body::Empty);
        *request.version_mut() = http::Version::HTTP_2;
        request.extensions_mut().insert(protocol);
        let Err(SendError::Unsent(given_back)) = stream.send(request).await else { panic!("it was sent") };
        assert_eq!(given_back.version(), http::Version::HTTP_2);
        assert!(!given_back.headers().contains_key(SEC_WEBSOCKET_KEY));
    }
}
