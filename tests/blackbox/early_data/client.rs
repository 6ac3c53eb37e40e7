//! A client that resumes, and sends its requests before its handshake is complete.

use std::net::SocketAddr;

use bytes::{Buf as _, Bytes};
use h3::client::{RequestStream, SendRequest};
use h3_quinn::{BidiStream, OpenStreams};
use quinn::{ClientConfig, Connection, Endpoint, VarInt, ZeroRttAccepted};
use tokio::task::JoinSet;

use crate::edge::Edge;
use crate::settings::quic::resumable;
use crate::support::deadline::within;

/// A connection on which everything is early data until the handshake is complete.
pub(crate) struct Early {
    pub(crate) connection: Connection,
    /// Whether the server has taken early data, once that is known.
    pub(crate) accepted: ZeroRttAccepted,
    requests: SendRequest<OpenStreams, Bytes>,
    _driver: JoinSet<()>,
}

impl Early {
    /// A client that has a ticket of `edge`, towards `address`.
    pub(crate) async fn towards(edge: &Edge, address: SocketAddr) -> Self {
        let (endpoint, configuration) = resumable(edge).await;
        Self::resume(&endpoint, configuration, address).await
    }

    pub(crate) async fn resume(endpoint: &Endpoint, configuration: ClientConfig, address: SocketAddr) -> Self {
        let connecting = endpoint.connect_with(configuration, address, "localhost").expect("an address");
        let Ok((connection, accepted)) = connecting.into_0rtt() else { panic!("no ticket with early data") };
        let (mut driver, requests) = h3::client::builder()
            .send_grease(false)
            .build(h3_quinn::Connection::new(connection.clone()))
            .await
            .expect("streams can be opened");
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { drop(driver.wait_idle().await) });
        Self { connection, accepted, requests, _driver: tasks }
    }

    /// Sends a request with this content, complete.
    pub(crate) async fn send(&mut self, head: http::request::Builder, content: &'static str) -> Answer {
        let head = head.body(()).expect("a head");
        let mut stream = self.requests.send_request(head).await.expect("a stream");
        if !content.is_empty() {
            stream.send_data(Bytes::from_static(content.as_bytes())).await.expect("the stream stands");
        }
        stream.finish().await.expect("the stream stands");
        Answer(stream)
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(request("GET", path), "").await
    }

    /// Ends the connection.
    pub(crate) fn close(&self) {
        self.connection.close(VarInt::from_u32(H3_NO_ERROR), b"");
    }
}

/// What will be answered.
pub(crate) struct Answer(RequestStream<BidiStream<Bytes>, Bytes>);

impl Answer {
    /// Status and content.
    pub(crate) async fn read(mut self) -> (u16, String) {
        within("an answer", async {
            let mut status = 100;
            while status < 200 {
                status = self.0.recv_response().await.expect("a response").status().as_u16();
            }
            let mut content = Vec::new();
            while let Some(mut part) = self.0.recv_data().await.expect("the content goes on") {
                content.extend(part.copy_to_bytes(part.remaining()));
            }
            (status, String::from_utf8(content).expect("text"))
        })
        .await
    }
}

pub(crate) fn request(method: &str, path: &str) -> http::request::Builder {
    http::Request::builder().method(method).uri(format!("https://localhost{path}"))
}

/// RFC 9114 §8.1.
const H3_NO_ERROR: u32 = 0x100;
