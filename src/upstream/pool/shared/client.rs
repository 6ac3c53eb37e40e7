//! The two versions whose connections are shared, as the pool sees them.

use std::pin::Pin;

use crate::codec::{SendError, h2, h3};
use crate::http::{Request, Response};

/// A connection.
#[derive(Debug)]
pub(super) enum Client {
    Http2(h2::Client),
    Http3(h3::Client),
}

/// A stream for one exchange.
pub(super) enum ClientStream {
    Http2(h2::ClientStream),
    Http3(Box<h3::ClientStream>),
}

/// What keeps a connection going, and how it ended.
pub(super) type Work = Pin<Box<dyn Future<Output = h2::Ended> + Send>>;

impl Client {
    /// Whether the connection takes no more requests.
    pub(super) fn is_over(&self) -> bool {
        match self {
            Self::Http2(client) => client.is_over(),
            Self::Http3(client) => client.is_over(),
        }
    }

    /// Streams that the upstream lets be open at once, where it has said how many.
    pub(super) fn max_streams(&self) -> Option<usize> {
        match self {
            Self::Http2(client) => client.told_max_streams(),
            // QUIC gives out streams as others end.
            Self::Http3(_) => None,
        }
    }

    /// Resolves when the connection takes no more requests: RFC 9113 §6.8, RFC 9114 §5.2.
    pub(super) fn told_to_go(&self) -> impl Future<Output = ()> + Send + use<> {
        let (http2, http3) = match self {
            Self::Http2(client) => (Some(client.told_to_go()), None),
            Self::Http3(client) => (None, Some(client.told_to_go())),
        };
        async move {
            if let Some(told) = http2 {
                told.await;
            }
            if let Some(told) = http3 {
                told.await;
            }
        }
    }
}

impl ClientStream {
    /// Sends a request and waits for the final head of the response.
    pub(super) async fn send(self, request: Request) -> Result<Response, SendError> {
        match self {
            Self::Http2(stream) => stream.send(request).await,
            Self::Http3(stream) => stream.send(request).await,
        }
    }
}
