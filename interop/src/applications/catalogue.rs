//! What is spoken on top of HTTP, by whom, and the cases.

use super::{Application, Between, Case, Client, Version};
use crate::provision::Source;

/// In the order of their tables.
pub(crate) const APPLICATIONS: &[Application] = &[
    Application {
        name: "gRPC",
        cases: GRPC,
        server: Source::Python { package: GRPCIO, script: "grpcio_server.py" },
        serves: Version::Http2,
        clients: &[Client {
            name: "grpcio 1.85.1",
            stack: "gRPC C-core, BoringSSL",
            speaks: Version::Http2,
            source: Source::Python { package: GRPCIO, script: "grpcio_client.py" },
        }],
        ways: &[None, Some(Between::Http2), Some(Between::Http3)],
    },
    Application {
        name: "WebSocket",
        cases: WEBSOCKET,
        server: Source::Python { package: WEBSOCKETS, script: "websockets_server.py" },
        serves: Version::Http1,
        clients: &[
            Client {
                name: "websockets 17.4",
                stack: "websockets",
                speaks: Version::Http1,
                source: Source::Python { package: WEBSOCKETS, script: "websockets_client.py" },
            },
            Client {
                name: "h2 4.4.1",
                stack: "h2, wsproto 1.3.2",
                speaks: Version::Http2,
                source: Source::Python { package: "h2==4.4.1 wsproto==1.3.2", script: "h2_websocket_client.py" },
            },
            Client {
                name: "aioquic 1.7.2",
                stack: "aioquic, wsproto 1.3.2",
                speaks: Version::Http3,
                source: Source::Python {
                    package: "aioquic==1.7.2 wsproto==1.3.2",
                    script: "aioquic_websocket_client.py",
                },
            },
        ],
        ways: &[None, Some(Between::Http2), Some(Between::Http3)],
    },
    Application {
        name: "page",
        cases: PAGE,
        server: Source::Python { package: WEBSOCKETS, script: "page_server.py" },
        serves: Version::Http1,
        clients: &[
            curl(Version::Http1),
            curl(Version::Http2),
            curl(Version::Http3),
            chromium(Version::Http1),
            chromium(Version::Http2),
            chromium(Version::Http3),
        ],
        ways: &[None, Some(Between::Http2), Some(Between::Http3)],
    },
];

const GRPC: &[Case] = &[
    case("unary", "one message each way"),
    case("up", "200 messages of the client, and one answer"),
    case("down", "200 messages of the server"),
    case("both", "50 messages each way, each answered before the next is sent"),
    case("deadline", "a deadline passes: DEADLINE_EXCEEDED, and the server sees the end"),
    case("cancel", "the client cancels before an answer and in its middle: the server sees it"),
    logged(
        "error",
        "after a message a status with message and details",
        "Fail over ${protocol} 200 - grpc-status in head -, in trailers 10",
    ),
    logged(
        "trl only",
        "a status and nothing else, in one section",
        "Refuse over ${protocol} 200 - grpc-status in head 9, in trailers -",
    ),
    case("8M", "a message of 8 MiB each way, each byte the right one"),
    case("metadata", "metadata each way, before and after the message, text and binary"),
    case("50", "50 calls at once"),
    case("no route", "UNIMPLEMENTED by the gateway"),
    case("no host", "UNAVAILABLE by the gateway, for a cluster without hosts"),
    case("refused", "UNAVAILABLE by the gateway, for a host that takes no connections"),
];

const WEBSOCKET: &[Case] = &[
    logged("echo", "messages of text and of bytes, empty ones too", "access /interop/echo over ${protocol} "),
    case("1M", "a message of 1 MiB each way, each byte the right one"),
    case("ping", "a ping of the client and one of the server are answered"),
    case("close up", "code and reason of the client reach the server"),
    case("close down", "code and reason of the server reach the client"),
    case("subprotocol", "the server chooses one"),
    case("404", "a refusal passes with its content"),
    case("idle", "a socket on which nothing is said for 1 s goes on"),
    case("20", "20 sockets at once, over HTTP/2 and HTTP/3 on one connection"),
];

const PAGE: &[Case] = &[
    case("whole", "100 objects of up to 1 MB, asked for at once: each comes with the right bytes"),
    case("once", "each is asked for once at the backend"),
    case("connections", "one connection over HTTP/2 and HTTP/3, six over HTTP/1.1"),
];

const fn curl(speaks: Version) -> Client {
    let source = Source::Debian { package: "curl", script: "curl_page.py" };
    Client { name: "curl", stack: "libcurl, nghttp2, QUIC of OpenSSL, nghttp3", speaks, source }
}

const fn chromium(speaks: Version) -> Client {
    let source = Source::Debian { package: "chromium-headless-shell", script: "chromium_page.py" };
    Client { name: "chromium", stack: "Chromium, QUICHE, BoringSSL", speaks, source }
}

const fn case(heading: &'static str, meaning: &'static str) -> Case {
    Case { heading, meaning, logged: None }
}

const fn logged(heading: &'static str, meaning: &'static str, line: &'static str) -> Case {
    Case { heading, meaning, logged: Some(line) }
}

const GRPCIO: &str = "grpcio==1.85.1";
const WEBSOCKETS: &str = "websockets==17.4";
