//! The demo backend: an HTTP/1.1 server that says what it was sent, on paths for size, delay, trailers, status and failure.
//!
//! It stands behind the gateway: in the embedded default, in the tests and in the comparison with Envoy. `quicgate demo` runs it alone.
//! `serve` accepts, `route` reads the path, `answer` makes the response, `body` streams it; hyper speaks HTTP/1.1 (RFC 9112).
//! It has no timeout of its own and trusts whoever can reach it: it is meant for loopback.

mod answer;
mod body;
mod io;
mod route;
mod seen;

use std::{future::Future, io::Write, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

use self::{
    answer::answer,
    io::{Flushes, WatchedStream},
};

pub use self::{
    body::pattern_byte,
    route::{MAX_BYTES, MAX_DELAY_MS, MAX_DRIPS},
};

/// Why `run` could not serve.
#[derive(Debug)]
pub enum DemoError {
    /// The address could not be bound.
    Bind {
        /// What was asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The line that says where it listens could not be written.
    Print(std::io::Error),
}

impl std::fmt::Display for DemoError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bind { address, source } => {
                write!(f, "the demo backend cannot listen on {address}: {source}; choose another with --address")
            }
            Self::Print(source) => write!(f, "the demo backend cannot print its address: {source}"),
        }
    }
}

impl std::error::Error for DemoError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Bind { source, .. } | Self::Print(source) => Some(source),
        }
    }
}

/// Binds `address`, writes to `out` where it listens and what to try, and serves until `stop` is ready.
///
/// # Errors
///
/// When the address is taken or not of this host, or `out` is closed.
pub async fn run(
    address: SocketAddr,
    out: &mut (dyn Write + Send),
    stop: impl Future<Output = ()>,
) -> Result<(), DemoError> {
    let bind_error = |source| DemoError::Bind { address, source };
    let listener = TcpListener::bind(address).await.map_err(bind_error)?;
    let bound = listener.local_addr().map_err(bind_error)?;
    writeln!(out, "Demo backend on http://{bound}   (curl http://{bound}/help)")
        .and_then(|()| out.flush())
        .map_err(DemoError::Print)?;
    serve(listener, stop).await;
    Ok(())
}

/// Serves HTTP/1.1 on `listener` until `stop` is ready, then lets exchanges in flight finish for up to ten seconds.
///
/// At most 4,096 connections are open at once; further ones wait in the listen queue.
pub async fn serve(listener: TcpListener, stop: impl Future<Output = ()>) {
    let mut stop = pin!(stop);
    let mut connections = JoinSet::new();
    let (closing, closing_seen) = watch::channel(false);
    loop {
        tokio::select! {
            () = &mut stop => break,
            Some(_ended) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((stream, _peer)) => {
                    connections.spawn(serve_connection(stream, closing_seen.clone()));
                }
                // Out of file descriptors, most often: accepting again at once would spin.
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
        }
    }
    drop(listener);
    // Without a receiver there is no connection left to tell.
    let _ = closing.send(true);
    let _ = timeout(DRAIN_TIME, async { while connections.join_next().await.is_some() {} }).await;
}

/// Serves one connection to its end; an error ends only this connection and concerns nobody else.
async fn serve_connection(stream: TcpStream, mut closing: watch::Receiver<bool>) {
    // Small chunks (`/drip`) must leave at once; where the option is refused they only leave later.
    let _ = stream.set_nodelay(true);
    let flushes = Arc::new(Flushes::default());
    let io = TokioIo::new(WatchedStream::new(stream, Arc::clone(&flushes)));
    let service = service_fn(move |request: Request<Incoming>| answer(request, Arc::clone(&flushes)));
    let mut connection = pin!(http1::Builder::new().max_headers(MAX_HEADERS).serve_connection(io, service));
    tokio::select! {
        _ended = connection.as_mut() => return,
        _told = closing.wait_for(|closing| *closing) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

/// Connections open at once.
const MAX_CONNECTIONS: usize = 4096;
/// Header fields of one request: more than any gateway in front lets through.
const MAX_HEADERS: usize = 1024;
/// How long accepting rests after it failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long exchanges in flight may go on after `stop`.
const DRAIN_TIME: Duration = Duration::from_secs(10);
