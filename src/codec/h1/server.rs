//! The HTTP/1 server: one connection, its requests one after the other.
//!
//! Called by `listener` for a connection that speaks HTTP/1; calls the [`Handler`] for each request. hyper frames and
//! keeps the order; it drops the exchange when the client leaves.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::aside::Aside;
use super::guard::Guard;
use super::tunnel::{Asking, Opened};
use crate::codec::{Ended, Ending, Handler, Lifetime, Outbox, ServerLimits, mailbox, target, tunnel};
use crate::http::{Body, Failure, Request, Response};

/// Serves one connection to its end.
pub async fn serve<I, H>(io: I, handler: Arc<H>, limits: &ServerLimits, mut lifetime: Lifetime) -> Ended
where
    I: AsyncRead + AsyncWrite + Unpin + Send,
    H: Handler,
{
    let aside = Arc::<Aside>::default();
    let opened = Opened::default();
    let mut io = TokioIo::new(Guard::new(io, Arc::clone(handler.activity()), Arc::clone(&aside), limits));
    let (outcome, read) = {
        let service = service_fn(|request| answer(Arc::clone(&handler), request, &aside, &opened, limits));
        let mut builder = hyper::server::conn::http1::Builder::new();
        builder.max_headers(limits.max_header_count).max_buf_size(limits.max_header_bytes.max(MIN_BUFFER));
        builder.title_case_headers(limits.http1.proper_case);
        let mut connection = builder.serve_connection(&mut io, service);
        let outcome = loop {
            tokio::select! {
                biased;
                outcome = &mut connection => break outcome,
                ending = lifetime.ending() => match ending {
                    Ending::Drain | Ending::MaxDuration => Pin::new(&mut connection).graceful_shutdown(),
                    Ending::Idle => return Ended::Idle,
                    Ending::Settled => return Ended::Told,
                    // A request that is given up ends its connection here: there never are many.
                    Ending::TooManyResets | Ending::Now => return Ended::Forced,
                },
            }
        };
        (outcome, connection.into_parts().read_buf)
    };
    let Err(error) = outcome else {
        if let Some(tunnel) = opened.take() {
            return tunnel.run(io.into_inner(), read, &*handler, lifetime).await;
        }
        // hyper leaves this to others when a tunnel was asked for and refused. A client that does not read is not waited for.
        let _ = tokio::time::timeout(CLOSE_PATIENCE, io.inner_mut().shutdown()).await;
        return Ended::Done;
    };
    if io.inner().expired() {
        handler.refused(&Failure::RequestHeadersTimeout);
        // The head never came whole, so hyper has nothing to answer: this is said past it.
        let _ = io.inner_mut().write_all(HEAD_TIMEOUT).await;
        let _ = io.inner_mut().shutdown().await;
        return Ended::Protocol(error.to_string());
    }
    handler.lost();
    ended(&error, &handler)
}

async fn answer<H: Handler>(
    handler: Arc<H>,
    request: http::Request<hyper::body::Incoming>,
    aside: &Aside,
    opened: &Opened,
    limits: &ServerLimits,
) -> Result<Response, Infallible> {
    let (mut parts, body) = request.into_parts();
    // hyper bounds its buffer, which is larger than what a head may be.
    let mut target = if target::is_larger_than(limits.max_header_bytes, &parts.uri, &parts.headers) {
        Err(Failure::HeadersTooLarge("http1.headers_too_large"))
    } else {
        target::from_http1(
            parts.version,
            &parts.method,
            &mut parts.uri,
            &mut parts.headers,
            !limits.http1.keeps_absolute_form,
        )
    };
    let asking = match Asking::of(&mut parts, &body) {
        Ok(asking) => asking,
        Err(failure) => {
            target = target.and(Err(failure));
            None
        }
    };
    // RFC 9110 §15.2: a client of HTTP/1.0 is sent no interim response, and RFC 9110 §10.1.1: what it expects is ignored.
    let hears_interim = parts.version >= http::Version::HTTP_11;
    if hears_interim && limits.proxy_100_continue && target::expects_continue(&parts.headers) {
        aside.silence().await;
    }
    let (asking, body) = match asking {
        Some(asking) => {
            let (feed, content) = tunnel::feed();
            (Some((asking, feed)), content)
        }
        None => (None, Body::Hyper(body, super::from_request_body)),
    };
    let request = Request::from_parts(parts, body);
    let mut response = match target {
        Ok(()) if hears_interim => {
            let (outbox, inbox) = mailbox();
            aside.answer(inbox, handler.handle(request, outbox)).await
        }
        Ok(()) => handler.handle(request, Outbox::closed()).await,
        Err(failure) => handler.reject(request, failure).await,
    };
    if let Some((asking, feed)) = asking {
        response = asking.answered(response, feed, opened);
    }
    // Whatever the upstream spoke.
    *response.version_mut() = http::Version::HTTP_11;
    Ok(response)
}

fn ended<H: Handler>(error: &hyper::Error, handler: &Arc<H>) -> Ended {
    if error.is_parse() {
        // hyper has answered 400 or 431 and closed.
        handler.refused(&if error.is_parse_too_large() {
            Failure::HeadersTooLarge("http1.headers_too_large")
        } else {
            Failure::DownstreamProtocol("http1.codec_error".into())
        });
        return Ended::Protocol(error.to_string());
    }
    Ended::Broken(error.to_string())
}

/// How long the last word of the transport may wait for the client to read.
const CLOSE_PATIENCE: Duration = Duration::from_secs(1);

/// hyper's floor for its buffer.
const MIN_BUFFER: usize = 8192;

/// RFC 9110 §15.5.9: the server did not get a complete request in time.
const HEAD_TIMEOUT: &[u8] = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 22\r\ncontent-type: text/plain\r\n\
                              connection: close\r\n\r\nrequest header timeout";
