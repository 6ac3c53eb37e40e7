//! TCP: accept, TLS where it is configured, HTTP/1 or HTTP/2 as agreed or detected.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{Kind, Listener};
use crate::codec::starts_http2;
use crate::hcm::{self, CodecType, ConnectionEnd, Peer, Worker};
use crate::net::{Counted, Passed};
use crate::observe::access_log::Connection as Facts;
use crate::observe::log::Limited;
use crate::tls::{self, ServerTls};

/// Runs the accept loop of one socket on one worker.
pub(super) fn spawn(listener: Arc<Listener>, socket: std::net::TcpListener, worker: &Arc<Worker>) {
    let worker = Arc::clone(worker);
    let drain = worker.drain.clone();
    drain.spawn_service("tcp listener", async move {
        let socket = match TcpListener::from_std(socket) {
            Ok(socket) => socket,
            Err(error) => return tracing::error!(listener = %listener.name, %error, "the socket cannot be served"),
        };
        let mut watch = worker.drain.watch();
        tokio::select! {
            () = watch.draining() => {}
            () = listener.stopped.cancelled() => {}
            () = accept(&listener, &socket, &worker) => {}
        }
    });
}

async fn accept(listener: &Arc<Listener>, socket: &TcpListener, worker: &Arc<Worker>) {
    let limited = Limited::default();
    loop {
        match socket.accept().await {
            Ok((io, remote)) => {
                let connection = Accepted {
                    listener: Arc::clone(listener),
                    worker: Arc::clone(worker),
                    remote,
                    began: Instant::now(),
                };
                worker.drain.spawn("tcp connection", connection.run(io));
            }
            Err(error) if is_exhausted(&error) => {
                listener.stats.accept_paused.inc();
                if let Some(suppressed) = limited.admit(Instant::now()) {
                    let advice = "accepting pauses: raise LimitNOFILE= or `ulimit -n`";
                    tracing::warn!(listener = %listener.name, %error, suppressed, "{advice}");
                }
                // The connection waits in the backlog; a descriptor comes back when another connection ends.
                tokio::time::sleep(PAUSE).await;
            }
            // The client was gone before it was accepted: the next one may not be.
            Err(error) => tracing::debug!(listener = %listener.name, %error, "a connection was not accepted"),
        }
    }
}

struct Accepted {
    listener: Arc<Listener>,
    worker: Arc<Worker>,
    remote: SocketAddr,
    began: Instant,
}

impl Accepted {
    async fn run(self, io: TcpStream) {
        self.listener.accepted(&self.worker);
        let passed = Arc::new(Passed::default());
        let mut end = ConnectionEnd::default();
        let facts = self.serve(io, &passed, &mut end).await;
        self.listener.closed(&self.worker, u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX));
        self.listener.manager.passed(passed.received(), passed.sent());
        end.bytes = (passed.received(), passed.sent());
        self.listener.log(&facts, self.began, end);
    }

    async fn serve(&self, io: TcpStream, passed: &Arc<Passed>, end: &mut ConnectionEnd) -> Arc<Facts> {
        // Small responses must not wait for an acknowledgement.
        let _ = io.set_nodelay(true);
        let mut facts = self.listener.facts(&self.worker, self.remote, self.began);
        // A connection that the client has reset already has no address any more.
        facts.local = io.local_addr().ok();
        let Kind::Tcp(Some(tls)) = &self.listener.kind else {
            let facts = Arc::new(facts);
            self.serve_clear(Counted::new(io, passed), &facts, end).await;
            return facts;
        };
        let io = match self.handshake(io, tls).await {
            Ok(io) => io,
            Err(reason) => {
                end.transport_failure = reason;
                return Arc::new(facts);
            }
        };
        let (_, agreed) = io.get_ref();
        let tls = tls::facts(agreed);
        self.listener.stats.no_certificate.inc();
        self.listener.stats.agreed.count(&tls);
        facts.tls = Some(tls);
        facts.server_name = agreed.server_name().map(Arc::from);
        facts.handshake_began = Some(self.began);
        facts.handshake_ended = Some(Instant::now());
        let http2 = match self.listener.manager.codec {
            CodecType::Auto => agreed.alpn_protocol() == Some(b"h2"),
            CodecType::Http2 => true,
            CodecType::Http1 | CodecType::Http3 => false,
        };
        let facts = Arc::new(facts);
        self.speak(Counted::new(io, passed), http2, &facts, end).await;
        facts
    }

    /// Completes the TLS handshake; the error is what the log says of a client that failed it.
    async fn handshake(&self, io: TcpStream, tls: &ServerTls) -> Result<TlsStream<TcpStream>, Option<String>> {
        let stats = &self.listener.stats;
        let acceptor = TlsAcceptor::from(Arc::clone(&tls.now().config));
        match tokio::time::timeout(self.listener.handshake_timeout, acceptor.accept(io)).await {
            Ok(Ok(io)) => {
                stats.handshake.inc();
                if io.get_ref().1.handshake_kind() == Some(rustls::HandshakeKind::Resumed) {
                    stats.session_reused.inc();
                }
                Ok(io)
            }
            // Who only opened and closed a connection has not failed.
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Err(None),
            Ok(Err(error)) => {
                stats.connection_error.inc();
                Err(Some(format!("TLS_error:|{error}:TLS_error_end").replace(' ', "_")))
            }
            Err(_) => {
                stats.pre_cx_timeout.inc();
                Err(Some("transport_socket_timeout".to_owned()))
            }
        }
    }

    async fn serve_clear(&self, io: Counted<TcpStream>, facts: &Arc<Facts>, end: &mut ConnectionEnd) {
        let manager = &self.listener.manager;
        match manager.codec {
            CodecType::Http1 | CodecType::Http3 => self.speak(io, false, facts, end).await,
            CodecType::Http2 => self.speak(io, true, facts, end).await,
            CodecType::Auto => {
                let detected = tokio::time::timeout(manager.first_byte_timeout(), starts_http2(io)).await;
                // A connection that never said a word is nobody's failure.
                if let Ok(Ok((http2, io))) = detected {
                    self.speak(io, http2, facts, end).await;
                }
            }
        }
    }

    async fn speak<I>(&self, io: I, http2: bool, facts: &Arc<Facts>, end: &mut ConnectionEnd)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send,
    {
        end.protocol = Some(if http2 { http::Version::HTTP_2 } else { http::Version::HTTP_11 });
        let secure = facts.tls.is_some();
        let peer = Peer {
            remote: self.remote,
            secure,
            facts: Arc::clone(facts),
            alt_svc: self.listener.alt_svc.get().filter(|_| secure).cloned(),
            accepted: self.began,
            shown: self.listener.shown(facts),
        };
        hcm::serve(io, http2, &self.listener.manager, &self.worker, peer).await;
    }
}

fn is_exhausted(error: &io::Error) -> bool {
    let exhausted = [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE, rustix::io::Errno::NOBUFS];
    exhausted.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// How long accepting pauses when descriptors are used up.
const PAUSE: Duration = Duration::from_millis(50);
