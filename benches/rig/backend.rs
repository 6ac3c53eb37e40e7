//! A backend of HTTP/1.1 that answers `/bytes/N` with N bytes, on a thread of its own, and counts what it could write.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A backend that runs until the process ends.
pub(crate) struct Backend {
    pub(crate) address: SocketAddr,
    written: Arc<AtomicU64>,
}

impl Backend {
    pub(crate) fn start() -> Self {
        let written = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&written);
        let (say, hear) = sync_channel(1);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port on loopback");
                say.send(listener.local_addr().expect("a bound socket")).expect("who started it waits");
                let mut connections = JoinSet::new();
                while let Ok((stream, _)) = listener.accept().await {
                    connections.spawn(serve(stream, Arc::clone(&counter)));
                }
            });
        });
        Self { address: hear.recv().expect("the backend starts"), written }
    }

    /// Bytes of content that the gateway took, or the system for it.
    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }
}

/// Answers request after request, until the peer leaves.
async fn serve(stream: TcpStream, counter: Arc<AtomicU64>) -> Option<()> {
    // Small answers leave at once.
    stream.set_nodelay(true).ok()?;
    let mut stream = BufReader::new(stream);
    let content = vec![b'q'; CHUNK];
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return Some(());
        }
        let mut left: usize = line.split(' ').nth(1)?.strip_prefix("/bytes/")?.parse().ok()?;
        while line != "\r\n" {
            line.clear();
            stream.read_line(&mut line).await.ok()?;
        }
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {left}\r\n\r\n");
        let mut first = head.into_bytes();
        let part = left.min(CHUNK);
        first.extend_from_slice(content.get(..part)?);
        stream.write_all(&first).await.ok()?;
        left -= part;
        while left > 0 {
            let written = stream.write(content.get(..left.min(CHUNK))?).await.ok()?;
            counter.fetch_add(written as u64, Ordering::Relaxed);
            left -= written;
        }
    }
}

const CHUNK: usize = 64 << 10;
