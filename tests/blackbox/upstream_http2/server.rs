//! An upstream whose frames are written by hand.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use super::row::{FIRST, Row, Want};
use crate::http2::wire::{
    ACK, DATA, END_STREAM, Frame, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE, exactly, frame_on,
    number, read, section,
};
use crate::support::wire::{Wire, Writer};

/// A running upstream; it stops when dropped.
pub(crate) struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    released: Arc<Semaphore>,
    said: watch::Sender<Vec<u8>>,
    _accepting: JoinSet<()>,
}

/// How it behaves beside its row.
#[derive(Clone, Default)]
pub(super) struct Manner {
    /// The first request is treated so; every other is answered with 200.
    pub(super) row: Option<Row>,
    /// The payload of its SETTINGS.
    pub(super) settings: Vec<u8>,
    /// Under TLS with this.
    pub(super) tls: Option<Arc<ServerConfig>>,
    /// It answers no PING.
    pub(super) is_deaf: bool,
    /// It answers requests only when it is told to, one for each word.
    pub(super) waits: bool,
}

/// What came.
#[derive(Debug, Default)]
struct Seen {
    connections: usize,
    open: usize,
    /// How the row was played to its end.
    played: Option<Result<(), String>>,
    /// Frames on streams but for the heads and content of requests, with the stream: resets.
    resets: Vec<(u32, u32)>,
    /// Heads of requests.
    requests: usize,
    /// Most requests that were open at once on one connection.
    peak: usize,
    /// Bytes of content.
    content: usize,
    pings: usize,
    /// The SETTINGS of each connection.
    settings: Vec<Vec<u8>>,
    /// Codes of GOAWAY.
    goaways: Vec<u32>,
}

impl Server {
    /// Answers every request with 200.
    pub(crate) async fn good() -> Self {
        Self::start(Manner::default()).await
    }

    /// Plays the row with the first request, and answers every other with 200.
    pub(super) async fn playing(row: Row) -> Self {
        Self::start(Manner { row: Some(row), ..Manner::default() }).await
    }

    pub(super) async fn start(mut manner: Manner) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a TCP port");
        let address = listener.local_addr().expect("the address of a bound socket");
        let (seen, released) = (Arc::<Mutex<Seen>>::default(), Arc::new(Semaphore::new(0)));
        let said = watch::Sender::new(Vec::new());
        let to_say = said.clone();
        let (notes, words) = (Arc::clone(&seen), Arc::clone(&released));
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let manner = Manner { row: manner.row.take(), ..manner.clone() };
                let say = to_say.subscribe();
                connections.spawn(serve(stream, manner, Arc::clone(&notes), Arc::clone(&words), say));
            }
        });
        Self { address, seen, released, said, _accepting: accepting }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn connections(&self) -> usize {
        note(&self.seen, |seen| seen.connections)
    }

    /// Connections that are open now.
    pub(super) fn open(&self) -> usize {
        note(&self.seen, |seen| seen.open)
    }

    /// Heads of requests so far.
    pub(super) fn requests(&self) -> usize {
        note(&self.seen, |seen| seen.requests)
    }

    /// The most requests that were open at once on one connection.
    pub(super) fn peak(&self) -> usize {
        note(&self.seen, |seen| seen.peak)
    }

    /// Streams that were reset, with the codes.
    pub(super) fn resets(&self) -> Vec<(u32, u32)> {
        note(&self.seen, |seen| seen.resets.clone())
    }

    /// Bytes of content so far.
    pub(super) fn content(&self) -> usize {
        note(&self.seen, |seen| seen.content)
    }

    pub(super) fn pings(&self) -> usize {
        note(&self.seen, |seen| seen.pings)
    }

    /// The SETTINGS of each connection.
    pub(super) fn settings(&self) -> Vec<Vec<u8>> {
        note(&self.seen, |seen| seen.settings.clone())
    }

    /// Codes of GOAWAY.
    pub(super) fn goaways(&self) -> Vec<u32> {
        note(&self.seen, |seen| seen.goaways.clone())
    }

    /// Has so many requests answered.
    pub(super) fn release(&self, requests: usize) {
        self.released.add_permits(requests);
    }

    /// Writes these frames on every connection.
    pub(super) fn say(&self, frames: Vec<u8>) {
        self.said.send_replace(frames);
    }

    /// How the row went, once it is over.
    pub(super) fn played(&self) -> Option<Result<(), String>> {
        note(&self.seen, |seen| seen.played.clone())
    }
}

async fn serve(
    stream: TcpStream,
    manner: Manner,
    seen: Arc<Mutex<Seen>>,
    released: Arc<Semaphore>,
    mut say: watch::Receiver<Vec<u8>>,
) {
    note(&seen, |seen| seen.connections += 1);
    let wire = match manner.tls.clone() {
        None => Wire::over(stream),
        Some(tls) => Wire::accept_tls(stream, tls).await.map(|(wire, _)| wire),
    };
    let Ok(wire) = wire else { return };
    note(&seen, |seen| seen.open += 1);
    let Wire { mut reader, writer } = wire;
    let (frames, coming) = mpsc::channel(1);
    let mut reading = JoinSet::new();
    reading.spawn(async move {
        if exactly(&mut reader, PREFACE.len()).await.is_ok_and(|preface| preface == PREFACE) {
            while let Ok(frame) = read(&mut reader).await {
                if frames.send(frame).await.is_err() {
                    break;
                }
            }
        }
    });
    let streams = Streams::default();
    let mut connection = Connection { writer, manner, seen: Arc::clone(&seen), streams, want: None };
    connection.run(coming, &released, &mut say).await;
    let want = connection.want;
    note(&seen, |seen| {
        seen.open -= 1;
        if let Some(want) = want {
            seen.played.get_or_insert_with(|| Err(format!("{want:?} has to come before the end")));
        }
    });
}

struct Connection {
    writer: Writer,
    manner: Manner,
    seen: Arc<Mutex<Seen>>,
    streams: Streams,
    /// What is still to be seen of the row.
    want: Option<Want>,
}

/// The streams of a connection.
#[derive(Default)]
struct Streams {
    /// Those whose request has begun and that are not over.
    open: Vec<u32>,
    /// Those that wait for an answer.
    waiting: Vec<u32>,
    /// The one of the row.
    of_row: Option<u32>,
}

impl Connection {
    /// Serves it to its end.
    async fn run(
        &mut self,
        mut coming: mpsc::Receiver<Frame>,
        released: &Semaphore,
        say: &mut watch::Receiver<Vec<u8>>,
    ) {
        let settings = frame_on(0, SETTINGS, 0, &self.manner.settings);
        drop(self.writer.write(settings).await);
        loop {
            let is_waited_for = !self.streams.waiting.is_empty();
            let done = tokio::select! {
                frame = coming.recv() => match frame {
                    Some(frame) => self.take(frame).await,
                    None => None,
                },
                Ok(()) = say.changed() => {
                    let frames = say.borrow_and_update().clone();
                    self.write(&frames).await
                }
                word = released.acquire(), if is_waited_for => {
                    word.expect("never closed").forget();
                    let stream = self.streams.waiting.remove(0);
                    self.answer(stream).await
                }
            };
            if done.is_none() {
                return;
            }
        }
    }

    async fn take(&mut self, frame: Frame) -> Option<()> {
        let Frame { kind, flags, stream, payload } = frame;
        let ends = flags & END_STREAM != 0;
        match kind {
            SETTINGS if flags & ACK == 0 => {
                note(&self.seen, |seen| seen.settings.push(payload));
                self.write(&frame_on(0, SETTINGS, ACK, [])).await?;
            }
            PING if flags & ACK == 0 => {
                note(&self.seen, |seen| seen.pings += 1);
                if !self.manner.is_deaf {
                    self.write(&frame_on(0, PING, ACK, payload)).await?;
                }
            }
            HEADERS => {
                if !self.streams.open.contains(&stream) && self.streams.of_row != Some(stream) {
                    self.streams.open.push(stream);
                    let open = self.streams.open.len();
                    note(&self.seen, |seen| {
                        seen.requests += 1;
                        seen.peak = seen.peak.max(open);
                    });
                    if let Some(row) = self.manner.row.take() {
                        self.streams.of_row = Some(stream);
                        return self.play(row).await;
                    }
                }
                self.ended(stream, ends).await?;
            }
            DATA => {
                note(&self.seen, |seen| seen.content += payload.len());
                if !payload.is_empty() {
                    let more = u32::try_from(payload.len()).expect("a frame").to_be_bytes();
                    let both = [frame_on(0, WINDOW_UPDATE, 0, more), frame_on(stream, WINDOW_UPDATE, 0, more)];
                    self.write(&both.concat()).await?;
                }
                self.ended(stream, ends).await?;
            }
            RST_STREAM => {
                self.streams.waiting.retain(|other| *other != stream);
                self.streams.open.retain(|other| *other != stream);
                let code = number(Some(&payload));
                note(&self.seen, |seen| seen.resets.push((stream, code)));
                if let Some(Want::Reset(wanted)) = self.want.filter(|_| stream == FIRST) {
                    self.saw(wanted == code, code);
                }
            }
            GOAWAY => {
                let code = number(payload.get(4..));
                note(&self.seen, |seen| seen.goaways.push(code));
                if let Some(Want::Closed(wanted)) = self.want {
                    self.saw(wanted == code, code);
                }
            }
            _ => {}
        }
        Some(())
    }

    /// Writes what the row says. What it waits for then shows in the frames that come.
    async fn play(&mut self, row: Row) -> Option<()> {
        // A connection that the gateway has closed meanwhile takes no more: what counts is how it ended.
        drop(self.writer.write(&row.frames).await);
        match row.want {
            Want::Nothing | Want::Left => note(&self.seen, |seen| seen.played = Some(Ok(()))),
            want => self.want = Some(want),
        }
        if row.closes { None } else { Some(()) }
    }

    fn saw(&mut self, right: bool, code: u32) {
        let want = self.want.take();
        let played = if right { Ok(()) } else { Err(format!("{want:?} has to come, not {code:#x}")) };
        note(&self.seen, |seen| seen.played = Some(played));
    }

    /// A request is whole where `ends` says so.
    async fn ended(&mut self, stream: u32, ends: bool) -> Option<()> {
        match ends && self.streams.of_row != Some(stream) {
            true if self.manner.waits => {
                self.streams.waiting.push(stream);
                Some(())
            }
            true => self.answer(stream).await,
            false => Some(()),
        }
    }

    async fn answer(&mut self, stream: u32) -> Option<()> {
        self.streams.open.retain(|other| *other != stream);
        self.write(&section(stream, END_STREAM, &[(":status", "200")])).await
    }

    async fn write(&mut self, frames: &[u8]) -> Option<()> {
        self.writer.write(frames).await.ok()
    }
}

fn note<T>(seen: &Mutex<Seen>, with: impl FnOnce(&mut Seen) -> T) -> T {
    with(&mut seen.lock().unwrap_or_else(PoisonError::into_inner))
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
