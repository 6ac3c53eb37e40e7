//! An HTTP/3 server made of quinn and the h3 crate, and one that breaks the protocol on purpose.

use std::{net::SocketAddr, sync::Arc};

use bytes::{Buf, Bytes, BytesMut};
use h3::server::RequestStream;
use http::{Request, Response, StatusCode};
use quinn::{Endpoint, crypto::rustls::QuicServerConfig};
use rustls::ServerConfig;
use tokio::task::JoinSet;

use super::app::reply;

/// What the server does besides answering.
#[derive(Clone, Default)]
pub(crate) struct Habits {
    /// The configuration from the second connection on.
    pub(crate) later: Option<Arc<ServerConfig>>,
    /// The status on the second connection and later ones.
    pub(crate) later_status: Option<StatusCode>,
    /// These bytes on every request stream instead of an answer.
    pub(crate) raw: Option<&'static [u8]>,
}

/// Runs until it is dropped.
pub(crate) struct H3Server {
    pub(crate) address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl H3Server {
    pub(crate) fn start(config: Arc<ServerConfig>, habits: Habits) -> Self {
        let endpoint = Endpoint::server(quic(config), "127.0.0.1:0".parse().unwrap()).unwrap();
        let address = endpoint.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(endpoint, habits));
        Self { address, _tasks: tasks }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }
}

fn quic(config: Arc<ServerConfig>) -> quinn::ServerConfig {
    quinn::ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(config).unwrap()))
}

async fn accept(endpoint: Endpoint, habits: Habits) {
    let mut connections = JoinSet::new();
    let mut status = None;
    while let Some(incoming) = endpoint.accept().await {
        // A server's connection can be used before its handshake is done: for 0-RTT requests.
        let (connection, _) = incoming.accept().unwrap().into_0rtt().unwrap();
        match habits.raw {
            Some(raw) => connections.spawn(serve_raw(connection, raw)),
            None => connections.spawn(serve(connection, status)),
        };
        status = habits.later_status;
        if let Some(later) = &habits.later {
            endpoint.set_server_config(Some(quic(Arc::clone(later))));
        }
    }
}

async fn serve(connection: quinn::Connection, status: Option<StatusCode>) {
    let Ok(mut connection) = h3::server::Connection::new(h3_quinn::Connection::new(connection)).await else { return };
    let mut exchanges = JoinSet::new();
    while let Ok(Some(resolver)) = connection.accept().await {
        exchanges.spawn(async move {
            let (request, stream) = resolver.resolve_request().await.unwrap();
            answer(request, stream, status).await;
        });
    }
}

async fn answer(
    request: Request<()>,
    mut stream: RequestStream<h3_quinn::BidiStream<Bytes>, Bytes>,
    status: Option<StatusCode>,
) {
    let mut received = BytesMut::new();
    while let Some(data) = stream.recv_data().await.unwrap() {
        received.extend_from_slice(data.chunk());
    }
    let mut reply = reply(&request, received.freeze());
    if let Some(status) = status {
        *reply.head.status_mut() = status;
    }
    if let Some(status) = reply.interim {
        stream.send_response(Response::builder().status(status).body(()).unwrap()).await.unwrap();
    }
    stream.send_response(reply.head).await.unwrap();
    if !reply.body.is_empty() {
        stream.send_data(reply.body).await.unwrap();
    }
    if reply.reset {
        return stream.stop_stream(h3::error::Code::H3_INTERNAL_ERROR);
    }
    if let Some(trailers) = reply.trailers {
        stream.send_trailers(trailers).await.unwrap();
    }
    stream.finish().await.unwrap();
}

async fn serve_raw(connection: quinn::Connection, raw: &'static [u8]) {
    while let Ok((mut send, mut recv)) = connection.accept_bi().await {
        let _ = recv.read_to_end(1 << 16).await;
        let _ = send.write_all(raw).await;
        let _ = send.finish();
    }
}
