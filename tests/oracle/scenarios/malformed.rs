//! HTTP/1.1 as it should not be, and the corners of what it may be.

use crate::{
    scenario::{Act, Scenario},
    stage::Stage,
    support::client::Version,
};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::raw("no Host", "GET /echo HTTP/1.1\r\n\r\n"),
        Scenario::raw("a Host that is no host", "GET /echo HTTP/1.1\r\nhost: a te<st\r\n\r\n"),
        Scenario::raw("a method that is no token", request("G@T /echo", "")),
        Scenario::raw("HTTP/1.0", "GET /echo HTTP/1.0\r\nhost: a.test\r\n\r\n"),
        Scenario::raw("no HTTP at all", "hello world\r\n\r\n"),
        Scenario::raw("a target without a slash", request("GET echo", "")),
        Scenario::raw("a space in the target", request("GET /ec ho", "")),
        Scenario::raw("a fragment in the target", request("GET /echo#part", "")),
        Scenario::raw("a target in absolute form", request("GET http://a.test/echo", "")),
        Scenario::raw("OPTIONS *", request("OPTIONS *", "")),
        Scenario::raw("CONNECT without a route for it", "CONNECT a.test:443 HTTP/1.1\r\nhost: a.test:443\r\n\r\n"),
        Scenario::raw("an upgrade that is not enabled", request("GET /echo", UPGRADE)),
        Scenario::raw("an upgrade", request("GET /said/switched", UPGRADE)).on(Stage::Tunnels),
        Scenario::raw("an upgrade that is refused", request("GET /said/503", UPGRADE)).on(Stage::Tunnels),
        Scenario::raw("an upgrade that is ignored", request("GET /said/hello", UPGRADE)).on(Stage::Tunnels),
        Scenario::raw("an upgrade of another kind", request("GET /said/switched", OTHER_UPGRADE)).on(Stage::Tunnels),
        Scenario::raw("an upgrade that a route answers", request("GET /exact", UPGRADE)).on(Stage::Tunnels),
        Scenario::raw("an upgrade with content", request("POST /echo", UPGRADE_WITH_CONTENT) + "hello")
            .on(Stage::Tunnels),
        Scenario::raw("a header too large", request("GET /echo", &format!("x: {}\r\n", "a".repeat(61 * 1024)))),
        Scenario::raw("a target too large", request(&format!("GET /{}", "a".repeat(61 * 1024)), "")),
        Scenario::raw("as many headers as allowed", request("GET /echo", &"x: 1\r\n".repeat(99))),
        Scenario::raw("one header too many", request("GET /echo", &"x: 1\r\n".repeat(100))),
        Scenario::raw("content-length and chunked", request("POST /echo", BOTH_FRAMINGS)),
        Scenario::raw("two lengths", request("POST /echo", "content-length: 1\r\ncontent-length: 2\r\n")),
        Scenario::raw("a length that is no number", request("POST /echo", "content-length: -5\r\n")),
        Scenario::raw("a coding other than chunked", request("POST /echo", "transfer-encoding: gzip\r\n")),
        Scenario::raw("a header name with a space", request("GET /echo", "x y: 1\r\n")),
        Scenario::raw("a space before the colon", request("GET /echo", "x : 1\r\n")),
        Scenario::raw("NUL in a value", request("GET /echo", "x: a\0b\r\n")),
        Scenario::raw("an empty line first", format!("\r\n{}", request("GET /echo", ""))),
        Scenario::raw("a connection to be closed", request("GET /echo", "connection: close\r\n")),
        Scenario::raw("a path with dots", request("GET /x/../echo", "")),
        Scenario::raw("a bad chunk in a request", request("POST /echo", CHUNKED) + "zz\r\n"),
        Scenario::new("HEAD by hand", Act::Raw("HEAD", request("HEAD /echo", ""))).over(&[Version::Http1]),
    ]
}

/// A request for the virtual host most routes belong to.
fn request(line: &str, fields: &str) -> String {
    format!("{line} HTTP/1.1\r\nhost: a.test\r\n{fields}\r\n")
}

const UPGRADE: &str = "connection: upgrade\r\nupgrade: websocket\r\n";

const OTHER_UPGRADE: &str = "connection: upgrade\r\nupgrade: other\r\n";

const UPGRADE_WITH_CONTENT: &str = "connection: upgrade\r\nupgrade: websocket\r\ncontent-length: 5\r\n";

const BOTH_FRAMINGS: &str = "content-length: 5\r\ntransfer-encoding: chunked\r\n";

const CHUNKED: &str = "transfer-encoding: chunked\r\n";
