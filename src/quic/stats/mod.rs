//! What is counted of the connections of a QUIC listener.
//!
//! quinn counts for each connection. An [`Account`] adds that up when the connection ends, and every now and then before.
//! `quic_stats.*` has the names that Envoy has where its visitor of that name is configured; what Envoy does not count stands
//! under `quic.*`. A connection whose handshake does not come to a request is counted by its code alone.

mod codes;

use std::time::Duration;

use quinn::{Connection, ConnectionError, ConnectionStats};

pub use self::codes::CloseCode;
use self::codes::Codes;
use crate::observe::stats::{Counter, Histogram, Scope};

/// `listener.<address>.quic_stats.*`, `listener.<address>.quic.*` and `listener.<address>.http3.downstream.*`
#[derive(Clone, Debug)]
pub struct QuicStats {
    /// In the order of [`COUNTED`].
    counters: [Counter; COUNTED.len()],
    rtt_us: Histogram,
    sent_mtu: Histogram,
    codes: Codes,
}

/// What was counted of one connection so far.
#[derive(Debug)]
pub struct Account<'a> {
    stats: &'a QuicStats,
    /// In the order of [`COUNTED`].
    counted: [u64; COUNTED.len()],
}

impl QuicStats {
    /// Registers them; `listener` is the listener's scope.
    pub(super) fn new(listener: &Scope) -> Self {
        let envoys = listener.scope("quic_stats");
        Self {
            counters: COUNTED.map(|(name, _)| listener.counter(name)),
            rtt_us: envoys.histogram("cx_rtt_us"),
            sent_mtu: envoys.histogram("cx_tx_mtu"),
            codes: Codes::new(listener),
        }
    }

    /// Counts the end of a connection of which there is no more than the reason.
    pub fn never_stood(&self, reason: &ConnectionError) {
        self.codes.count(reason, None);
    }

    /// Counts a handshake that took too long.
    pub fn handshake_timed_out(&self) {
        self.codes.count(&ConnectionError::LocallyClosed, Some(CloseCode::HandshakeTimeout));
    }

    /// The account of a connection that begins.
    #[must_use]
    pub fn open(&self) -> Account<'_> {
        Account { stats: self, counted: [0; COUNTED.len()] }
    }
}

impl Account<'_> {
    /// Keeps the account of a connection while `serving` goes on, up to date every so often.
    pub async fn keep<F: Future + Unpin>(
        &mut self,
        connection: &Connection,
        every: Duration,
        mut serving: F,
    ) -> F::Output {
        loop {
            match tokio::time::timeout(every, &mut serving).await {
                Ok(output) => return output,
                Err(_) => self.bring_up_to_date(connection),
            }
        }
    }

    /// The connection has ended. `closed_with` is the code with which this side closed it, where it did.
    pub fn close(mut self, connection: &Connection, closed_with: Option<CloseCode>) {
        self.bring_up_to_date(connection);
        if let Some(reason) = connection.close_reason() {
            self.stats.codes.count(&reason, closed_with);
        }
    }

    fn bring_up_to_date(&mut self, connection: &Connection) {
        let now = connection.stats();
        for ((counter, counted), (_, value)) in self.stats.counters.iter().zip(&mut self.counted).zip(COUNTED) {
            let value = value(&now);
            counter.add(value.saturating_sub(*counted));
            *counted = value;
        }
        self.stats.rtt_us.record(u64::try_from(now.path.rtt.as_micros()).unwrap_or(u64::MAX));
        self.stats.sent_mtu.record(now.path.current_mtu.into());
    }
}

/// What is read of a connection.
type Value = fn(&ConnectionStats) -> u64;

/// The counters, and what quinn has for them.
const COUNTED: [(&str, Value); 16] = [
    ("quic_stats.cx_tx_packets_total", |stats| stats.path.sent_packets),
    // Packets whose content was sent again because they were taken for lost.
    ("quic_stats.cx_tx_packets_retransmitted_total", |stats| stats.path.lost_packets),
    // Several packets of a handshake in one datagram are one here.
    ("quic_stats.cx_rx_packets_total", |stats| stats.udp_rx.datagrams),
    ("quic.tx_datagrams", |stats| stats.udp_tx.datagrams),
    ("quic.tx_bytes", |stats| stats.udp_tx.bytes),
    // Times that the kernel was given datagrams: several at once where it cuts them up itself.
    ("quic.tx_writes", |stats| stats.udp_tx.ios),
    ("quic.tx_bytes_lost", |stats| stats.path.lost_bytes),
    ("quic.rx_datagrams", |stats| stats.udp_rx.datagrams),
    ("quic.rx_bytes", |stats| stats.udp_rx.bytes),
    ("quic.congestion_events", |stats| stats.path.congestion_events),
    ("quic.mtu_probes_sent", |stats| stats.path.sent_plpmtud_probes),
    ("quic.mtu_probes_lost", |stats| stats.path.lost_plpmtud_probes),
    // Times that a path stopped carrying what it had carried.
    ("quic.black_holes_detected", |stats| stats.path.black_holes_detected),
    ("quic.tx_reset_stream", |stats| stats.frame_tx.reset_stream),
    ("quic.rx_reset_stream", |stats| stats.frame_rx.reset_stream),
    ("quic.rx_stop_sending", |stats| stats.frame_rx.stop_sending),
];
