//! The HTTP/1 server: one connection, its requests one after the other.
//!
//! Called by `listener` for a connection that speaks HTTP/1; calls the [`Handler`] for each request. hyper frames and
//! keeps the order; it drops the exchange when the client leaves.

use std::convert::Infallible;
use std::sync::Arc;

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::guard::Guard;
use crate::codec::{Ended, Ending, Handler, Lifetime, ServerLimits, target};
use crate::http::{Body, Failure, Request, Response};

/// Serves one connection to its end.
pub async fn serve<I, H>(io: I, handler: Arc<H>, limits: &ServerLimits, mut lifetime: Lifetime) -> Ended
where
    I: AsyncRead + AsyncWrite + Unpin + Send,
    H: Handler,
{
    let mut io = TokioIo::new(Guard::new(io, Arc::clone(handler.activity()), limits));
    let outcome = {
        let service = service_fn(|request| answer(Arc::clone(&handler), request, limits));
        let mut builder = hyper::server::conn::http1::Builder::new();
        builder.max_headers(limits.max_header_count).max_buf_size(limits.max_header_bytes.max(MIN_BUFFER));
        builder.title_case_headers(limits.http1.proper_case);
        let connection = builder.serve_connection(&mut io, service);
        tokio::pin!(connection);
        loop {
            tokio::select! {
                biased;
                outcome = connection.as_mut() => break outcome,
                ending = lifetime.ending() => match ending {
                    Ending::Drain | Ending::MaxDuration => connection.as_mut().graceful_shutdown(),
                    Ending::Idle => return Ended::Idle,
                    Ending::Settled => return Ended::Told,
                    // A request that is given up ends its connection here: there never are many.
                    Ending::TooManyResets | Ending::Now => return Ended::Forced,
                },
            }
        }
    };
    let Err(error) = outcome else { return Ended::Done };
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
    limits: &ServerLimits,
) -> Result<Response, Infallible> {
    let (mut parts, body) = request.into_parts();
    let body = Body::Hyper(body, super::from_request_body);
    // hyper bounds its buffer, which is larger than what a head may be.
    let target = if target::is_larger_than(limits.max_header_bytes, &parts.uri, &parts.headers) {
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
    let request = Request::from_parts(parts, body);
    let mut response = match target {
        Ok(()) => handler.handle(request).await,
        Err(failure) => handler.reject(request, failure).await,
    };
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

/// hyper's floor for its buffer.
const MIN_BUFFER: usize = 8192;

/// RFC 9110 §15.5.9: the server did not get a complete request in time.
const HEAD_TIMEOUT: &[u8] = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 22\r\ncontent-type: text/plain\r\n\
                              connection: close\r\n\r\nrequest header timeout";
