//! What keeps a connection to an upstream going: one task, which reads and writes for all exchanges.

use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Weak};
use std::task::Poll;

use bytes::Bytes;
use h2::client::Connection;
use tokio::io::{AsyncRead, AsyncWrite};

use super::client::Shared;
use super::keep_alive::{KeepAlive, keep_alive};

/// How a connection to an upstream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// This side needed it no more.
    Here,
    /// The upstream had said that it takes no more requests.
    Told,
    /// The upstream, or the transport, ended it.
    There,
    /// The upstream gave no sign of life.
    Silent,
}

/// Drives a connection to its end.
pub(super) async fn drive<I>(mut connection: Connection<I, Bytes>, shared: Weak<Shared>, pings: Pings) -> Ended
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    let signs = match (pings, connection.ping_pong()) {
        (Some((settings, now)), Some(pings)) => Some(keep_alive(pings, settings, now)),
        _ => None,
    };
    let signs = async {
        match signs {
            Some(signs) => signs.await,
            None => pending().await,
        }
    };
    let driven = poll_fn(|cx| {
        let result = Pin::new(&mut connection).poll(cx);
        let shared = shared.upgrade();
        match (&result, shared) {
            (Poll::Ready(_), Some(shared)) => Poll::Ready(if shared.was_told() { Ended::Told } else { Ended::There }),
            // Whoever asked for the connection has let it go: h2 ends it, with GOAWAY, after the last stream.
            (Poll::Ready(Ok(())), None) => Poll::Ready(Ended::Here),
            (Poll::Ready(Err(_)), None) => Poll::Ready(Ended::There),
            (Poll::Pending, shared) => {
                if let Some(shared) = shared {
                    shared.look();
                }
                Poll::Pending
            }
        }
    });
    let signs = pin!(signs);
    let ended = tokio::select! {
        biased;
        ended = driven => ended,
        () = signs => Ended::Silent,
    };
    if let Some(shared) = shared.upgrade() {
        shared.over();
    }
    ended
}

/// How signs of life are asked for, and the word that asks for one at once.
pub(super) type Pings = Option<(KeepAlive, Arc<tokio::sync::Notify>)>;
