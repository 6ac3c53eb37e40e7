//! Keeps a connection to an upstream alive while responses are awaited, and finds one that has fallen silent.
//!
//! A task of the connection (`client`) that has our control stream. RFC 9114 §5.1: QUIC's idle timeout must not end what
//! somebody waits for. quinn could only send a PING whether or not anybody waits, so that no connection would ever be idle; a
//! frame of a reserved type, which says nothing (RFC 9114 §7.2.8), has to be acknowledged as well.

use std::sync::Arc;
use std::time::Duration;

use super::shared::Shared;

/// Runs as long as the connection.
pub(super) async fn keep_alive(mut control: quinn::SendStream, shared: Arc<Shared>) {
    // What had come when there was something to acknowledge.
    let mut asked = None;
    loop {
        tokio::time::sleep(INTERVAL).await;
        let heard = shared.quic.stats().udp_rx.datagrams;
        if asked == Some(heard) {
            shared.fell_silent();
        }
        asked = shared.is_awaiting().then_some(heard);
        if asked.is_some() && control.write_all(&RESERVED).await.is_err() {
            return;
        }
    }
}

/// From one look to the next. Servers close what is idle for 10 s and more.
const INTERVAL: Duration = Duration::from_secs(5);

/// RFC 9114 §7.2.8: a frame of the first reserved type, without payload.
const RESERVED: [u8; 2] = [0x21, 0];
