//! A TLS server: HTTP/2 by the h2 crate, HTTP/1.1 by a demo backend behind it.

use std::{net::SocketAddr, sync::Arc};

use bytes::{Bytes, BytesMut};
use h2::{RecvStream, server::SendResponse};
use http::{Request, Response};
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use super::{Backend, app::reply};

/// Runs until it is dropped.
pub(crate) struct TlsServer {
    pub(crate) address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl TlsServer {
    pub(crate) async fn start(config: Arc<ServerConfig>) -> Self {
        Self::start_on("127.0.0.1:0", config).await
    }

    pub(crate) async fn start_on(address: &str, config: Arc<ServerConfig>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, config.into()));
        Self { address, _tasks: tasks }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor) {
    let backend = Backend::start().await;
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        connections.spawn(serve(stream, acceptor.clone(), backend.address));
    }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, backend: SocketAddr) {
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        return serve_http2(stream).await;
    }
    let mut backend = TcpStream::connect(backend).await.unwrap();
    let _ = copy_bidirectional(&mut stream, &mut backend).await;
}

/// Serves HTTP/2 on any stream.
pub(crate) async fn serve_http2(stream: impl AsyncRead + AsyncWrite + Unpin) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    let mut exchanges = JoinSet::new();
    while let Some(Ok((request, respond))) = connection.accept().await {
        exchanges.spawn(answer(request, respond));
    }
}

async fn answer(request: Request<RecvStream>, mut respond: SendResponse<Bytes>) {
    let (head, mut body) = request.into_parts();
    let mut received = BytesMut::new();
    while let Some(data) = body.data().await {
        let data = data.unwrap();
        received.extend_from_slice(&data);
        body.flow_control().release_capacity(data.len()).unwrap();
    }
    let reply = reply(&Request::from_parts(head, ()), received.freeze());
    if let Some(status) = reply.interim {
        respond.send_informational(Response::builder().status(status).body(()).unwrap()).unwrap();
    }
    let mut stream = respond.send_response(reply.head, false).unwrap();
    stream.send_data(reply.body, reply.trailers.is_none() && !reply.reset).unwrap();
    if let Some(trailers) = reply.trailers {
        stream.send_trailers(trailers).unwrap();
    } else if reply.reset {
        stream.send_reset(h2::Reason::INTERNAL_ERROR);
    }
}
