//! The HTTP/2 client: one connection to an upstream, shared by the exchanges of one worker.
//!
//! Called by `upstream`, which connects and keeps the [`Client`]. An exchange is a [`ClientStream`]: see `stream`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bytes::Bytes;
use h2::SendStream;
use h2::client::{Builder, ResponseFuture, SendRequest};
use http::request::Parts;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, watch};

use super::SEND_BUFFER;
use super::error::from_upstream;
use super::keep_alive::KeepAlive;
use super::request::head;
use super::stream::ClientStream;
use super::work::{Ended, drive};
use crate::codec::Activity;
use crate::codec::message::SectionLimits;
use crate::drain::Drain;
use crate::http::{ConnectProtocol, Failure};

/// What the client of an upstream keeps to.
#[derive(Clone, Copy, Debug)]
pub struct ClientLimits {
    /// Bytes that the field section of a response may take.
    pub max_header_bytes: usize,
    /// Fields that a response may have.
    pub max_header_count: usize,
    /// Bytes that the upstream may send unasked on one stream.
    pub stream_window: u32,
    /// Bytes that it may send unasked on all streams together.
    pub connection_window: u32,
    /// Bytes that the table of HPACK may take; none is the 4,096 of RFC 7541.
    pub table_size: Option<u32>,
    /// How it is asked for signs of life.
    pub keep_alive: Option<KeepAlive>,
    /// Whether the connection is under TLS.
    pub secured: bool,
}

/// A connection to an upstream. It is closed when the last handle to it is dropped and the last stream is over.
#[derive(Clone, Debug)]
pub struct Client {
    shared: Arc<Shared>,
}

/// What the exchanges of a connection have in common.
#[derive(Debug)]
pub(super) struct Shared {
    requests: Mutex<SendRequest<Bytes>>,
    told: watch::Sender<Told>,
    activity: Arc<Activity>,
    limits: ClientLimits,
    /// Asks for a sign of life.
    ping: Arc<Notify>,
    /// Where uploads go on.
    pub(super) drain: Drain,
}

/// What the upstream has said of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    /// Streams that may be open at once; `None` before its SETTINGS.
    max_streams: Option<usize>,
    /// It takes no more requests.
    is_over: bool,
}

/// Begins HTTP/2 on a connection that stands. The future is the work of the connection: whoever spawns it keeps the
/// connection going, and it ends with it.
///
/// # Errors
/// [`Failure::UpstreamReset`] when the transport broke before anything could be written.
pub async fn connect<I>(
    io: I,
    limits: ClientLimits,
    drain: &Drain,
) -> Result<(Client, impl Future<Output = Ended> + Send + use<I>), Failure>
where
    I: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut builder = Builder::new();
    if let Some(size) = limits.table_size {
        builder.header_table_size(size);
    }
    let begun = builder
        // RFC 9113 §8.4: nothing is pushed to a gateway.
        .enable_push(false)
        .initial_window_size(limits.stream_window)
        .initial_connection_window_size(limits.connection_window)
        .max_header_list_size(u32::try_from(limits.max_header_bytes).unwrap_or(u32::MAX))
        .initial_max_send_streams(NOT_TOLD)
        .max_send_buffer_size(SEND_BUFFER)
        .handshake(io)
        .await;
    let (requests, connection) = begun.map_err(|error| Failure::UpstreamReset(from_upstream(&error)))?;
    let ping = Arc::new(Notify::new());
    let pings = limits.keep_alive.map(|settings| (settings, Arc::clone(&ping)));
    let shared = Arc::new(Shared {
        requests: Mutex::new(requests),
        told: watch::Sender::new(Told { max_streams: None, is_over: false }),
        activity: Activity::new(Instant::now()),
        limits,
        ping,
        drain: drain.clone(),
    });
    let work = drive(connection, Arc::downgrade(&shared), pings);
    Ok((Client { shared }, work))
}

impl Client {
    /// Whether the connection takes no more requests.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.shared.told.borrow().is_over
    }

    /// Streams that the upstream lets be open at once (RFC 9113 §5.1.2); `None` before its SETTINGS have come.
    #[must_use]
    pub fn told_max_streams(&self) -> Option<usize> {
        self.shared.told.borrow().max_streams
    }

    /// Resolves when the SETTINGS of the upstream have come, or never will.
    pub async fn settled(&self) {
        let mut told = self.shared.told.subscribe();
        // This handle keeps the sender.
        let _ = told.wait_for(|told| told.max_streams.is_some() || told.is_over).await;
    }

    /// Resolves when the connection takes no more requests (RFC 9113 §6.8).
    pub fn told_to_go(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut told = self.shared.told.subscribe();
        async move {
            // Without handles nobody sends any.
            let _ = told.wait_for(|told| told.is_over).await;
        }
    }

    /// Opens a stream; `None` when the connection takes no more requests.
    #[must_use]
    pub fn open(&self) -> Option<ClientStream> {
        if self.is_over() {
            return None;
        }
        let shared = Arc::clone(&self.shared);
        let patience = shared.limits.keep_alive.and_then(|settings| settings.after_idle);
        let idle = shared.activity.idle_since().map(|since| since.elapsed());
        if let (Some(patience), Some(idle)) = (patience, idle)
            && idle >= patience
            && shared.activity.served() > 0
        {
            shared.ping.notify_one();
        }
        let busy = shared.activity.begin();
        Some(ClientStream { shared, busy })
    }
}

impl Shared {
    /// Takes note of what the upstream has said by now.
    pub(super) fn look(&self) {
        let mut requests = self.requests();
        let max = requests.current_max_send_streams();
        let ready = requests.poll_ready(&mut Context::from_waker(Waker::noop()));
        drop(requests);
        let is_over = matches!(ready, Poll::Ready(Err(_)));
        self.tell(Told { max_streams: (max != NOT_TOLD).then_some(max), is_over });
    }

    /// What the field section of a response may take.
    pub(super) fn section_limits(&self) -> SectionLimits {
        SectionLimits { bytes: self.limits.max_header_bytes, fields: self.limits.max_header_count }
    }

    /// Whether the upstream has said GOAWAY (RFC 9113 §6.8).
    pub(super) fn was_told(&self) -> bool {
        let ready = self.requests().poll_ready(&mut Context::from_waker(Waker::noop()));
        matches!(ready, Poll::Ready(Err(error)) if error.is_go_away() && error.is_remote())
    }

    /// The connection takes no more requests.
    pub(super) fn over(&self) {
        let told = *self.told.borrow();
        self.tell(Told { is_over: true, ..told });
    }

    fn tell(&self, now: Told) {
        self.told.send_if_modified(|told| {
            // What is over stays so.
            let now = Told { is_over: told.is_over || now.is_over, ..now };
            *told != now && {
                *told = now;
                true
            }
        });
    }

    /// Whether the upstream takes an extended CONNECT, which its SETTINGS say (RFC 8441 §3).
    pub(super) async fn takes_extended_connect(&self) -> bool {
        let mut told = self.told.subscribe();
        // The sender is here.
        let _ = told.wait_for(|told| told.max_streams.is_some() || told.is_over).await;
        self.requests().is_extended_connect_protocol_enabled()
    }

    /// Opens the stream of a request whose head is all of it where `end` says so. `protocol` makes it an extended CONNECT.
    pub(super) fn begin(
        &self,
        request: &Parts,
        protocol: Option<&ConnectProtocol>,
        end: bool,
    ) -> Option<(ResponseFuture, SendStream<Bytes>)> {
        // One that is shared would wait for the stream that was opened before.
        let mut requests = self.requests().clone();
        let begun = requests.send_request(head(request, protocol, self.limits.secured), end);
        // No more streams can be numbered, or the connection has just ended: that shows. What is wrong with this one request
        // says nothing of the connection.
        begun.inspect_err(|_| self.look()).ok()
    }

    fn requests(&self) -> MutexGuard<'_, SendRequest<Bytes>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// More streams than an upstream ever lets be open: what stands there before it has said how many.
const NOT_TOLD: usize = 0x7fff_fff1;
