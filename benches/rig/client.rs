//! A client of bare QUIC streams: it writes bytes that are prepared and counts those that come.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{Endpoint, RecvStream, SendStream, TransportConfig, VarInt};
use tokio::task::JoinSet;

use super::message;
use crate::support::certificates::Certificates;

/// One connection, with a socket of its own.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) connection: quinn::Connection,
    _control: Arc<SendStream>,
}

impl Client {
    /// Connects, and says SETTINGS. `window` are the bytes that may come unasked, on each stream and on the connection;
    /// `offload` is whether datagrams may go out in batches.
    pub(crate) async fn connect(address: SocketAddr, window: u32, offload: bool) -> Self {
        let tls = Certificates::of_this_run().client(&["h3"]);
        let mut config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).expect("TLS 1.3")));
        let mut transport = TransportConfig::default();
        transport.stream_receive_window(VarInt::from_u32(window)).receive_window(VarInt::from_u32(window));
        transport.enable_segmentation_offload(offload);
        config.transport_config(Arc::new(transport));
        let endpoint = Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).expect("a socket");
        let connection = endpoint.connect_with(config, address, "localhost").expect("an address").await;
        let connection = connection.expect("a QUIC handshake");
        let mut control = connection.open_uni().await.expect("room for a control stream");
        control.write_all(&message::CONTROL).await.expect("the control stream takes three bytes");
        Self { connection, _control: Arc::new(control) }
    }

    /// Sends a request; what comes is for the caller to read.
    pub(crate) async fn ask(&self, request: &Bytes) -> Option<RecvStream> {
        let (mut sender, receiver) = self.connection.open_bi().await.ok()?;
        sender.write_chunk(request.clone()).await.ok()?;
        sender.finish().ok()?;
        Some(receiver)
    }

    /// How many bytes came as the answer, which has to begin as one of 200; `None` when it broke off.
    pub(crate) async fn get(&self, request: &Bytes) -> Option<u64> {
        let mut receiver = self.ask(request).await?;
        let mut chunks: [Bytes; 32] = std::array::from_fn(|_| Bytes::new());
        let mut count = 0;
        while let Some(read) = receiver.read_chunks(&mut chunks).await.ok()? {
            let read = chunks.get(..read)?;
            if count == 0 && !read.first().is_some_and(|first| message::is_ok(first)) {
                return None;
            }
            count += read.iter().map(|chunk| chunk.len() as u64).sum::<u64>();
        }
        Some(count)
    }

    /// Sends `count` requests, `at_once` of them at once, and returns how many of the answers had less than `least` bytes
    /// or none.
    pub(crate) async fn load(&self, request: &Bytes, count: u64, at_once: usize, least: u64) -> u64 {
        let left = Arc::new(AtomicU64::new(count));
        let mut streams = JoinSet::new();
        for _ in 0..at_once {
            let (client, request, left) = (self.clone(), request.clone(), Arc::clone(&left));
            streams.spawn(async move {
                let mut failed = 0;
                while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                    let whole = client.get(&request).await.is_some_and(|count| count >= least);
                    failed += u64::from(!whole);
                }
                failed
            });
        }
        streams.join_all().await.into_iter().sum()
    }

    /// Ends the connection.
    pub(crate) fn close(&self) {
        self.connection.close(VarInt::from_u32(H3_NO_ERROR), b"");
    }
}

const H3_NO_ERROR: u32 = 0x100;
