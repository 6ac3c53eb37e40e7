//! The HTTP/3 client: one connection to an upstream, shared by the exchanges of one worker.
//!
//! Called by `upstream`, which establishes the QUIC connection and keeps the [`Client`]. An exchange runs in the task that
//! calls [`Client::send`]: it writes the request and reads the response. Only an upload that is not over when the response
//! begins goes on in a task of its own, for whoever reads the response may read on only after all was sent.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use h3::error::Code;
use http::header::{COOKIE, HOST};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Method};
use http_body::Body as _;
use tokio::task::JoinSet;

use super::body::StreamBody;
use super::keep_alive::keep_alive;
use super::receive::Receiver;
use super::send::Sender;
use super::shared::{LAST_REQUEST, Shared, Side, varint};
use super::uni::{self, Opened};
use crate::codec::message::{ContentLength, ResponseHead, SectionLimits};
use crate::codec::pump::{Sink as _, pump};
use crate::codec::qpack::FieldLine;
use crate::codec::upload::Upload;
use crate::codec::{Interims, SendError, extended_connect, once_answered};
use crate::drain::Drain;
use crate::http::{AskedTunnel, Body, ConnectProtocol, Failure, Request, ResetReason, Response, Tunnel};
use crate::quic::KeepAlive;

/// Limits that the client of an upstream keeps.
#[derive(Clone, Copy, Debug)]
pub struct ClientLimits {
    /// Bytes that the field section of a response may take.
    pub max_header_bytes: usize,
    /// Fields that a response may have.
    pub max_header_count: usize,
    /// Whether QPACK may use more than the static table.
    pub qpack: bool,
    /// How the upstream is asked for signs of life.
    pub keep_alive: Option<KeepAlive>,
}

/// A connection to an upstream. It is closed when the last handle to it is dropped.
#[derive(Clone, Debug)]
pub struct Client {
    connection: Arc<Connection>,
}

#[derive(Debug)]
struct Connection {
    shared: Arc<Shared>,
    limits: SectionLimits,
    /// Where uploads go on.
    drain: Drain,
}

/// A stream of a connection, for one exchange.
#[derive(Debug)]
pub struct ClientStream {
    shared: Arc<Shared>,
    sender: Sender,
    receiver: Receiver,
    drain: Drain,
}

/// Why no stream could be opened at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoStream {
    /// The upstream lets no more be open now.
    Full,
    /// The connection takes no more requests.
    Closed,
}

/// Begins HTTP/3 on an established connection. The future is the work of the connection: whoever spawns it keeps the
/// connection going, and it ends with it.
///
/// # Errors
/// [`Failure::UpstreamReset`] when the upstream does not let it begin.
pub async fn connect(
    quic: quinn::Connection,
    limits: ClientLimits,
    drain: &Drain,
) -> Result<(Client, impl Future<Output = ()> + Send + use<>), Failure> {
    let shared = Arc::new(Shared::new(quic.clone(), Side::Client, limits.qpack));
    let settings = shared.settings(limits.max_header_bytes);
    let opening = uni::open_control(&shared, &settings);
    let control = match tokio::time::timeout(OPENING_PATIENCE, opening).await {
        Ok(Ok(control)) => control,
        Ok(Err(_)) => return Err(Failure::UpstreamReset(ResetReason::ConnectionTermination)),
        Err(_) => {
            // RFC 9114 §6.2: a server has to let at least three be opened.
            shared.fail(Code::H3_GENERAL_PROTOCOL_ERROR, "no room for a control stream");
            let reason = ResetReason::ProtocolError("http3.no_room_for_a_control_stream".to_owned());
            return Err(Failure::UpstreamReset(reason));
        }
    };
    let work = drive(quic, control, Arc::clone(&shared), limits.keep_alive);
    let limits = SectionLimits { bytes: limits.max_header_bytes, fields: limits.max_header_count };
    Ok((Client { connection: Arc::new(Connection { shared, limits, drain: drain.clone() }) }, work))
}

async fn drive(quic: quinn::Connection, control: quinn::SendStream, shared: Arc<Shared>, settings: Option<KeepAlive>) {
    let mut incoming = h3_quinn::Connection::new(quic.clone());
    let opened = Arc::new(Opened::default());
    // They end with the connection.
    let mut helpers = JoinSet::new();
    helpers.spawn(uni::write_instructions(Arc::clone(&shared)));
    helpers.spawn(uni::guard(control.stopped(), Arc::clone(&shared)));
    helpers.spawn(keep_alive(control, Arc::clone(&shared), settings));
    loop {
        tokio::select! {
            biased;
            _ = quic.closed() => break,
            accepted = poll_fn(|cx| uni::poll_accept(&mut incoming, cx)) => {
                while helpers.try_join_next().is_some() {}
                if let Some(stream) = accepted {
                    helpers.spawn(uni::read(stream, Arc::clone(&opened), Arc::clone(&shared)));
                }
            }
            accepted = quic.accept_bi() => if accepted.is_ok() {
                // RFC 9114 §6.1: servers open none.
                shared.fail(Code::H3_STREAM_CREATION_ERROR, "a bidirectional stream from a server");
            },
        }
    }
    shared.ended();
}

impl Client {
    /// Whether the connection takes no more requests.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.connection.shared.is_going_away() || self.connection.shared.quic.close_reason().is_some()
    }

    /// Opens a stream, if that can be done at once.
    ///
    /// # Errors
    /// [`NoStream`] says why not.
    pub async fn try_open(&self) -> Result<ClientStream, NoStream> {
        if self.is_over() {
            return Err(NoStream::Closed);
        }
        let mut opening = pin!(self.connection.shared.quic.open_bi());
        let opened = poll_fn(|cx| Poll::Ready(opening.as_mut().poll(cx))).await;
        match opened {
            Poll::Ready(Ok(stream)) => Ok(self.stream(stream)),
            Poll::Ready(Err(_)) => Err(NoStream::Closed),
            Poll::Pending => Err(NoStream::Full),
        }
    }

    /// Opens a stream as soon as the upstream lets it be; `None` when the connection ended first.
    pub async fn open(&self) -> Option<ClientStream> {
        let shared = &self.connection.shared;
        tokio::select! {
            biased;
            // Any word of an end concerns a stream that is not open yet.
            () = shared.is_unserved(LAST_REQUEST) => None,
            opened = shared.quic.open_bi() => opened.ok().map(|stream| self.stream(stream)),
        }
    }

    /// Resolves when the upstream has said that it takes no more requests (RFC 9114 §5.2).
    pub fn told_to_go(&self) -> impl Future<Output = ()> + Send + use<> {
        let shared = Arc::clone(&self.connection.shared);
        async move { shared.is_unserved(LAST_REQUEST).await }
    }

    fn stream(&self, (sender, receiver): (quinn::SendStream, quinn::RecvStream)) -> ClientStream {
        let Connection { shared, limits, drain } = &*self.connection;
        ClientStream {
            shared: Arc::clone(shared),
            sender: Sender::new(sender, Arc::clone(shared), None),
            receiver: Receiver::new(receiver, Arc::clone(shared), *limits),
            drain: drain.clone(),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // RFC 9114 §5.3: nobody uses it any more.
        self.shared.quic.close(varint(Code::H3_NO_ERROR), b"");
    }
}

impl ClientStream {
    /// Sends a request and waits for the final head of the response. Dropped before its end, the request is cancelled.
    ///
    /// # Errors
    /// [`SendError::Unsent`] gives a request without content back for which the upstream did nothing.
    pub async fn send(self, request: Request) -> Result<Response, SendError> {
        let Self { shared, sender, receiver, drain } = self;
        let interims = Interims::of(&request);
        let asked = AskedTunnel::of_request(&request);
        let (parts, body) = request.into_parts();
        let bodyless = body.is_end_stream();
        let exchange = ClientExchange { shared, receiver, drain, interims };
        let outcome = match asked {
            Some(asked) => exchange.run_tunnel(&parts, &asked, sender).await,
            None => exchange.run(&parts, body, sender).await,
        };
        let failure = match outcome {
            Ok(response) => return Ok(response),
            Err(failure) => failure,
        };
        // RFC 9114 §4.1.1, §5.2: it may be sent again, elsewhere.
        let unserved = matches!(failure, Failure::UpstreamReset(ResetReason::RemoteRefused));
        Err(if unserved && bodyless {
            SendError::Unsent(Box::new(Request::from_parts(parts, Body::Empty)))
        } else {
            SendError::Failed(failure)
        })
    }
}

/// An exchange on its way.
struct ClientExchange {
    shared: Arc<Shared>,
    receiver: Receiver,
    drain: Drain,
    interims: Interims,
}

impl ClientExchange {
    async fn run(mut self, request: &Parts, mut body: Body, mut sender: Sender) -> Result<Response, Failure> {
        sender.rank(&request.headers);
        sender.begin(lines(request, None), body.size_hint().exact());
        if body.is_end_stream() {
            // An upstream that takes no more of the request has answered, or will say why not: the response tells.
            let _ = sender.finish().await;
            let head = self.answer().await?;
            return self.response(head, &request.method, None).await;
        }
        let mut upload = Box::pin(async move {
            let _ = pump(&mut body, &mut sender).await;
            sender.is_broken_off()
        });
        let (head, rest) = {
            let mut answer = pin!(self.answer());
            tokio::select! {
                biased;
                head = &mut answer => (head?, true),
                // A request that broke off has no response. Whether the upstream says so as well is not waited for.
                broken_off = &mut upload => {
                    if broken_off {
                        return Err(Failure::UpstreamReset(ResetReason::ConnectionTermination));
                    }
                    (answer.await?, false)
                }
            }
        };
        let upload = rest.then(|| Upload::new(&self.drain.spawn("http3 upload", async { _ = upload.await })));
        self.response(head, &request.method, upload).await
    }

    /// Asks for a tunnel. Nothing but the head goes out before it is granted.
    async fn run_tunnel(
        mut self,
        request: &Parts,
        asked: &AskedTunnel,
        mut sender: Sender,
    ) -> Result<Response, Failure> {
        let protocol = match asked {
            AskedTunnel::Connect => None,
            AskedTunnel::Upgrade(protocol) => Some(protocol),
        };
        // RFC 9220 §3: it has to be announced.
        if protocol.is_some() && !self.shared.takes_extended_connect().await {
            let reason = ResetReason::ProtocolError("http3.extended_connect_not_announced".to_owned());
            return Err(Failure::UpstreamReset(reason));
        }
        sender.rank(&request.headers);
        sender.begin(lines(request, protocol), None);
        // What the upstream takes of it, the response tells.
        let _ = sender.flush().await;
        let head = self.answer().await?;
        if !head.status.is_success() {
            let _ = sender.finish().await;
            return self.response(head, &request.method, None).await;
        }
        self.receiver.is_tunnel();
        let body = StreamBody::new(self.receiver, ContentLength::UNKNOWN);
        let (mut parts, ()) = http::Response::new(()).into_parts();
        (parts.status, parts.version, parts.headers) = (head.status, http::Version::HTTP_3, head.headers);
        if let Some(protocol) = protocol {
            extended_connect::granted(&mut parts, &request.headers, protocol);
        }
        let upload = |mut body: Body| async move {
            // Who takes no more has said so by the end of the other direction.
            let _ = pump(&mut body, &mut sender).await;
        };
        parts.extensions.insert(Tunnel::new(upload));
        Ok(Response::from_parts(parts, Body::boxed(body)))
    }

    /// The final head. Those before it are interim.
    async fn answer(&mut self) -> Result<ResponseHead, Failure> {
        let stream = self.receiver.id();
        loop {
            let head = tokio::select! {
                biased;
                head = self.receiver.response_head() => head,
                () = self.shared.is_unserved(stream) => {
                    return Err(Failure::UpstreamReset(ResetReason::RemoteRefused));
                }
            };
            match head {
                Ok(head) if head.status.is_informational() => self.interims.came(head.status, &head.headers)?,
                Ok(head) => return Ok(head),
                Err(failure) => return Err(self.receiver.blame(failure)),
            }
        }
    }

    async fn response(
        self,
        mut head: ResponseHead,
        method: &Method,
        upload: Option<Upload>,
    ) -> Result<Response, Failure> {
        let length = head.content_length.of_response(head.status, method);
        let mut body = StreamBody::new(self.receiver, length).beside(upload);
        body.look_ahead().map_err(once_answered)?;
        if body.waits_for_its_end() {
            body.end().await.map_err(once_answered)?;
        }
        let mut response = http::Response::new(if body.is_end_stream() { Body::Empty } else { Body::boxed(body) });
        *response.status_mut() = head.status;
        *response.version_mut() = http::Version::HTTP_3;
        ContentLength::say_once(&mut head.headers);
        *response.headers_mut() = head.headers;
        Ok(response)
    }
}

/// The field lines of a request (RFC 9114 §4.3.1). `protocol` makes it an extended CONNECT (RFC 9220 §3).
fn lines<'a>(request: &'a Parts, protocol: Option<&'a ConnectProtocol>) -> impl Iterator<Item = FieldLine<&'a [u8]>> {
    let method = if protocol.is_some() { "CONNECT" } else { request.method.as_str() };
    let authority = request.headers.get(HOST).map(HeaderValue::as_bytes);
    // RFC 9114 §4.4: CONNECT has neither of these, RFC 8441 §4: but an extended one has.
    let is_target = protocol.is_some() || request.method != Method::CONNECT;
    let path = request.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let pseudo = [
        Some((":method", method.as_bytes())),
        protocol.map(|protocol| (":protocol", protocol.as_bytes())),
        is_target.then_some((":scheme", b"https".as_slice())),
        authority.map(|authority| (":authority", authority)),
        is_target.then_some((":path", path.as_bytes())),
    ];
    let pseudo = pseudo.into_iter().flatten().map(|(name, value)| FieldLine::new(name.as_bytes(), value));
    let passes = move |name: &HeaderName| *name != HOST && !(protocol.is_some() && extended_connect::is_of_http1(name));
    let fields = request.headers.iter().filter(move |(name, _)| passes(name)).flat_map(|(name, value)| {
        // RFC 9114 §4.2.1: the cookies of a line go apart, so that those that stay the same cost nothing.
        let apart = name == COOKIE;
        let values = value.as_bytes().split(move |byte| apart && *byte == b';');
        values.map(move |value| {
            FieldLine::new(name.as_str().as_bytes(), if apart { value.trim_ascii_start() } else { value })
        })
    });
    pseudo.chain(fields)
}

/// How long the upstream may take to let the control stream be opened.
const OPENING_PATIENCE: Duration = Duration::from_secs(10);
