//! The moments of an exchange, in Envoy's words for `%COMMON_DURATION%`.

use std::time::Instant;

/// When each thing happened. Sixteen bytes a point, nothing allocated.
#[derive(Clone, Debug, Default)]
pub struct Times([Option<Instant>; POINTS]);

macro_rules! points {
    ($($(#[$doc:meta])* $name:ident $(= $word:literal)?;)*) => {
        /// A moment in the life of an exchange or its connection.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Point { $($(#[$doc])* $name,)* }

        /// Envoy's name of each point that has one.
        const NAMES: &[(&str, Point)] = &[$($(($word, Point::$name),)?)*];

        const POINTS: usize = [$(Point::$name,)*].len();
    };
}

points! {
    /// The connection was accepted.
    ConnectionBegin = "DS_CX_BEG";
    /// The connection ended.
    ConnectionEnd = "DS_CX_END";
    /// Its TLS or QUIC handshake began.
    HandshakeBegin = "DS_HS_BEG";
    /// Its TLS or QUIC handshake was done.
    HandshakeEnd = "DS_HS_END";
    /// The first byte of the request: the start of the exchange.
    RequestBegin = "DS_RX_BEG";
    /// The request's header section was complete.
    RequestHeadersEnd = "DS_RX_HDR_END";
    /// The last byte of the request.
    RequestEnd = "DS_RX_END";
    /// A connection was asked of the upstream pool for the first time.
    PoolWaitBegin;
    /// The pool gave one.
    PoolReady;
    /// The upstream connection was begun.
    UpstreamConnectBegin = "US_CX_BEG";
    /// It was connected.
    UpstreamConnectEnd = "US_CX_END";
    /// Its TLS handshake was done.
    UpstreamHandshakeEnd = "US_HS_END";
    /// The first byte was sent upstream.
    UpstreamRequestBegin = "US_TX_BEG";
    /// The last byte was sent upstream.
    UpstreamRequestEnd = "US_TX_END";
    /// The first byte came from the upstream.
    UpstreamResponseBegin = "US_RX_BEG";
    /// The first byte of the response's body came.
    UpstreamBodyBegin = "US_RX_BODY_BEG";
    /// The last byte came from the upstream.
    UpstreamResponseEnd = "US_RX_END";
    /// The first byte of the response was sent.
    ResponseBegin = "DS_TX_BEG";
    /// The last byte of the response was sent.
    ResponseEnd = "DS_TX_END";
    /// The client has acknowledged the last byte (HTTP/3).
    FinalAck;
    /// The exchange is over.
    Complete;
}

// === impl Times ===

impl Times {
    /// Notes when `point` was; a second time replaces the first.
    pub fn mark(&mut self, point: Point, at: Instant) {
        if let Some(slot) = self.0.get_mut(point as usize) {
            *slot = Some(at);
        }
    }

    /// When `point` was, if it was.
    #[must_use]
    pub fn at(&self, point: Point) -> Option<Instant> {
        self.0.get(point as usize).copied().flatten()
    }
}

// === impl Point ===

impl Point {
    /// The point Envoy calls `name`.
    pub(super) fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(word, _)| *word == name).map(|(_, point)| *point)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_found_by_envoys_name_and_kept_in_its_place() {
        let now = Instant::now();
        let mut times = Times::default();
        times.mark(Point::Complete, now);
        assert_eq!(times.at(Point::Complete), Some(now));
        assert_eq!(times.at(Point::ConnectionBegin), None);
        assert_eq!(Point::named("US_RX_BODY_BEG"), Some(Point::UpstreamBodyBegin));
        assert_eq!(Point::named("us_rx_beg"), None);
        assert_eq!(NAMES.len(), 17);
    }
}
