//! What the test servers answer, whatever version asks.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};

/// A whole response.
pub(crate) struct Reply {
    /// An interim response before it.
    pub(crate) interim: Option<StatusCode>,
    pub(crate) head: Response<()>,
    pub(crate) body: Bytes,
    pub(crate) trailers: Option<HeaderMap>,
    /// Reset after the body.
    pub(crate) reset: bool,
}

/// `/status/NNN`, `/echo`, `/trailers`, `/early`, `/reset`; anything else is method and authority.
pub(crate) fn reply(request: &Request<()>, body: Bytes) -> Reply {
    let mut head = Response::new(());
    head.headers_mut().insert("server", HeaderValue::from_static("rig"));
    head.headers_mut().insert("alt-svc", HeaderValue::from_static("h3=\":10443\"; ma=86400, h2=\"alt.example:443\""));
    let seen = format!("{} {}", request.method(), request.uri().authority().unwrap());
    let mut reply = Reply { interim: None, head, body: seen.into(), trailers: None, reset: false };
    match request.uri().path() {
        "/echo" => reply.body = body,
        "/early" => reply.interim = Some(StatusCode::EARLY_HINTS),
        "/reset" => reply.reset = true,
        "/trailers" => {
            assert_eq!(request.headers()["te"], "trailers");
            reply.trailers = Some(HeaderMap::from_iter([("x-sum".parse().unwrap(), HeaderValue::from_static("42"))]));
        }
        path => {
            if let Some(status) = path.strip_prefix("/status/") {
                *reply.head.status_mut() = status.parse().unwrap();
            }
        }
    }
    if request.method() == Method::HEAD {
        reply.body = Bytes::new();
    }
    reply
}
