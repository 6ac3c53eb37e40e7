//! The table. Each case is played in all nine cells.

use bytes::Bytes;

use crate::case::{Act, Case, Script};
use crate::support::message::Request;

pub(crate) fn all() -> Vec<Case> {
    [
        methods(),
        targets(),
        statuses(),
        contents(),
        fields(),
        limits(),
        trailers(),
        grpc(),
        interims(),
        broken(),
        streams(),
    ]
    .concat()
}

fn exchange(name: &'static str, request: Request, script: Script) -> Case {
    Case { name, act: Act::Exchange(request), script }
}

/// Whose answer is a 200.
fn fine(name: &'static str, request: Request) -> Case {
    exchange(name, request, Script::reply(200, "fine"))
}

/// A GET.
fn answered(name: &'static str, script: Script) -> Case {
    exchange(name, Request::get("/"), script)
}

fn methods() -> Vec<Case> {
    vec![
        fine("GET with a query", Request::get("/a/b%20c?d=e&f=%2F")),
        exchange("HEAD", Request::new("HEAD", "/"), Script::head(200, &[("content-length", "4")]).end()),
        exchange("HEAD of what has no length", Request::new("HEAD", "/"), Script::head(200, &[("x-a", "b")]).end()),
        fine("POST with a length", Request::post("/", "some content").sized()),
        fine("POST without a length", Request::post("/", "some content")),
        fine("POST without content", Request::new("POST", "/")),
        fine("PUT of nothing", Request::new("PUT", "/").header("content-length", "0")),
        fine("DELETE", Request::new("DELETE", "/it")),
        fine("DELETE with content", Request::new("DELETE", "/it").body("why").sized()),
        fine("OPTIONS", Request::new("OPTIONS", "/")),
        fine("DELETE with content of no length", Request::new("DELETE", "/it").body("why")),
        fine("GET with content", Request::get("/").body("why").sized()),
        fine("TRACE", Request::new("TRACE", "/")),
        exchange(
            "HEAD of what is not there",
            Request::new("HEAD", "/"),
            Script::head(404, &[("content-length", "8")]).end(),
        ),
        fine("a method of one's own", Request::new("PROPFIND", "/").body("<all/>").sized()),
    ]
}

fn targets() -> Vec<Case> {
    vec![
        fine("a path with empty segments and dots", Request::get("//a/./b/../c;d=e/")),
        fine("a path with escapes", Request::get("/%2e%2E/a%2Fb%zz?%00")),
        fine("an empty query", Request::get("/?")),
        fine("a long target", Request::get(format!("/{}", "p".repeat(4000)).leak())),
        fine("what the gateway answers", Request::get("/direct")),
        fine("where the gateway leads elsewhere", Request::get("/redirect/a?b=c")),
        fine("a post that the gateway answers", Request::post("/direct", "some content").sized()),
    ]
}

fn limits() -> Vec<Case> {
    let request = (0..150).fold(Request::get("/"), |request, number| request.header(&format!("x-{number}"), "v"));
    let many: Vec<(&'static str, &'static str)> =
        (0..150).map(|number| (&*format!("x-{number}").leak(), "v")).collect();
    vec![
        fine("more fields than a request may have", request),
        fine("a larger head than a request may have", Request::get("/").header("x-long", &"v".repeat(70_000))),
        answered("more fields than an answer may have", Script::head(200, &many).end()),
    ]
}

fn grpc() -> Vec<Case> {
    let call = || {
        Request::post("/a.B/C", "\0\0\0\0\u{2}hi").header("content-type", "application/grpc").header("te", "trailers")
    };
    let head = || Script::head(200, &[("content-type", "application/grpc"), ("trailer", "grpc-status, grpc-message")]);
    let case = |name, act, script| Case { name, act, script };
    vec![
        exchange(
            "gRPC that fails in the middle",
            call(),
            head().data("\0\0\0\0\u{2}ho").trailers(&[("grpc-status", "13"), ("grpc-message", "no")]),
        ),
        exchange("gRPC to an upstream that resets", call(), Script::default().reset()),
        exchange("gRPC without an answer in time", call(), Script::default().await_end()),
        exchange(
            "gRPC that the gateway answers",
            Request::post("/direct", "\0\0\0\0\u{2}hi").header("content-type", "application/grpc"),
            Script::default(),
        ),
        case(
            "gRPC both ways",
            Act::Talk(
                Request::new("POST", "/a.B/C").header("content-type", "application/grpc").header("te", "trailers"),
                &["one", "two"],
            ),
            Script::default()
                .early()
                .await_content(3)
                .and_head(200, &[("content-type", "application/grpc"), ("trailer", "grpc-status")])
                .data("ONE")
                .await_content(6)
                .data("TWO")
                .await_content(usize::MAX)
                .trailers(&[("grpc-status", "0")]),
        ),
    ]
}

fn statuses() -> Vec<Case> {
    vec![
        answered("204", Script::head(204, &[("x-a", "b")]).end()),
        answered(
            "304 with the length of what there is",
            Script::head(304, &[("content-length", "5"), ("etag", "\"a\"")]).end(),
        ),
        answered(
            "206",
            Script::head(206, &[("content-length", "2"), ("content-range", "bytes 0-1/9")]).data("he").end(),
        ),
        answered("301", Script::head(301, &[("content-length", "0"), ("location", "/elsewhere?a=b")]).end()),
        answered(
            "401",
            Script::head(401, &[("content-length", "0"), ("www-authenticate", "Basic realm=\"a, b\"")]).end(),
        ),
        answered("429", Script::head(429, &[("content-length", "0"), ("retry-after", "5")]).end()),
        answered("404", Script::reply(404, "not here")),
        answered("500", Script::reply(500, "broken")),
        answered("599", Script::reply(599, "strange")),
    ]
}

fn contents() -> Vec<Case> {
    let large = Bytes::from("0123456789abcdef".repeat(1 << 16));
    vec![
        answered("nothing, with a length", Script::head(200, &[("content-length", "0")]).end()),
        answered("nothing, without a length", Script::head(200, &[]).end()),
        answered("content without a length", Script::head(200, &[]).data("hello").end()),
        answered("content in parts", Script::head(200, &[]).data("he").data("ll").data("o").end()),
        answered(
            "a large answer with a length",
            Script::head(200, &[("content-length", "1048576")]).data(large.clone()).end(),
        ),
        answered("a large answer without a length", Script::head(200, &[]).data(large.clone()).end()),
        fine("a large request with a length", Request::post("/", large.clone()).sized()),
        fine("a large request without a length", Request::post("/", large)),
        answered(
            "an event stream",
            Script::head(200, &[("content-type", "text/event-stream")]).data("data: a\n\n").data("data: b\n\n").end(),
        ),
    ]
}

fn fields() -> Vec<Case> {
    let long: &'static str = "v".repeat(8000).leak();
    let many: Vec<(&'static str, &'static str)> = (0..80).map(|number| (&*format!("x-{number}").leak(), "v")).collect();
    let request = many.iter().fold(Request::get("/"), |request, (name, value)| request.header(name, value));
    vec![
        fine(
            "fields of the request",
            Request::get("/").header("x-a", "1").header("x-a", "2").header("accept", "*/*").header("x-empty", ""),
        ),
        fine("cookies", Request::get("/").header("cookie", "a=b").header("cookie", "c=d; e=f")),
        fine(
            "codings of content",
            Request::get("/").header("accept-encoding", "gzip, br").header("range", "bytes=0-1"),
        ),
        fine("te: trailers", Request::get("/").header("te", "trailers")),
        fine("a long field", Request::get("/").header("x-long", long)),
        fine("many fields", request),
        fine(
            "who was here before",
            Request::get("/")
                .header("x-forwarded-for", "192.0.2.1")
                .header("x-forwarded-proto", "http")
                .header("via", "1.1 other"),
        ),
        fine("a priority", Request::get("/").header("priority", "u=1, i")),
        answered(
            "fields of the answer",
            Script::head(
                200,
                &[
                    ("content-length", "0"),
                    ("x-a", "1"),
                    ("x-a", "2"),
                    ("set-cookie", "a=b"),
                    ("set-cookie", "c=d"),
                    ("x-empty", ""),
                ],
            )
            .end(),
        ),
        answered(
            "a server and a date of its own",
            Script::head(
                200,
                &[("content-length", "0"), ("server", "itself"), ("date", "Thu, 01 Jan 1970 00:00:00 GMT")],
            )
            .end(),
        ),
        answered("a long field of the answer", Script::head(200, &[("content-length", "0"), ("x-long", long)]).end()),
        answered("many fields of the answer", Script::head(200, &many).end()),
    ]
}

fn trailers() -> Vec<Case> {
    let grpc = || {
        Request::post("/a.B/C", "\0\0\0\0\u{2}hi").header("content-type", "application/grpc").header("te", "trailers")
    };
    vec![
        exchange(
            "trailers of the answer",
            Request::get("/").header("te", "trailers"),
            Script::head(200, &[("trailer", "x-t")]).data("hello").trailers(&[("x-t", "u"), ("x-v", "w")]),
        ),
        exchange(
            "trailers after nothing",
            Request::get("/").header("te", "trailers"),
            Script::head(200, &[("trailer", "x-t")]).trailers(&[("x-t", "u")]),
        ),
        fine("trailers of the request", Request::post("/", "hello").header("trailer", "x-t").trailer("x-t", "u")),
        exchange(
            "gRPC",
            grpc(),
            Script::head(200, &[("content-type", "application/grpc"), ("trailer", "grpc-status")])
                .data("\0\0\0\0\u{2}ho")
                .trailers(&[("grpc-status", "0")]),
        ),
        exchange(
            "gRPC with nothing but a status",
            grpc(),
            Script::head(200, &[("content-type", "application/grpc"), ("grpc-status", "5"), ("content-length", "0")])
                .end(),
        ),
    ]
}

fn interims() -> Vec<Case> {
    let hint = [("link", "</a.css>; rel=preload")];
    let fine = |script: Script| script.and_head(200, &[("content-length", "4")]).data("fine").end();
    vec![
        answered("103 first", fine(Script::default().interim(103, &hint))),
        answered(
            "103 twice",
            fine(Script::default().interim(103, &hint).interim(103, &[("link", "</b.js>; rel=preload")])),
        ),
        answered(
            "103 before a failure",
            Script::default().interim(103, &hint).and_head(503, &[("content-length", "0")]).end(),
        ),
        exchange(
            "an expectation that is met",
            Request::post("/", "some content").sized().header("expect", "100-continue"),
            fine(Script::default().interim(100, &[]).await_content(usize::MAX)).early(),
        ),
        exchange(
            "an expectation that is refused",
            Request::post("/", "some content").sized().header("expect", "100-continue"),
            Script::reply(417, "no"),
        ),
    ]
}

fn broken() -> Vec<Case> {
    let hello = || Script::head(200, &[("content-length", "10")]).data("hello");
    let case = |name, act, script| Case { name, act, script };
    vec![
        answered("a reset instead of an answer", Script::default().reset()),
        case(
            "a reset in content with a length",
            Act::ReadThenRelease(Request::get("/")),
            hello().await_release().reset(),
        ),
        case(
            "a reset in content without a length",
            Act::ReadThenRelease(Request::get("/")),
            Script::head(200, &[]).data("hello").await_release().reset(),
        ),
        case(
            "the client leaves before the answer",
            Act::LeaveBeforeReply(Request::get("/")),
            Script::default().await_end(),
        ),
        case("the client leaves in the answer", Act::LeaveInReply(Request::get("/")), hello().await_end()),
        case(
            "the client leaves in its request",
            Act::LeaveInRequest(Request::post("/", "").header("content-length", "10"), "hello"),
            Script::default().await_end(),
        ),
        answered("no answer in time", Script::default().await_end()),
    ]
}

fn streams() -> Vec<Case> {
    let case = |name, act, script| Case { name, act, script };
    vec![
        case(
            "both sides at once",
            Act::Talk(Request::new("POST", "/"), &["one", "two", "three"]),
            Script::default()
                .early()
                .await_content(3)
                .and_head(200, &[])
                .data("ONE")
                .await_content(6)
                .data("TWO")
                .await_content(11)
                .data("THREE")
                .await_content(usize::MAX)
                .end(),
        ),
        case(
            "an answer in two halves",
            Act::ReadThenRelease(Request::get("/")),
            Script::head(200, &[("content-length", "10")]).data("hello").await_release().data("world").end(),
        ),
        case(
            "an answer in two parts",
            Act::ReadThenRelease(Request::get("/")),
            Script::head(200, &[]).data("hello").await_release().data("world").end(),
        ),
        case(
            "an answer before the end of the request",
            Act::Unfinished(Request::post("/", "").header("content-length", "10"), "hello"),
            Script::default().early().await_content(5).and_head(413, &[("content-length", "8")]).data("too much").end(),
        ),
    ]
}
