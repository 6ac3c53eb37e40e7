//! The HTTP/3 server: one connection, a task for each of its request streams.
//!
//! Called by `listener` with an established QUIC connection; calls the [`Handler`]. The accept loop awaits no peer: the
//! head of a request is read in the stream's own task (`exchange`), so a client that stalls one stream delays no other.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use h3::error::Code;
use quinn::ConnectionError;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::exchange::{StreamLimits, exchange};
use super::keep_alive::RESERVED;
use super::receive::Receiver;
use super::send::Sender;
use super::shared::{LAST_REQUEST, Shared, Side, varint};
use super::uni::{self, Opened};
use super::wire::{Settings, encode, kind};
use crate::codec::message::SectionLimits;
use crate::codec::{Ended, Ending, Handler, Lifetime, ServerLimits};
use crate::drain::Drain;
use crate::http::Failure;
use crate::quic::KeepAlive;

/// A QUIC connection as it is handed over.
#[derive(Debug)]
pub struct Accepted {
    /// The connection, established but for what `early` says.
    pub quic: quinn::Connection,
    /// Request streams that its transport parameters let the client have open at once.
    pub max_streams: u32,
    /// What came before the handshake was complete.
    pub early: Option<Early>,
    /// How the client is asked for signs of life while it waits for a response.
    pub keep_alive: Option<KeepAlive>,
}

/// A connection whose client sends requests before its handshake is complete (RFC 9001 §4.6).
#[derive(Debug)]
pub struct Early {
    /// The first request stream.
    pub first: (quinn::SendStream, quinn::RecvStream),
    /// Turns true with the end of the handshake; its sender goes when there will be none.
    pub established: watch::Receiver<bool>,
}

/// Serves one connection to its end. Beside how it ended stands the code with which this side ended it, where it did.
pub async fn serve<H: Handler>(
    accepted: Accepted,
    handler: Arc<H>,
    limits: &ServerLimits,
    lifetime: Lifetime,
    drain: &Drain,
) -> (Ended, Option<Code>) {
    let Accepted { quic, max_streams, early, keep_alive } = accepted;
    let (first, established) = early.map(|early| (early.first, early.established)).unzip();
    let shared = Arc::new(Shared::new(quic.clone(), Side::Server, limits.qpack));
    let settings = Settings {
        // RFC 9220 §3: only then may a client say `:protocol`.
        enable_connect_protocol: limits.extended_connect,
        ..shared.settings(limits.max_header_bytes)
    };
    let opening = uni::open_control(&shared, &settings);
    let ended = match tokio::time::timeout(OPENING_PATIENCE, opening).await {
        Ok(Ok(control)) => {
            let server = Server {
                incoming: h3_quinn::Connection::new(quic),
                control,
                opened: Arc::default(),
                shared: Arc::clone(&shared),
                handler: Arc::clone(&handler),
                lifetime,
                helpers: JoinSet::new(),
                next: 0,
                max_streams: u64::from(max_streams),
                last_goaway: None,
                refuse_from: None,
                established,
                probing: keep_alive.map(Probing::new),
            };
            server.run(first, limits, drain).await
        }
        Ok(Err(error)) => Ended::Broken(error.to_string()),
        Err(_) => {
            // RFC 9114 §6.2: a client has to let at least three be opened.
            shared.fail(Code::H3_GENERAL_PROTOCOL_ERROR, "no room for a control stream");
            Ended::Protocol("no room for a control stream".to_owned())
        }
    };
    shared.ended();
    handler.lost();
    (ended, shared.closed_with())
}

struct Server<H> {
    /// Accepts unidirectional streams.
    incoming: h3_quinn::Connection,
    control: quinn::SendStream,
    opened: Arc<Opened>,
    shared: Arc<Shared>,
    handler: Arc<H>,
    lifetime: Lifetime,
    /// The tasks of unidirectional streams: they end with the connection.
    helpers: JoinSet<()>,
    /// The number of the next request stream.
    next: u64,
    max_streams: u64,
    /// When the second GOAWAY is due.
    last_goaway: Option<Instant>,
    /// The first request stream that is not served any more.
    refuse_from: Option<u64>,
    /// What requests in early data may wait for.
    established: Option<watch::Receiver<bool>>,
    probing: Option<Probing>,
}

impl<H: Handler> Server<H> {
    async fn run(
        mut self,
        first: Option<(quinn::SendStream, quinn::RecvStream)>,
        limits: &ServerLimits,
        drain: &Drain,
    ) -> Ended {
        let limits = StreamLimits {
            section: SectionLimits { bytes: limits.max_header_bytes, fields: limits.max_header_count },
            extended_connect: limits.extended_connect,
            proxy_100_continue: limits.proxy_100_continue,
            headers_timeout: limits.headers_timeout,
            write_timeout: limits.write_timeout,
        };
        self.helpers.spawn(uni::write_instructions(Arc::clone(&self.shared)));
        self.helpers.spawn(uni::guard(self.control.stopped(), Arc::clone(&self.shared)));
        self.let_open();
        let quic = self.shared.quic.clone();
        if let Some((sender, receiver)) = first {
            self.accept(sender, receiver, limits, drain);
        }
        loop {
            tokio::select! {
                biased;
                accepted = quic.accept_bi() => match accepted {
                    Ok((sender, receiver)) => self.accept(sender, receiver, limits, drain),
                    Err(error) => return self.ended(&error),
                },
                accepted = poll_fn(|cx| uni::poll_accept(&mut self.incoming, cx)) => {
                    // Those that are over are let go of.
                    while self.helpers.try_join_next().is_some() {}
                    // The connection's end is seen above.
                    if let Some(stream) = accepted {
                        let (opened, shared) = (Arc::clone(&self.opened), Arc::clone(&self.shared));
                        self.helpers.spawn(uni::read(stream, opened, shared));
                    }
                }
                () = until(self.last_goaway) => self.goaway_for_good().await,
                () = until(self.probing.as_ref().map(|probing| probing.due)) => self.probe().await,
                ending = self.lifetime.ending() => match ending {
                    Ending::Drain | Ending::MaxDuration => self.announce_the_end().await,
                    Ending::Idle => return self.close(Code::H3_NO_ERROR, Ended::Idle),
                    Ending::Settled => return self.close(Code::H3_NO_ERROR, Ended::Told),
                    // RFC 9114 §10.5: a client that abuses streams is told so with H3_EXCESSIVE_LOAD.
                    Ending::TooManyResets => return self.close(Code::H3_EXCESSIVE_LOAD, Ended::TooManyResets),
                    Ending::Now => return self.close(Code::H3_NO_ERROR, Ended::Forced),
                },
            }
        }
    }

    fn accept(&mut self, sender: quinn::SendStream, receiver: quinn::RecvStream, limits: StreamLimits, drain: &Drain) {
        let id = quinn::VarInt::from(sender.id()).into_inner();
        self.next = self.next.max(id.saturating_add(REQUEST_STEP));
        self.let_open();
        let early = self.established.as_ref().filter(|_| receiver.is_0rtt()).cloned();
        let mut sender = Sender::new(sender, Arc::clone(&self.shared), limits.write_timeout);
        let mut receiver = Receiver::new(receiver, Arc::clone(&self.shared), limits.section);
        if self.refuse_from.is_some_and(|first| id >= first) {
            // RFC 9114 §5.2: nothing was done for it, so the client may try again elsewhere.
            receiver.stop(Code::H3_REQUEST_REJECTED);
            return sender.break_off(Code::H3_REQUEST_REJECTED);
        }
        let handler = Arc::clone(&self.handler);
        drain.spawn_in_place("http3 stream", move || exchange(sender, receiver, handler, limits, early));
    }

    /// Every stream that is over makes room for another, and only those that were accepted here can be over. quinn does not
    /// show how many are, so the bound is above the limit by the streams that are open.
    fn let_open(&self) {
        self.shared.let_open(self.next.saturating_add(self.max_streams.saturating_mul(REQUEST_STEP)));
    }

    /// RFC 9114 §5.2: the first GOAWAY leaves room for requests that are on their way; a second one follows when they came.
    async fn announce_the_end(&mut self) {
        let rtt = self.shared.quic.rtt();
        // What was written last has to arrive before the connection is closed.
        self.lifetime.allow(rtt * 3);
        // This refuses none.
        self.goaway(LAST_REQUEST).await;
        self.last_goaway = Some(Instant::now() + rtt * 2);
    }

    async fn goaway_for_good(&mut self) {
        self.last_goaway = None;
        self.refuse_from = Some(self.next);
        self.goaway(self.next).await;
    }

    async fn goaway(&mut self, id: u64) {
        let (mut payload, mut frame) = (Vec::new(), Vec::new());
        encode(id, &mut payload);
        encode(kind::GOAWAY, &mut frame);
        encode(payload.len() as u64, &mut frame);
        frame.extend_from_slice(&payload);
        // A client that does not read its control stream is not waited for; the end of the connection is seen elsewhere.
        let _ = tokio::time::timeout(CONTROL_PATIENCE, self.control.write_chunk(Bytes::from(frame))).await;
    }

    /// Asks for a sign of life where somebody waits for a response.
    async fn probe(&mut self) {
        let Some(probing) = &mut self.probing else { return };
        let waiting = self.handler.activity().open() > 0;
        probing.next(waiting);
        if waiting {
            let frame = Bytes::from_static(&RESERVED);
            let _ = tokio::time::timeout(CONTROL_PATIENCE, self.control.write_chunk(frame)).await;
        }
    }

    fn close(&self, code: Code, ended: Ended) -> Ended {
        self.shared.close(code, b"");
        ended
    }

    fn ended(&self, error: &ConnectionError) -> Ended {
        match (self.shared.fault(), error) {
            (Some(fault), _) => {
                self.handler.refused(&Failure::DownstreamProtocol("http3.protocol_error".into()));
                Ended::Protocol(fault.to_owned())
            }
            (None, ConnectionError::ApplicationClosed(close)) if close.error_code == varint(Code::H3_NO_ERROR) => {
                Ended::Done
            }
            (None, error) => Ended::Broken(error.to_string()),
        }
    }
}

/// When the client is asked next.
#[derive(Debug)]
struct Probing {
    settings: KeepAlive,
    interval: Duration,
    due: Instant,
}

impl Probing {
    fn new(settings: KeepAlive) -> Self {
        Self { settings, interval: settings.first, due: Instant::now() + settings.first }
    }

    fn next(&mut self, waiting: bool) {
        self.interval = if waiting { self.settings.after(self.interval) } else { self.settings.first };
        self.due = Instant::now() + self.interval;
    }
}

async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant.into()).await,
        None => std::future::pending().await,
    }
}

/// RFC 9000 §2.1: from one request stream to the next.
const REQUEST_STEP: u64 = 4;

/// How long the client may take to let the control stream be opened.
const OPENING_PATIENCE: Duration = Duration::from_secs(10);

/// How long a GOAWAY may wait for the client to read its control stream.
const CONTROL_PATIENCE: Duration = Duration::from_secs(1);
