//! HTTP/3 by quinn and the h3 crate's client, which share no code with a server of ours.
//!
//! h3 0.0.8 takes a DATA frame cut short by FIN for a clean end: compare the body with its content-length.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use bytes::{Buf, Bytes};
use h3::{
    client::{RequestStream, SendRequest},
    error::{Code, StreamError},
};
use h3_quinn::OpenStreams;
use quinn::{Endpoint, crypto::rustls::QuicClientConfig};
use rustls::ClientConfig;
use tokio::task::JoinSet;

use super::{
    super::{
        deadline::within,
        message::{End, Fields, Reply, Request},
    },
    Exchange, Source, Stopped, fields_of, head_of, map_of,
};

/// One connection, its endpoint, and the task that drives it.
#[derive(Clone)]
pub(crate) struct Http3 {
    requests: SendRequest<OpenStreams, Bytes>,
    pub(crate) connection: quinn::Connection,
    driver: Arc<JoinSet<()>>,
}

impl Http3 {
    pub(crate) async fn connect(address: SocketAddr, tls: Arc<ClientConfig>) -> io::Result<Self> {
        let endpoint = Endpoint::client((Ipv4Addr::LOCALHOST, 0).into())?;
        let tls = QuicClientConfig::try_from(tls).map_err(io::Error::other)?;
        let mut configuration = quinn::ClientConfig::new(Arc::new(tls));
        let mut transport = quinn::TransportConfig::default();
        // Envoy loses datagrams that were sent in one batch over loopback, and every loss costs a timeout.
        transport.enable_segmentation_offload(false);
        configuration.transport_config(Arc::new(transport));
        let connecting = endpoint.connect_with(configuration, address, "localhost").map_err(io::Error::other)?;
        let connection = within("a QUIC handshake", connecting).await?;
        let (mut control, requests) = h3::client::builder()
            // A frame of an unknown type would part the end of the stream from the head.
            .send_grease(false)
            .build(h3_quinn::Connection::new(connection.clone()))
            .await
            .map_err(io::Error::other)?;
        let mut driver = JoinSet::new();
        // Its end shows in every exchange of the connection.
        driver.spawn(async move { drop(control.wait_idle().await) });
        Ok(Self { requests, connection, driver: Arc::new(driver) })
    }

    pub(crate) async fn open(&self, request: &Request, ends: bool) -> Exchange {
        let (sender, receiver) = match self.requests.clone().send_request(head_of(request, "https")).await {
            Ok(stream) => {
                let (mut sender, receiver) = stream.split();
                if ends {
                    // A stream that is over already says so in its reply.
                    drop(sender.finish().await);
                }
                (Some(sender), Ok(receiver))
            }
            Err(error) => (None, Err(end_of(&error))),
        };
        Exchange {
            upload: super::Upload::Http3(Box::new(Upload { stream: sender })),
            download: super::Download::new(Source::Http3(Download {
                stream: receiver,
                _driver: Arc::clone(&self.driver),
            })),
        }
    }

    /// Says that the connection is over; the endpoint's own task sends it and stays for a while to say it again.
    pub(crate) async fn close(self) {
        self.connection.close(quinn::VarInt::from_u32(H3_NO_ERROR), b"");
        self.connection.closed().await;
    }
}

pub(crate) struct Upload {
    /// `None` when the connection took no new stream.
    stream: Option<RequestStream<h3_quinn::SendStream<Bytes>, Bytes>>,
}

impl Upload {
    pub(super) async fn data(&mut self, mut bytes: Bytes) -> Result<(), Stopped> {
        let stream = self.stream.as_mut().ok_or(Stopped)?;
        while !bytes.is_empty() {
            let part = bytes.split_to(bytes.len().min(DATA_FRAME));
            stream.send_data(part).await.map_err(|_| Stopped)?;
        }
        Ok(())
    }

    pub(super) async fn finish(&mut self, trailers: &Fields) -> Result<(), Stopped> {
        let stream = self.stream.as_mut().ok_or(Stopped)?;
        if !trailers.is_empty() {
            stream.send_trailers(map_of(trailers)).await.map_err(|_| Stopped)?;
        }
        stream.finish().await.map_err(|_| Stopped)
    }

    pub(super) fn reset(&mut self, code: u64) {
        if let Some(stream) = &mut self.stream {
            stream.stop_stream(Code::from(code));
        }
    }
}

pub(crate) struct Download {
    stream: Result<RequestStream<h3_quinn::RecvStream, Bytes>, End>,
    _driver: Arc<JoinSet<()>>,
}

impl Download {
    /// The next head. Returns whether it was the final one.
    pub(super) async fn head(&mut self, reply: &mut Reply) -> Result<bool, End> {
        let stream = self.stream.as_mut().map_err(|end| *end)?;
        let head = stream.recv_response().await.map_err(|error| end_of(&error))?;
        let (status, fields) = (head.status(), fields_of(head.headers()));
        if status.is_informational() {
            reply.informational.push((status.as_u16(), fields));
            return Ok(false);
        }
        reply.status = status.as_u16();
        reply.headers = fields;
        Ok(true)
    }

    pub(super) async fn advance(&mut self, reply: &mut Reply) -> Option<End> {
        let stream = match &mut self.stream {
            Ok(stream) => stream,
            Err(end) => return Some(*end),
        };
        match stream.recv_data().await {
            Ok(Some(mut part)) => {
                while part.has_remaining() {
                    let chunk = part.chunk();
                    reply.body.extend_from_slice(chunk);
                    let length = chunk.len();
                    part.advance(length);
                }
                None
            }
            Ok(None) => match stream.recv_trailers().await {
                Ok(trailers) => {
                    reply.trailers = trailers.as_ref().map(fields_of).unwrap_or_default();
                    Some(End::Complete)
                }
                Err(error) => Some(end_of(&error)),
            },
            Err(error) => Some(end_of(&error)),
        }
    }

    /// Asks the peer to send no more, with the code 0: h3-quinn panics on a code of one's own while a read is pending.
    pub(super) fn stop(&mut self) {
        self.stream = Err(End::Closed);
    }
}

fn end_of(error: &StreamError) -> End {
    match error {
        StreamError::RemoteTerminate { code, .. } => End::Reset(code.value()),
        _ => End::Closed,
    }
}

/// RFC 9114 §8.1.
const H3_NO_ERROR: u32 = 0x100;

/// The size of the DATA frames a large body is cut into.
const DATA_FRAME: usize = 64 * 1024;
