//! A backend of HTTP/2 that does what the path asks for: by the h2 crate, for what a good upstream does.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{HeaderMap, HeaderValue, Request, Response};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// A running backend; it stops when dropped.
pub(crate) struct Http2Backend {
    address: SocketAddr,
    _accepting: JoinSet<()>,
}

impl Http2Backend {
    /// Listens on a loopback port, in the clear or under TLS.
    pub(crate) async fn start(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bind a TCP port on loopback");
        let address = listener.local_addr().expect("the address of a bound socket");
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let tls = tls.clone();
                connections.spawn(async move {
                    match tls {
                        None => serve(stream).await,
                        Some(tls) => {
                            if let Ok(stream) = TlsAcceptor::from(tls).accept(stream).await {
                                serve(stream).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, _accepting: accepting }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    let mut exchanges = JoinSet::new();
    while let Some(Ok((request, respond))) = connection.accept().await {
        exchanges.spawn(answer(request, respond));
    }
}

/// The behaviour that each path asks for; where there is none, the request comes back as text.
async fn answer(request: Request<RecvStream>, mut respond: SendResponse<Bytes>) {
    let path = request.uri().path().to_owned();
    let status = |status: u16| Response::builder().status(status);
    match path.rsplit('/').next().unwrap_or_default() {
        "204" => send(&mut respond, status(204), "", None),
        "503" => send(&mut respond, status(503), "no", None),
        "hello" if request.method() == http::Method::HEAD => {
            send(&mut respond, status(200).header("content-length", 5), "", None);
        }
        "hello" => send(&mut respond, status(200).header("content-length", 5), "hello", None),
        "trailers" => {
            let trailers = [("x-checksum".parse().expect("a name"), HeaderValue::from_static("7"))];
            send(&mut respond, status(200), "hello", Some(trailers.into_iter().collect()));
        }
        "reset" => respond.send_reset(Reason::INTERNAL_ERROR),
        "no-error" => respond.send_reset(Reason::NO_ERROR),
        "shorter" => send(&mut respond, status(200).header("content-length", 9), "hello", None),
        _ => {
            let text = echo(request).await;
            send(&mut respond, status(200), text, None);
        }
    }
}

fn send(
    respond: &mut SendResponse<Bytes>,
    head: http::response::Builder,
    content: impl Into<Bytes>,
    trailers: Option<HeaderMap>,
) {
    let content = content.into();
    let empty = content.is_empty() && trailers.is_none();
    // Whoever has left needs no answer.
    let Ok(mut stream) = respond.send_response(head.body(()).expect("a head"), empty) else { return };
    if !empty {
        drop(stream.send_data(content, trailers.is_none()));
    }
    if let Some(trailers) = trailers {
        drop(stream.send_trailers(trailers));
    }
}

/// As the backends of HTTP/1.1 echo, with the pseudo-header fields among the others.
async fn echo(request: Request<RecvStream>) -> String {
    let (head, mut body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("", |path| path.as_str());
    let mut lines = vec![
        format!("{} {path} HTTP/2", head.method),
        format!(":scheme: {}", head.uri.scheme_str().unwrap_or_default()),
        format!(":authority: {}", head.uri.authority().map_or("", |authority| authority.as_str())),
    ];
    let line = |(name, value): (&http::HeaderName, &HeaderValue)| format!("{name}: {}", value.to_str().unwrap_or("?"));
    lines.extend(head.headers.iter().map(line));
    let mut content = Vec::new();
    while let Some(Ok(data)) = body.data().await {
        drop(body.flow_control().release_capacity(data.len()));
        content.extend_from_slice(&data);
    }
    lines.push(String::new());
    lines.push(String::from_utf8_lossy(&content).into_owned());
    if let Ok(Some(trailers)) = body.trailers().await {
        lines.extend(trailers.iter().map(|field| format!("trailer {}", line(field))));
    }
    lines.push(String::new());
    lines.join("\n")
}
