//! TCP: accept, TLS where it is configured, HTTP/1 or HTTP/2 as agreed or detected.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::{Kind, Listener};
use crate::codec::{Ended, starts_http2};
use crate::hcm::{self, CodecType, Peer, Worker};
use crate::observe::access_log::Connection as Facts;
use crate::observe::log::Limited;
use crate::tls;

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
        let ended = match io.local_addr() {
            Ok(local) => self.serve(io, local).await,
            // The client has reset the connection already.
            Err(error) => Err(error.to_string()),
        };
        self.listener.closed(&self.worker, u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX));
        if let Err(reason) = ended {
            self.listener.log_refused(self.facts(None), self.began, reason);
        }
    }

    async fn serve(&self, io: TcpStream, local: SocketAddr) -> Result<Ended, String> {
        // Small responses must not wait for an acknowledgement.
        let _ = io.set_nodelay(true);
        let facts = self.facts(Some(local));
        let Kind::Tcp(Some(tls)) = &self.listener.kind else {
            return Ok(self.serve_clear(io, self.peer(local, facts, false)).await);
        };
        let acceptor = TlsAcceptor::from(Arc::clone(&tls.config));
        let io = match tokio::time::timeout(self.listener.handshake_timeout, acceptor.accept(io)).await {
            Ok(Ok(io)) => io,
            Ok(Err(error)) => {
                self.listener.stats.connection_error.inc();
                return Err(format!("TLS_error:|{error}:TLS_error_end").replace(' ', "_"));
            }
            Err(_) => {
                self.listener.stats.pre_cx_timeout.inc();
                return Err("transport_socket_timeout".to_owned());
            }
        };
        self.listener.stats.handshake.inc();
        let (_, agreed) = io.get_ref();
        if agreed.handshake_kind() == Some(rustls::HandshakeKind::Resumed) {
            self.listener.stats.session_reused.inc();
        }
        let facts = Facts {
            tls: Some(tls::facts(agreed)),
            server_name: agreed.server_name().map(Arc::from),
            handshake_began: Some(self.began),
            handshake_ended: Some(Instant::now()),
            ..facts
        };
        let http2 = match self.listener.manager.codec {
            CodecType::Auto => agreed.alpn_protocol() == Some(b"h2"),
            CodecType::Http2 => true,
            CodecType::Http1 | CodecType::Http3 => false,
        };
        let peer = self.peer(local, facts, true);
        Ok(hcm::serve(io, http2, &self.listener.manager, &self.worker, peer).await)
    }

    async fn serve_clear(&self, io: TcpStream, peer: Peer) -> Ended {
        let manager = &self.listener.manager;
        match manager.codec {
            CodecType::Http1 | CodecType::Http3 => hcm::serve(io, false, manager, &self.worker, peer).await,
            CodecType::Http2 => hcm::serve(io, true, manager, &self.worker, peer).await,
            CodecType::Auto => match tokio::time::timeout(manager.first_byte_timeout(), starts_http2(io)).await {
                Ok(Ok((http2, io))) => hcm::serve(io, http2, manager, &self.worker, peer).await,
                // A connection that never said a word is nobody's failure.
                Ok(Err(_)) | Err(_) => Ended::Idle,
            },
        }
    }

    fn peer(&self, local: SocketAddr, facts: Facts, secure: bool) -> Peer {
        Peer {
            remote: self.remote,
            local,
            secure,
            facts: Arc::new(facts),
            alt_svc: self.listener.alt_svc.get().filter(|_| secure).cloned(),
            accepted: self.began,
        }
    }

    fn facts(&self, local: Option<SocketAddr>) -> Facts {
        Facts { local, ..self.listener.facts(&self.worker, self.remote, self.began) }
    }
}

fn is_exhausted(error: &io::Error) -> bool {
    let exhausted = [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE, rustix::io::Errno::NOBUFS];
    exhausted.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// How long accepting pauses when descriptors are used up.
const PAUSE: Duration = Duration::from_millis(50);
