//! HTTP/2 by the h2 crate.

use std::{
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::Poll,
};

use bytes::Bytes;
use h2::{Reason, RecvStream, SendStream, client};
use rustls::ClientConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinSet,
};

use super::{
    super::{
        deadline::within,
        message::{End, Fields, Reply, Request},
        wire,
    },
    Exchange, Source, Stopped, fields_of, head_of, map_of,
};

/// One connection and the task that drives it.
#[derive(Clone)]
pub(crate) struct Http2 {
    requests: client::SendRequest<Bytes>,
    scheme: &'static str,
    driver: Arc<JoinSet<()>>,
    /// The code of the peer's GOAWAY, once that ended the connection.
    told: Arc<OnceLock<u64>>,
}

impl Http2 {
    pub(crate) async fn connect(address: SocketAddr, tls: Option<Arc<ClientConfig>>) -> io::Result<Self> {
        match tls {
            Some(tls) => Self::over(wire::tls(address, tls).await?, "https").await,
            None => Self::over(wire::tcp(address).await?, "http").await,
        }
    }

    async fn over<S>(stream: S, scheme: &'static str) -> io::Result<Self>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (requests, connection) = client::handshake(stream).await.map_err(io::Error::other)?;
        let mut driver = JoinSet::new();
        // Its end shows in every exchange of the connection.
        let told: Arc<OnceLock<u64>> = Arc::default();
        let tell = Arc::clone(&told);
        driver.spawn(async move {
            if let Err(error) = connection.await
                && let Some(reason) = error.reason().filter(|_| error.is_go_away())
            {
                let _ = tell.set(u32::from(reason).into());
            }
        });
        Ok(Self { requests, scheme, driver: Arc::new(driver), told })
    }

    pub(crate) fn told(&self) -> Option<u64> {
        self.told.get().copied()
    }

    /// Says GOAWAY and waits until all is written. Only the last of all clones and exchanges ends the connection.
    pub(crate) async fn close(self) {
        let Self { requests, driver, .. } = self;
        drop(requests);
        if let Some(mut driver) = Arc::into_inner(driver) {
            within("the end of an HTTP/2 connection", driver.join_next()).await;
        }
    }

    pub(crate) async fn open(&self, request: &Request, ends: bool) -> Exchange {
        let head = head_of(request, self.scheme);
        let opened = match self.requests.clone().ready().await {
            Ok(mut requests) => requests.send_request(head, ends),
            Err(error) => Err(error),
        };
        let (upload, from) = match opened {
            Ok((response, upload)) => (Some(upload), From::Awaited(response)),
            Err(error) => (None, From::Never(end_of(&error))),
        };
        Exchange {
            upload: super::Upload::Http2(Upload { stream: upload }),
            download: super::Download::new(Source::Http2(Download { from, _driver: Arc::clone(&self.driver) })),
        }
    }
}

pub(crate) struct Upload {
    /// `None` when the connection took no new stream.
    stream: Option<SendStream<Bytes>>,
}

impl Upload {
    pub(super) async fn data(&mut self, mut bytes: Bytes) -> Result<(), Stopped> {
        let stream = self.stream.as_mut().ok_or(Stopped)?;
        while !bytes.is_empty() {
            stream.reserve_capacity(bytes.len());
            let granted = poll_fn(|context| stream.poll_capacity(context)).await;
            let Some(Ok(granted)) = granted else { return Err(Stopped) };
            stream.send_data(bytes.split_to(granted.min(bytes.len())), false).map_err(|_| Stopped)?;
        }
        Ok(())
    }

    pub(super) fn finish(&mut self, trailers: &Fields) -> Result<(), Stopped> {
        let stream = self.stream.as_mut().ok_or(Stopped)?;
        let sent = if trailers.is_empty() {
            stream.send_data(Bytes::new(), true)
        } else {
            stream.send_trailers(map_of(trailers))
        };
        sent.map_err(|_| Stopped)
    }

    pub(super) fn reset(&mut self, code: u64) {
        if let Some(stream) = &mut self.stream {
            stream.send_reset(Reason::from(u32::try_from(code).expect("HTTP/2 codes have 32 bits")));
        }
    }
}

pub(crate) struct Download {
    from: From,
    _driver: Arc<JoinSet<()>>,
}

enum From {
    Never(End),
    Awaited(client::ResponseFuture),
    Body(RecvStream),
}

impl Download {
    /// The next head. Returns whether it was the final one.
    pub(super) async fn head(&mut self, reply: &mut Reply) -> Result<bool, End> {
        let response = match &mut self.from {
            From::Awaited(response) => response,
            From::Never(end) => return Err(*end),
            From::Body(_) => return Ok(true),
        };
        let head = poll_fn(|context| {
            if let Poll::Ready(Some(Ok(interim))) = response.poll_informational(context) {
                reply.informational.push((interim.status().as_u16(), fields_of(interim.headers())));
                return Poll::Ready(Ok(None));
            }
            Pin::new(&mut *response).poll(context).map_ok(Some)
        });
        let Some(head) = head.await.map_err(|error| end_of(&error))? else { return Ok(false) };
        reply.status = head.status().as_u16();
        reply.headers = fields_of(head.headers());
        self.from = From::Body(head.into_body());
        Ok(true)
    }

    pub(super) async fn advance(&mut self, reply: &mut Reply) -> Option<End> {
        let From::Body(body) = &mut self.from else { return Some(End::Broken) };
        match body.data().await {
            Some(Ok(bytes)) => {
                reply.body.extend_from_slice(&bytes);
                // A stream that is over needs no window.
                drop(body.flow_control().release_capacity(bytes.len()));
                None
            }
            Some(Err(error)) => Some(end_of(&error)),
            None => match body.trailers().await {
                Ok(trailers) => {
                    reply.trailers = trailers.as_ref().map(fields_of).unwrap_or_default();
                    Some(End::Complete)
                }
                Err(error) => Some(end_of(&error)),
            },
        }
    }
}

fn end_of(error: &h2::Error) -> End {
    match error.reason() {
        Some(reason) if error.is_reset() => End::Reset(u32::from(reason).into()),
        _ => End::Closed,
    }
}
