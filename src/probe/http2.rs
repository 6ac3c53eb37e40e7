//! One exchange over HTTP/2, by the h2 crate.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use h2::{
    Error, RecvStream, SendStream,
    client::{ResponseFuture, handshake},
};
use http::Response;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinSet,
};

use super::{
    answer::Answer,
    error::ProbeError,
    fault::ProtocolFault,
    open::{Open, alongside},
    request::Request,
};

/// Sends the request and fills `answer` as far as the response comes.
pub(super) async fn exchange<S>(stream: S, request: &Request, answer: &mut Answer) -> Result<Open, ProbeError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = handshake(stream).await.map_err(fault)?;
    let mut driver = JoinSet::new();
    driver.spawn(async {
        // Its error is told to the exchange as well.
        let _ = connection.await;
    });
    let mut sender = sender.ready().await.map_err(fault)?;
    answer.start();
    let (response, body) = sender.send_request(request.multiplexed(), request.body.is_empty()).map_err(fault)?;
    alongside(send(body, request.body.clone()), receive(response, answer)).await.map_err(fault)?;
    Ok(Open::new(driver, sender))
}

/// Sends the body as flow control allows. An error here ends the response as well, which tells it.
async fn send(mut stream: SendStream<Bytes>, mut body: Bytes) {
    while !body.is_empty() {
        stream.reserve_capacity(body.len());
        let Some(Ok(capacity)) = poll_fn(|cx| stream.poll_capacity(cx)).await else { return };
        let data = body.split_to(capacity.min(body.len()));
        if stream.send_data(data, body.is_empty()).is_err() {
            return;
        }
    }
}

async fn receive(mut response: ResponseFuture, answer: &mut Answer) -> Result<(), Error> {
    let response = poll_fn(|cx| poll_response(&mut response, answer, cx)).await?;
    let (head, mut body) = response.into_parts();
    answer.head(head.status, &head.headers);
    while let Some(data) = body.data().await.transpose()? {
        answer.data(&data);
        body.flow_control().release_capacity(data.len())?;
    }
    if let Some(trailers) = body.trailers().await? {
        answer.trailers(&trailers);
    }
    answer.finish();
    Ok(())
}

/// Interim responses first: they come before the final one.
fn poll_response(
    response: &mut ResponseFuture,
    answer: &mut Answer,
    cx: &mut Context<'_>,
) -> Poll<Result<Response<RecvStream>, Error>> {
    while let Poll::Ready(Some(Ok(interim))) = response.poll_informational(cx) {
        answer.interim.push(interim.status().as_u16());
    }
    Pin::new(response).poll(cx)
}

fn fault(error: Error) -> ProbeError {
    ProbeError::Protocol(ProtocolFault::Http2(error))
}
