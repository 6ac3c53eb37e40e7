//! HTTP/1.1 in clear text, by hand.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::{Answer, Received, Receiving, Stage, play};
use crate::case::{Script, Step};
use crate::support::framing::Framing;
use crate::support::message::{Fields, field};
use crate::support::wire::{Reader, Wire, Writer};

pub(super) async fn start(stage: Arc<Stage>, accepting: &mut JoinSet<()>) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a TCP port on loopback");
    let address = listener.local_addr().expect("the address of a bound socket");
    accepting.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((io, _)) = listener.accept().await {
            connections.spawn(serve(io, Arc::clone(&stage)));
        }
    });
    address
}

async fn serve(io: TcpStream, stage: Arc<Stage>) {
    let Ok(Wire { mut reader, writer }) = Wire::over(io) else { return };
    let mut answer = Writing { writer, framing: Sent::Nothing, head_only: false, over: false, gone: None };
    while let Ok((start, fields)) = reader.head().await {
        let framing = Framing::of_request(&fields);
        let (receiving, script) = stage.begin(head(&start, fields));
        answer.head_only = start.starts_with("HEAD ");
        let (gone, over) = oneshot::channel();
        answer.gone = Some(over);
        tokio::join!(
            play(&stage, &script, &receiving, &mut answer),
            read(&mut reader, framing, &receiving, &script, gone)
        );
        if answer.over {
            return;
        }
    }
}

/// Reads the content, and where the script waits for it the end of the connection.
async fn read(
    reader: &mut Reader,
    mut framing: Framing,
    receiving: &Receiving,
    script: &Script,
    gone: oneshot::Sender<()>,
) {
    let (mut content, mut trailers) = (Vec::new(), Fields::new());
    let end = loop {
        content.clear();
        let end = framing.advance(reader, &mut content, &mut trailers).await;
        if !content.is_empty() {
            receiving.content(&content);
        }
        if let Some(end) = end {
            break end;
        }
    };
    receiving.end(trailers, end);
    if script.steps.iter().any(|step| matches!(step, Step::AwaitEnd)) {
        reader.gone().await;
    }
    drop(gone);
}

fn head(start: &str, mut fields: Fields) -> Received {
    let mut words = start.splitn(3, ' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let authority = field(&fields, "host").unwrap_or_default().to_owned();
    fields.retain(|(name, _)| !name.eq_ignore_ascii_case("host"));
    Received { method, authority, path, fields, ..Received::default() }
}

struct Writing {
    writer: Writer,
    framing: Sent,
    head_only: bool,
    /// The connection ends with this answer.
    over: bool,
    /// Resolves when the other side has left.
    gone: Option<oneshot::Receiver<()>>,
}

/// How the content of an answer goes out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sent {
    Nothing,
    AsItIs,
    InChunks,
}

impl Writing {
    async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        // A peer that has left shows in what the client sees.
        drop(self.writer.write(bytes).await);
    }
}

impl Answer for Writing {
    async fn interim(&mut self, status: u16, fields: &Fields) {
        self.write(format!("HTTP/1.1 {status} Interim\r\n{}\r\n", lines(fields))).await;
    }

    async fn head(&mut self, status: u16, fields: &Fields, ends: bool) {
        self.framing = match field(fields, "content-length") {
            _ if self.head_only || matches!(status, 204 | 304) => Sent::Nothing,
            Some(_) => Sent::AsItIs,
            None => Sent::InChunks,
        };
        let framing = match (self.framing, ends) {
            (Sent::InChunks, true) => "content-length: 0\r\n",
            (Sent::InChunks, false) => "transfer-encoding: chunked\r\n",
            (Sent::Nothing | Sent::AsItIs, _) => "",
        };
        self.write(format!("HTTP/1.1 {status} Said\r\n{}{framing}\r\n", lines(fields))).await;
    }

    async fn data(&mut self, data: Bytes) {
        match self.framing {
            Sent::Nothing => {}
            Sent::AsItIs => self.write(data).await,
            Sent::InChunks => {
                let size = format!("{:x}\r\n", data.len());
                self.write([size.as_bytes(), &data, b"\r\n"].concat()).await;
            }
        }
    }

    async fn trailers(&mut self, fields: &Fields) {
        if self.framing == Sent::InChunks {
            self.write(format!("0\r\n{}\r\n", lines(fields))).await;
        }
    }

    async fn end(&mut self) {
        if self.framing == Sent::InChunks {
            self.write("0\r\n\r\n").await;
        }
    }

    async fn reset(&mut self) {
        self.over = true;
        self.writer.close();
    }

    async fn gone(&mut self) {
        if let Some(gone) = self.gone.take() {
            drop(gone.await);
        }
    }
}

fn lines(fields: &Fields) -> String {
    fields.iter().flat_map(|(name, value)| [name, ": ", value, "\r\n"]).collect()
}
