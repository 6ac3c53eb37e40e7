//! TCP: accept, choose a filter chain, serve.

mod half_open;
mod serve;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::Listener;
use super::chain::{Chain, Traits};
use super::first_words::{FirstWords, first_words};
use crate::hcm::{ConnectionEnd, Worker};
use crate::net::Passed;
use crate::observe::access_log::Connection as Facts;
use crate::observe::log::Limited;
use half_open::{HalfOpen, Place};
use serve::OnChain;

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
    let half_open = HalfOpen::new(listener.limits);
    loop {
        match socket.accept().await {
            Ok((io, remote)) => {
                let connection = Accepted {
                    listener: Arc::clone(listener),
                    worker: Arc::clone(worker),
                    half_open: Arc::clone(&half_open),
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
    half_open: Arc<HalfOpen>,
    remote: SocketAddr,
    began: Instant,
}

impl Accepted {
    async fn run(self, io: TcpStream) {
        self.listener.accepted(&self.worker);
        // Small responses must not wait for an acknowledgement.
        let _ = io.set_nodelay(true);
        let mut facts = self.listener.facts(&self.worker, self.remote, self.began);
        // A connection that the client has reset already has no address any more.
        facts.local = io.local_addr().ok();
        let passed = Arc::new(Passed::default());
        let mut end = ConnectionEnd::default();
        let facts = match self.listener.chains.only() {
            Some(chain) => {
                let place = chain.tls.is_some().then(|| self.begin());
                self.on(chain, &passed).serve(io, facts, place, &mut end).await
            }
            None => Box::pin(self.choose(io, facts, &passed, &mut end)).await,
        };
        self.listener.closed(&self.worker, u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX));
        end.bytes = (passed.received(), passed.sent());
        self.listener.log(&facts, self.began, end);
    }

    /// Serves by the chain for the connection, where there is one.
    async fn choose(&self, io: TcpStream, facts: Facts, passed: &Arc<Passed>, end: &mut ConnectionEnd) -> Arc<Facts> {
        let chains = &self.listener.chains;
        let destination = facts.local.unwrap_or(self.remote);
        if !chains.need_first_words() {
            let words = FirstWords::default();
            return match self.find(destination, &words) {
                Some(chain) => {
                    let place = chain.tls.is_some().then(|| self.begin());
                    self.on(chain, passed).serve(io, facts, place, end).await
                }
                None => self.no_chain(facts, end),
            };
        }
        let mut place = self.begin();
        let heard = tokio::select! {
            biased;
            heard = timeout(self.listener.handshake_timeout, first_words(io)) => heard,
            () = place.given_up() => {
                self.given_up(end);
                return Arc::new(facts);
            }
        };
        match heard {
            Ok(Ok((words, io))) => match self.find(destination, &words) {
                Some(chain) => self.on(chain, passed).serve(io, facts, Some(place), end).await,
                None => self.no_chain(facts, end),
            },
            // Who only opened and closed a connection has not failed.
            Ok(Err(_)) => Arc::new(facts),
            Err(_) => {
                self.listener.stats.pre_cx_timeout.inc();
                Arc::new(facts)
            }
        }
    }

    /// The chain for a client that comes to `destination` and says this first.
    fn find(&self, destination: SocketAddr, words: &FirstWords) -> Option<&Arc<Chain>> {
        let chains = &self.listener.chains;
        let place = chains.find(&Traits {
            destination,
            server_name: words.server_name.as_deref(),
            transport_protocol: if words.tls { "tls" } else { "raw_buffer" },
            application_protocols: &words.protocols,
            peer: self.remote,
            source: self.remote,
        });
        chains.get(place?)
    }

    /// A handshake begins.
    fn begin(&self) -> Place {
        self.half_open.begin(self.remote.ip())
    }

    /// A handshake had to end for another.
    fn given_up(&self, end: &mut ConnectionEnd) {
        self.listener.stats.pre_cx_overflow.inc();
        end.transport_failure = Some(GIVEN_UP.to_owned());
    }

    fn on<'a>(&'a self, chain: &'a Arc<Chain>, passed: &'a Arc<Passed>) -> OnChain<'a> {
        OnChain { accepted: self, chain, passed }
    }

    fn no_chain(&self, facts: Facts, end: &mut ConnectionEnd) -> Arc<Facts> {
        self.listener.stats.no_filter_chain_match.inc();
        end.no_filter_chain = true;
        Arc::new(facts)
    }
}

fn is_exhausted(error: &io::Error) -> bool {
    let exhausted = [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE, rustix::io::Errno::NOBUFS];
    exhausted.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// What the log says of a handshake that was given up for a newer one.
const GIVEN_UP: &str = "too_many_handshakes_under_way";

/// How long accepting pauses when descriptors are used up.
const PAUSE: Duration = Duration::from_millis(50);
