//! The way to a host: a connection that stands, with what keeps it going.

use std::io;

use quinn::ConnectionError;
use tokio::io::{AsyncRead, AsyncWrite};

use super::client::{Client, Work};
use crate::codec::h2::{self, Ended};
use crate::codec::h3;
use crate::http::Protocol;
use crate::upstream::pool::goal::Goal;
use crate::upstream::pool::place::Place;
use crate::upstream::pool::reach::{Reached, Unreached, reach};
use crate::upstream::pool::secured::TlsSide;
use crate::upstream::pool::{Known, Pool};
use crate::upstream::{Http2, Http3, Way};

/// A connection that stands.
pub(super) enum Standing {
    /// One of HTTP/2 or HTTP/3.
    Shared(Shared),
    /// One on which HTTP/1 was agreed.
    Own(Reached),
}

/// A shared connection, with what keeps it going.
pub(super) struct Shared {
    pub(super) client: Client,
    pub(super) work: Work,
    pub(super) known: Known,
}

/// Why there is none.
pub(super) enum Undialled {
    Unreached(Unreached),
    /// It stood, and ended before anything could be said on it.
    Broken(Ended),
}

impl Pool {
    /// Connects to the host.
    pub(super) async fn dial(&self, goal: Goal<'_>, place: &Place) -> Result<Standing, Undialled> {
        let reach = |tls| reach(goal.host, goal.version(), tls, goal.asked);
        match goal.way {
            Way::Http1(http1) => Ok(Standing::Own(reach(http1.tls.as_ref()).await?)),
            Way::Http2(http2) => {
                let reached = reach(http2.tls.as_ref()).await?.agreed_on_http2()?;
                place.connected();
                self.begin_http2(reached, http2).await
            }
            Way::Agreed(_, http2) => {
                let reached = reach(http2.tls.as_ref()).await?;
                place.connected();
                if reached.speaks_http2() {
                    place.speaks(Protocol::Http2);
                    return self.begin_http2(reached, http2).await;
                }
                place.speaks(Protocol::Http11);
                Ok(Standing::Own(reached))
            }
            Way::Http3(http3) => self.dial_http3(goal, http3, place).await,
        }
    }

    async fn begin_http2(&self, reached: Reached, http2: &Http2) -> Result<Standing, Undialled> {
        let (local, remote) = (reached.local_address(), reached.remote_address());
        let known = |tls| Known { version: Protocol::Http2, local, remote, tls };
        match reached {
            Reached::Clear(io) => self.begin_http2_on(io, known(None), http2).await,
            Reached::Secured(io, side) => self.begin_http2_on(io, known(Some(side)), http2).await,
        }
    }

    async fn begin_http2_on<I>(&self, io: I, known: Known, http2: &Http2) -> Result<Standing, Undialled>
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let limits = h2::ClientLimits {
            max_header_bytes: self.cluster.limits.max_header_bytes,
            max_header_count: self.cluster.limits.max_header_count,
            stream_window: http2.stream_window,
            connection_window: http2.connection_window,
            table_size: http2.table_size,
            keep_alive: http2.keep_alive,
            secured: known.tls.is_some(),
        };
        match h2::connect(io, limits, &self.drain).await {
            Ok((client, work)) => {
                Ok(Standing::Shared(Shared { client: Client::Http2(client), work: Box::pin(work), known }))
            }
            Err(_) => Err(Undialled::Broken(Ended::There)),
        }
    }

    async fn dial_http3(&self, goal: Goal<'_>, http3: &Http3, place: &Place) -> Result<Standing, Undialled> {
        let Http3 { upstream, qpack } = http3;
        let handshake = goal.host.handshake(Protocol::Http3, &upstream.tls, goal.asked);
        let dialling = self.quic.connect(goal.address, upstream, handshake)?;
        let (quic, agreed) = dialling.complete().await?;
        place.connected();
        let limits = h3::ClientLimits {
            max_header_bytes: self.cluster.limits.max_header_bytes,
            max_header_count: self.cluster.limits.max_header_count,
            qpack: *qpack,
            keep_alive: upstream.keep_alive,
        };
        let ended = |quic: &quinn::Connection| match quic.close_reason() {
            Some(ConnectionError::LocallyClosed) => Ended::Here,
            _ => Ended::There,
        };
        let Ok((client, work)) = h3::connect(quic.clone(), limits, &self.drain).await else {
            return Err(Undialled::Broken(ended(&quic)));
        };
        let known = Known {
            version: Protocol::Http3,
            local: self.quic.local_address(&quic, goal.address),
            remote: Some(goal.address),
            tls: Some(TlsSide::new(agreed, goal.asked)),
        };
        let work: Work = Box::pin(async move {
            work.await;
            ended(&quic)
        });
        Ok(Standing::Shared(Shared { client: Client::Http3(client), work, known }))
    }
}

impl From<Unreached> for Undialled {
    fn from(unreached: Unreached) -> Self {
        Self::Unreached(unreached)
    }
}

/// What QUIC says of a connection that it cannot make.
impl From<io::Error> for Undialled {
    fn from(error: io::Error) -> Self {
        Self::Unreached(Unreached { words: Some(error.to_string().replace(' ', "_")), error })
    }
}
