//! Keeps a connection to an upstream alive while responses are awaited, and finds one that has fallen silent.
//!
//! A task of the connection (`client`) that has our control stream; `server` sends the same frame from its loop. RFC 9114 §5.1: QUIC's idle timeout must not end what
//! somebody waits for. quinn could only send a PING whether or not anybody waits, so that no connection would ever be idle; a
//! frame of a reserved type, which says nothing (RFC 9114 §7.2.8), has to be acknowledged as well.

use std::sync::Arc;

use super::shared::Shared;
use crate::quic::KeepAlive;

/// Runs as long as the connection.
pub(super) async fn keep_alive(mut control: quinn::SendStream, shared: Arc<Shared>, settings: Option<KeepAlive>) {
    let Some(settings) = settings else {
        // The stream lasts as long as the connection.
        return std::future::pending().await;
    };
    // What had come when there was something to acknowledge.
    let mut asked = None;
    let mut interval = settings.first;
    loop {
        tokio::time::sleep(interval).await;
        let heard = shared.quic.stats().udp_rx.datagrams;
        if asked == Some(heard) {
            shared.fell_silent();
        }
        asked = shared.is_awaiting().then_some(heard);
        interval = if asked.is_some() { settings.after(interval) } else { settings.first };
        if asked.is_some() && control.write_all(&RESERVED).await.is_err() {
            return;
        }
    }
}

/// RFC 9114 §7.2.8: a frame of the first reserved type, without payload.
pub(super) const RESERVED: [u8; 2] = [0x21, 0];
