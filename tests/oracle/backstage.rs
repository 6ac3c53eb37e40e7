//! What stands behind the gateway: a backend that obeys the path, two under TLS that echo, and addresses that are of no use.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use crate::support::{
    backend::{Backend, Received, Script},
    certificates::Certificates,
    http2_backend::Http2Backend,
    ports::{Refusing, Unanswering},
    tls_server::{Setup, TLS12_ONLY},
};

/// Shared by both programs, one after the other.
pub(crate) struct Backstage {
    pub(crate) backend: Backend,
    pub(crate) refusing: Refusing,
    pub(crate) unanswering: Unanswering,
    /// Under TLS.
    pub(crate) secured: Backend,
    /// The same, for clients that show a certificate.
    pub(crate) wanting: Backend,
    /// In HTTP/2 in the clear.
    pub(crate) http2: Http2Backend,
    /// The same under TLS.
    pub(crate) secured_http2: Http2Backend,
    /// The kernel accepts, and nobody says a word.
    pub(crate) silent: TcpListener,
}

impl Backstage {
    pub(crate) async fn set() -> Self {
        let authority = Certificates::of_this_run().authority.clone();
        // In TLS 1.2, where who is refused hears it before the end of the handshake, and so always.
        let wanting = Setup { versions: TLS12_ONLY, wants: Some(authority), ..Setup::default() };
        let secured = async |setup: Setup| Backend::secured(Arc::new(setup.configuration()), Script::echo).await;
        Self {
            backend: Backend::start(obey).await,
            refusing: Refusing::new(),
            unanswering: Unanswering::new(),
            secured: secured(Setup { protocols: &["http/1.1"], ..Setup::default() }).await,
            wanting: secured(wanting).await,
            http2: Http2Backend::start(None).await,
            secured_http2: Http2Backend::start(Some(Arc::new(Setup::default().configuration()))).await,
            silent: TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind a TCP port on loopback"),
        }
    }

    /// Where nobody says a word.
    pub(crate) fn silent(&self) -> SocketAddr {
        self.silent.local_addr().expect("the address of a bound socket")
    }

    /// A text with the ports of this run replaced by names, so that two runs compare.
    pub(crate) fn without_ports(&self, text: &str) -> String {
        text.replace(&self.backend.address().to_string(), "BACKEND")
            .replace(&self.refusing.address().to_string(), "REFUSING")
            .replace(&self.unanswering.address().to_string(), "UNANSWERING")
            .replace(&self.secured.address().to_string(), "SECURED")
            .replace(&self.wanting.address().to_string(), "WANTING")
            .replace(&self.http2.address().to_string(), "HTTP2")
            .replace(&self.secured_http2.address().to_string(), "SECURED HTTP2")
            .replace(&self.silent().to_string(), "SILENT")
    }
}

/// The behaviour each path asks for. Where the order of two events decides, the backend waits to be released.
fn obey(received: &Received) -> Script {
    let rest = "content-length: 5\r\n\r\nhello";
    let ok = |head: &str| Script::bytes(format!("HTTP/1.1 200 OK\r\n{head}{rest}"));
    match received.path() {
        "/said/hello" => ok(""),
        "/said/503" => Script::reply(503, "no"),
        "/said/204" => Script::bytes("HTTP/1.1 204 No Content\r\n\r\n"),
        "/said/304" => Script::bytes("HTTP/1.1 304 Not Modified\r\netag: \"x\"\r\n\r\n"),
        "/said/early-hints" => {
            Script::bytes("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n").then(format!("HTTP/1.1 200 OK\r\n{rest}"))
        }
        "/said/continue" => Script::echo(received).at_once("HTTP/1.1 100 Continue\r\n\r\n"),
        "/said/unknown-interim" => {
            Script::bytes("HTTP/1.1 199 What\r\n\r\n").then(format!("HTTP/1.1 200 OK\r\n{rest}"))
        }
        "/said/interim-with-content" => Script::bytes("HTTP/1.1 103 Early Hints\r\ncontent-length: 5\r\n\r\n").stall(),
        "/said/switched" => Script::bytes(SWITCHED).then("hello").close(),
        "/said/switched-to-another" => Script::bytes(SWITCHED.replace("websocket", "another")).then("hello").close(),
        "/said/chunked" => Script::bytes(CHUNKED).then("5\r\nhello\r\n0\r\n\r\n"),
        "/said/trailers" => Script::bytes(CHUNKED).then("5\r\nhello\r\n0\r\nx-checksum: 7\r\n\r\n"),
        "/said/until-close" => Script::bytes("HTTP/1.1 200 OK\r\n\r\nhello").close(),
        "/said/http-1.0" => Script::bytes(format!("HTTP/1.0 200 OK\r\n{rest}")).close(),
        "/said/close" => ok("connection: close\r\n").close(),
        "/said/hop-by-hop" => ok(HOP_BY_HOP),
        "/said/own-headers" => ok(OWN_HEADERS),
        "/said/early" => {
            Script::bytes("HTTP/1.1 413 Too Much\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno").early()
        }
        "/said/nothing-and-close" => Script::nothing().close(),
        "/said/nothing-and-reset" => Script::nothing().reset(),
        "/said/garbage" => Script::bytes("this is no HTTP\r\n\r\n").stall(),
        "/said/both-framings" => ok("transfer-encoding: chunked\r\n").stall(),
        "/said/two-lengths" => ok("content-length: 6\r\n").stall(),
        "/said/cut-by-length" | "/hang/cut-by-length" => Script::bytes(HUNDRED).when_released().close(),
        "/said/cut-by-reset" => Script::bytes(HUNDRED).when_released().reset(),
        "/said/cut-in-chunk" => Script::bytes(CHUNKED).then("64\r\nhello").when_released().close(),
        "/said/bad-chunk" => Script::bytes(CHUNKED).then("5\r\nhello\r\n").when_released().then("zz\r\n").stall(),
        "/slow/silent" | "/hang/silent" => Script::nothing().stall(),
        "/slow/body" | "/hang/body" => Script::bytes(HUNDRED).stall(),
        _ => Script::echo(received),
    }
}

const SWITCHED: &str =
    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: x\r\n\r\n";

const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

const HUNDRED: &str = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello";

const HOP_BY_HOP: &str =
    "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nUpgrade: foo\r\n";

const OWN_HEADERS: &str = "Server: backend\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nVia: 1.1 b\r\nX-Request-Id: mine\r\n\
    X-Envoy-Upstream-Service-Time: 999\r\nX-CaSe: Kept\r\n";
