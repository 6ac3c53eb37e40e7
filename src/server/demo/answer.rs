//! From a request to the demo backend's response: the decision is `route`'s, the streaming `body`'s.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{ACCEPT, ALLOW, CONTENT_TYPE, LOCATION, TRAILER},
};
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{
    body::{BodyError, DemoBody, TRAILERS},
    io::Flushes,
    route::Route,
    seen::{Seen, fields_json, fields_text},
};

/// Answers one request. `flushes` is its connection's.
///
/// An error closes the connection without an answer: the request broke off, or `/close/0` asked for it.
pub(super) async fn answer(request: Request<Incoming>, flushes: Arc<Flushes>) -> Result<Response<DemoBody>, BodyError> {
    if request.method() == Method::CONNECT {
        return Ok(refusal(StatusCode::METHOD_NOT_ALLOWED, "this backend opens no tunnels"));
    }
    let route = match Route::of(request.uri().path()) {
        Ok(route) => route,
        Err(error) => return Ok(refusal(StatusCode::BAD_REQUEST, &error.to_string())),
    };
    if route == Route::Echo {
        return Ok(echo(request));
    }
    let at_root = request.uri().path() == "/";
    let seen = Seen::read(request).await.map_err(BodyError::Request)?;
    match route {
        // `/echo` was answered above, before its body was read.
        Route::Report | Route::Echo => Ok(report(&seen, at_root)),
        Route::Help => Ok(text(HELP.into())),
        Route::Headers => Ok(headers(&seen)),
        Route::Bytes(length) => Ok(plain(DemoBody::pattern(length))),
        Route::Delay(ms) => {
            sleep(Duration::from_millis(ms)).await;
            Ok(report(&seen, false))
        }
        Route::Trailers => Ok(trailers()),
        Route::Status(status) => Ok(of_status(status)),
        Route::Drip { chunks, pause_ms } => Ok(plain(DemoBody::drip(chunks, Duration::from_millis(pause_ms)))),
        Route::Close(0) => Err(BodyError::CutOnPurpose),
        Route::Close(sent) => Ok(plain(DemoBody::cut(sent, flushes))),
    }
}

/// The body back as it comes, with its type; its trailers under the names that the request announced.
fn echo(request: Request<Incoming>) -> Response<DemoBody> {
    let (head, body) = request.into_parts();
    let mut response = Response::new(DemoBody::Echo(body));
    for name in [CONTENT_TYPE, TRAILER] {
        for value in head.headers.get_all(&name) {
            response.headers_mut().append(&name, value.clone());
        }
    }
    response
}

fn report(seen: &Seen, with_paths: bool) -> Response<DemoBody> {
    if wants_json(&seen.headers) {
        let mut value = seen.json();
        if let (true, Some(object)) = (with_paths, value.as_object_mut()) {
            object.insert("paths".into(), PATHS.iter().map(|(path, _)| Value::from(*path)).collect());
        }
        return json(&value);
    }
    let mut report = seen.text();
    if with_paths {
        report.extend_from_slice(b"\npaths\n");
        for (path, meaning) in PATHS {
            report.extend_from_slice(format!("  {path:<14}{meaning}\n").as_bytes());
        }
    }
    text(report)
}

fn headers(seen: &Seen) -> Response<DemoBody> {
    if wants_json(&seen.headers) {
        return json(&json!({ "headers": fields_json(&seen.headers) }));
    }
    text(fields_text("", &seen.headers))
}

fn trailers() -> Response<DemoBody> {
    let mut response = plain(DemoBody::trailers());
    for (name, _) in TRAILERS {
        response.headers_mut().append(TRAILER, HeaderValue::from_static(name));
    }
    response
}

fn of_status(status: StatusCode) -> Response<DemoBody> {
    let mut response = match status {
        // RFC 9110 §15.3.5, §15.3.6, §15.4.5: these have no content.
        StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED => {
            Response::new(DemoBody::Full(Bytes::new()))
        }
        _ => text(format!("{status}\n").into_bytes()),
    };
    *response.status_mut() = status;
    if status.is_redirection() && status != StatusCode::NOT_MODIFIED {
        response.headers_mut().insert(LOCATION, HeaderValue::from_static("/"));
    }
    response
}

fn refusal(status: StatusCode, why: &str) -> Response<DemoBody> {
    let mut response = text(format!("{why}; /help lists the paths\n").into_bytes());
    *response.status_mut() = status;
    if status == StatusCode::METHOD_NOT_ALLOWED {
        // RFC 9110 §15.5.6: a 405 names the methods allowed.
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
    }
    response
}

fn text(bytes: Vec<u8>) -> Response<DemoBody> {
    plain(DemoBody::Full(bytes.into()))
}

fn plain(body: DemoBody) -> Response<DemoBody> {
    typed("text/plain; charset=utf-8", body)
}

fn json(value: &Value) -> Response<DemoBody> {
    typed("application/json", DemoBody::Full(format!("{value:#}\n").into()))
}

fn typed(content_type: &'static str, body: DemoBody) -> Response<DemoBody> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn wants_json(headers: &HeaderMap) -> bool {
    let is_json =
        |value: &str| value.split(',').any(|range| media_type(range).eq_ignore_ascii_case("application/json"));
    headers.get_all(ACCEPT).iter().any(|value| value.to_str().is_ok_and(is_json))
}

fn media_type(range: &str) -> &str {
    range.split(';').next().unwrap_or_default().trim()
}

const PATHS: [(&str, &str); 11] = [
    ("/", "what was seen of the request, and this list; so does any path not listed"),
    ("/help", "the paths in full"),
    ("/headers", "the request's header fields only"),
    ("/echo", "the request's body and trailers back, byte for byte"),
    ("/bytes/N", "N bytes of a pattern"),
    ("/delay/MS", "waits MS milliseconds, then answers as / does"),
    ("/drip/N/MS", "N chunks, MS milliseconds apart"),
    ("/trailers", "a chunked body and two trailers"),
    ("/status/NNN", "an answer of that status"),
    ("/close/N", "declares 2N bytes, sends N, closes the connection"),
    ("/close/0", "closes the connection without an answer"),
];

const HELP: &str = "\
Quicgate's demo backend: HTTP/1.1, says what it was sent.

  /             method, path, protocol, header fields, body (first 4096 bytes) and trailers,
                as text, or as JSON when asked with 'accept: application/json'.
                Any path not listed here is answered in the same way.
  /help         this.
  /headers      the header fields only, as text or JSON. Names are in lower case.
  /echo         the request's body, streamed back byte for byte, with its content-type and,
                where the request has one, its content-length. Trailers come back too.
  /bytes/N      N bytes (at most 17179869184) of a repeating pattern of 61 bytes, with content-length.
  /delay/MS     waits MS milliseconds (at most 300000), then answers as / does.
  /drip/N/MS    N chunks (at most 100000), MS milliseconds apart, the first at once.
  /trailers     a chunked body, then the trailers x-trailer-one: 1 and x-trailer-two: 2.
  /status/NNN   an answer of that status, 200 to 599; 204, 205 and 304 without content;
                redirections point to /.
  /close/N      declares 2N bytes, sends N, then closes the connection.
  /close/0      closes the connection without an answer.

A request's body is read to its end before the answer starts, except on /echo.
Trailers are sent to those who say 'te: trailers', and /echo returns those that the request
announced in its 'trailer' field.

Try:
  curl http://127.0.0.1:8080/
  curl -H 'accept: application/json' http://127.0.0.1:8080/any/path
  curl --data-binary @FILE http://127.0.0.1:8080/echo
  curl --raw -i -H 'te: trailers' http://127.0.0.1:8080/trailers
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_for_those_who_list_it() {
        let table = [
            ("application/json", true),
            ("text/html, Application/JSON;q=0.9", true),
            ("*/*", false),
            ("application/json-seq", false),
        ];
        for (accept, wanted) in table {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(wants_json(&headers), wanted, "{accept}");
        }
    }

    #[test]
    fn rfc9110_15_statuses_without_content_have_none() {
        for code in [204, 205, 304] {
            let response = of_status(StatusCode::from_u16(code).unwrap());
            assert!(matches!(response.body(), DemoBody::Full(bytes) if bytes.is_empty()), "{code}");
            assert!(!response.headers().contains_key(CONTENT_TYPE), "{code}");
        }
    }

    #[test]
    fn a_redirection_says_where() {
        assert_eq!(of_status(StatusCode::FOUND).headers()[LOCATION], "/");
        assert!(!of_status(StatusCode::NOT_MODIFIED).headers().contains_key(LOCATION));
    }

    #[test]
    fn the_help_names_every_path() {
        for (path, _) in PATHS {
            assert!(HELP.contains(&format!("\n  {path} ")), "{path}");
        }
    }
}
