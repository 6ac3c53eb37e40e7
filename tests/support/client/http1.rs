//! HTTP/1.1: written by hand, so that what is on the wire is what the test said.

use std::{io, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use rustls::ClientConfig;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{
    super::{
        framing::Framing,
        message::{End, Fields, Reply, Request, field},
        wire::{Reader, Wire, Writer},
    },
    Exchange, Source, Stopped,
};

/// One connection; whoever holds its locks has the exchange.
#[derive(Clone)]
pub(crate) struct Http1 {
    writer: Arc<Mutex<Writer>>,
    reader: Arc<Mutex<Reader>>,
}

impl Http1 {
    pub(crate) async fn connect(address: SocketAddr, tls: Option<Arc<ClientConfig>>) -> io::Result<Self> {
        let wire = match tls {
            Some(tls) => Wire::tls(address, tls).await?,
            None => Wire::tcp(address).await?,
        };
        Ok(Self { writer: Arc::new(Mutex::new(wire.writer)), reader: Arc::new(Mutex::new(wire.reader)) })
    }

    /// Ends the sending direction, under TLS with `close_notify`; the rest ends with the last clone.
    ///
    /// While an exchange still holds the connection, it ends with that exchange instead.
    pub(crate) async fn close(self) {
        if let Ok(mut writer) = self.writer.try_lock() {
            // The peer may have been faster.
            drop(writer.finish().await);
        }
    }

    pub(crate) async fn open(&self, request: &Request, ends: bool) -> Exchange {
        let mut writer = Arc::clone(&self.writer).lock_owned().await;
        let reader = Arc::clone(&self.reader).lock_owned().await;
        let chunked = !ends && field(&request.headers, "content-length").is_none();
        // A connection that is over shows in the reply, which will not come.
        drop(writer.write(head_of(request, chunked)).await);
        Exchange {
            upload: super::Upload::Http1(Upload { writer, chunked }),
            download: super::Download::new(Source::Http1(Download {
                reader,
                method: request.method.clone(),
                framing: Framing::None,
            })),
        }
    }
}

pub(crate) struct Upload {
    writer: OwnedMutexGuard<Writer>,
    chunked: bool,
}

impl Upload {
    pub(super) async fn data(&mut self, bytes: Bytes) -> Result<(), Stopped> {
        if !self.chunked {
            return self.writer.write(bytes).await.map_err(|_| Stopped);
        }
        if bytes.is_empty() {
            return Ok(());
        }
        let size = format!("{:x}\r\n", bytes.len());
        self.writer.write([size.as_bytes(), &bytes, b"\r\n"].concat()).await.map_err(|_| Stopped)
    }

    pub(super) async fn finish(&mut self, trailers: &Fields) -> Result<(), Stopped> {
        if !self.chunked {
            return Ok(());
        }
        self.writer.write(format!("0\r\n{}\r\n", lines(trailers))).await.map_err(|_| Stopped)
    }

    pub(super) fn close(&self) {
        self.writer.close();
    }
}

pub(crate) struct Download {
    reader: OwnedMutexGuard<Reader>,
    method: String,
    framing: Framing,
}

impl Download {
    /// The next head. Returns whether it was the final one.
    pub(super) async fn head(&mut self, reply: &mut Reply) -> Result<bool, End> {
        let last = self.reader.next_head(reply).await?;
        self.framing = Framing::of_reply(&self.method, reply.status, &reply.headers);
        Ok(last)
    }

    pub(super) async fn advance(&mut self, reply: &mut Reply) -> Option<End> {
        self.framing.advance(&mut self.reader, &mut reply.body, &mut reply.trailers).await
    }
}

/// The head as it goes on the wire; RFC 9112 §6.1: content of a length not stated goes in chunks.
fn head_of(request: &Request, chunked: bool) -> String {
    let Request { method, path, authority, headers, .. } = request;
    let framing = if chunked { "transfer-encoding: chunked\r\n" } else { "" };
    format!("{method} {path} HTTP/1.1\r\nhost: {authority}\r\n{}{framing}\r\n", lines(headers))
}

fn lines(fields: &Fields) -> String {
    let line = |(name, value): &(String, String)| format!("{name}: {value}\r\n");
    fields.iter().map(line).collect()
}
