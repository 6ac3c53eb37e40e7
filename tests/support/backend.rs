//! A backend that does as it is told: HTTP/1.1 on an ephemeral port, its behaviour a Rust value.
//!
//! A function looks at each request received and answers with a [`Script`]: bytes to write, and how to go on. Nothing
//! is corrected on the way, so a script can be as wrong as a test needs.

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use rustls::ServerConfig;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
};

use super::{
    deadline::until,
    framing::Framing,
    message::{End, Fields},
    wire::{Shaken, Wire},
};

/// A running backend; it stops when dropped.
pub(crate) struct Backend {
    address: SocketAddr,
    state: Arc<State>,
    _accepting: JoinSet<()>,
}

impl Backend {
    /// Listens on a loopback port and answers every request by what `behaviour` says.
    ///
    /// It is asked when the head is there and, unless that answer is an early one, again when the body is.
    pub(crate) async fn start(behaviour: impl Fn(&Received) -> Script + Send + Sync + 'static) -> Self {
        Self::with(State { behaviour: Box::new(behaviour), ..State::idle() }).await
    }

    async fn with(state: State) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bind a TCP port on loopback");
        let address = listener.local_addr().expect("the address of a bound socket");
        let state = Arc::new(state);
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, Arc::clone(&state)));
        Self { address, state, _accepting: accepting }
    }

    /// The same under TLS.
    pub(crate) async fn secured(
        tls: Arc<ServerConfig>,
        behaviour: impl Fn(&Received) -> Script + Send + Sync + 'static,
    ) -> Self {
        Self::with(State { behaviour: Box::new(behaviour), tls: Some(tls), ..State::idle() }).await
    }

    /// Answers every request with its own text, as [`Received`] prints it.
    pub(crate) async fn echo() -> Self {
        Self::start(Script::echo).await
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many connections were accepted so far.
    pub(crate) fn connections(&self) -> usize {
        self.state.accepted.load(Ordering::SeqCst)
    }

    /// The requests read whole so far (those answered early: their heads).
    pub(crate) fn received(&self) -> Vec<Received> {
        self.state.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The TLS handshakes that were completed so far.
    pub(crate) fn handshakes(&self) -> Vec<Shaken> {
        self.state.handshakes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What scripts that finished first have heard, once they heard the end.
    pub(crate) async fn heard(&self, count: usize) -> Vec<Vec<u8>> {
        until(format_args!("{count} ends at the backend"), async || {
            let heard = self.state.heard.lock().unwrap_or_else(PoisonError::into_inner).clone();
            (heard.len() >= count).then_some(heard)
        })
        .await
    }

    /// Lets one [`Script::when_released`] go on.
    pub(crate) fn release(&self) {
        self.state.released.add_permits(1);
    }

    /// Takes back every [`Self::release`] that no script has used.
    pub(crate) fn hold(&self) {
        self.state.released.forget_permits(usize::MAX);
    }

    /// Closes every connection that waits for a request.
    pub(crate) fn hang_up(&self) {
        self.state.hang_up.send_replace(());
    }

    /// Waits until `count` requests have been received in all.
    pub(crate) async fn until_received(&self, count: usize) {
        until(format_args!("{count} requests at the backend"), async || (self.received().len() >= count).then_some(()))
            .await;
    }
}

/// A request as the backend saw it.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) version: String,
    pub(crate) headers: Fields,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Fields,
}

impl Received {
    /// The target without its query.
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    fn new(start: &str, headers: Fields) -> Self {
        let mut words = start.splitn(3, ' ').map(str::to_owned);
        let mut word = || words.next().unwrap_or_default();
        let (method, target, version) = (word(), word(), word());
        Self { method, target, version, headers, body: Vec::new(), trailers: Fields::new() }
    }
}

/// Request line, field lines, an empty line, the body, and trailers if any.
impl fmt::Display for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {} {}", self.method, self.target, self.version)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {value}")?;
        }
        writeln!(f, "\n{}", String::from_utf8_lossy(&self.body))?;
        for (name, value) in &self.trailers {
            writeln!(f, "trailer {name}: {value}")?;
        }
        Ok(())
    }
}

/// What the backend does with one request.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    early: bool,
    /// What is written when the head is read, before the body is.
    interim: Vec<u8>,
    steps: Vec<Step>,
}

impl Script {
    /// These bytes, as they are; then the next request of the connection.
    pub(crate) fn bytes(bytes: impl AsRef<[u8]>) -> Self {
        Self::nothing().then(bytes)
    }

    /// A well-formed reply with this status and body.
    pub(crate) fn reply(status: u16, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let head = format!("HTTP/1.1 {status} Said\r\ncontent-length: {}\r\n\r\n", body.len());
        Self::bytes([head.as_bytes(), body].concat())
    }

    /// The request as text, in the body of a 200; to HEAD its headers only.
    pub(crate) fn echo(received: &Received) -> Self {
        let body = received.to_string();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        Self::bytes(if received.method == "HEAD" { head } else { head + &body })
    }

    /// No answer at all: for [`Self::close`], [`Self::reset`], [`Self::stall`].
    pub(crate) fn nothing() -> Self {
        Self { early: false, interim: Vec::new(), steps: Vec::new() }
    }

    /// More bytes, after those before.
    pub(crate) fn then(self, bytes: impl AsRef<[u8]>) -> Self {
        self.step(Step::Write(bytes.as_ref().to_vec()))
    }

    /// Goes on only after the test called [`Backend::release`]; ends when the peer leaves before.
    pub(crate) fn when_released(self) -> Self {
        self.step(Step::AwaitRelease)
    }

    /// Ends with FIN.
    pub(crate) fn close(self) -> Self {
        self.step(Step::Close)
    }

    /// Ends with RST.
    pub(crate) fn reset(self) -> Self {
        self.step(Step::Reset)
    }

    /// Says back what comes, up to the end of it; then ends as well.
    pub(crate) fn echoes(self) -> Self {
        self.step(Step::Echo)
    }

    /// Ends what it says, and listens to the end of what comes: see [`Backend::heard`].
    pub(crate) fn finishes(self) -> Self {
        self.step(Step::Finish)
    }

    /// Does nothing more until the peer ends the connection.
    pub(crate) fn stall(self) -> Self {
        self.step(Step::Stall)
    }

    /// Begins as soon as the request's head is read, and never reads its body: the connection cannot go on.
    pub(crate) fn early(mut self) -> Self {
        self.early = true;
        self
    }

    /// Writes these bytes as soon as the request's head is read, then reads its body.
    pub(crate) fn at_once(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.interim = bytes.as_ref().to_vec();
        self
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

#[derive(Clone, Debug)]
enum Step {
    Write(Vec<u8>),
    AwaitRelease,
    Close,
    Reset,
    Stall,
    Echo,
    Finish,
}

struct State {
    behaviour: Box<dyn Fn(&Received) -> Script + Send + Sync>,
    /// Clear without.
    tls: Option<Arc<ServerConfig>>,
    handshakes: Mutex<Vec<Shaken>>,
    accepted: AtomicUsize,
    received: Mutex<Vec<Received>>,
    released: Semaphore,
    /// What came after [`Script::finishes`].
    heard: Mutex<Vec<Vec<u8>>>,
    hang_up: watch::Sender<()>,
}

impl State {
    fn idle() -> Self {
        Self {
            behaviour: Box::new(Script::echo),
            tls: None,
            handshakes: Mutex::default(),
            accepted: AtomicUsize::new(0),
            received: Mutex::default(),
            released: Semaphore::new(0),
            heard: Mutex::default(),
            hang_up: watch::Sender::new(()),
        }
    }

    async fn begin(&self, stream: TcpStream) -> io::Result<Wire> {
        let Some(tls) = &self.tls else { return Wire::over(stream) };
        let (wire, shaken) = Wire::accept_tls(stream, Arc::clone(tls)).await?;
        self.handshakes.lock().unwrap_or_else(PoisonError::into_inner).push(shaken);
        Ok(wire)
    }

    fn note(&self, received: Received) {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).push(received);
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        state.accepted.fetch_add(1, Ordering::SeqCst);
        connections.spawn(serve(stream, Arc::clone(&state)));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let Ok(mut wire) = state.begin(stream).await else { return };
    let mut hang_up = state.hang_up.subscribe();
    loop {
        hang_up.mark_unchanged();
        let head = tokio::select! {
            head = wire.reader.head() => head,
            _ = hang_up.changed() => return,
        };
        let Ok((start, headers)) = head else { return };
        let mut received = Received::new(&start, headers);
        let mut script = (state.behaviour)(&received);
        if !script.interim.is_empty() && wire.write(&script.interim).await.is_err() {
            return;
        }
        let mut framing = Framing::of_request(&received.headers);
        if !script.early && !matches!(framing, Framing::None) {
            let end = framing.all(&mut wire.reader, &mut received.body, &mut received.trailers).await;
            if end != End::Complete {
                return;
            }
            script = (state.behaviour)(&received);
        }
        state.note(received);
        let early = script.early;
        match play(script.steps, &mut wire, &state).await {
            Next::Request if !early => {}
            Next::Request | Next::Close => return,
            Next::Reset => {
                // The peer may have been faster.
                drop(wire.reset());
                return;
            }
        }
    }
}

enum Next {
    Request,
    Close,
    Reset,
}

async fn play(steps: Vec<Step>, wire: &mut Wire, state: &State) -> Next {
    for step in steps {
        match step {
            Step::Write(bytes) => {
                if wire.write(bytes).await.is_err() {
                    return Next::Close;
                }
            }
            Step::AwaitRelease => tokio::select! {
                permit = state.released.acquire() => permit.expect("never closed").forget(),
                // A release is for those who are still there.
                () = wire.reader.gone() => return Next::Close,
            },
            Step::Close => return Next::Close,
            Step::Reset => return Next::Reset,
            Step::Echo => {
                let mut bytes = Vec::new();
                while wire.reader.some(u64::MAX, &mut bytes).await.is_ok() {
                    if wire.write(bytes.split_off(0)).await.is_err() {
                        break;
                    }
                }
                // The peer may have been faster.
                drop(wire.writer.finish().await);
                return Next::Close;
            }
            Step::Finish => {
                drop(wire.writer.finish().await);
                let (bytes, _) = wire.rest().await;
                state.heard.lock().unwrap_or_else(PoisonError::into_inner).push(bytes);
                return Next::Close;
            }
            Step::Stall => {
                wire.rest().await;
                return Next::Close;
            }
        }
    }
    Next::Request
}
