//! One exchange over HTTP/3, by the h3 crate.

use std::future::poll_fn;

use bytes::{Buf, Bytes};
use h3::{
    client::{RequestStream, builder},
    error::StreamError,
    quic::{RecvStream, SendStream},
};
use http::{HeaderMap, Method, StatusCode, header::CONTENT_LENGTH};
use tokio::task::JoinSet;

use super::{
    answer::Answer,
    error::ProbeError,
    fault::ProtocolFault,
    open::{Open, alongside},
    request::Request,
};

/// Sends the request and fills `answer` as far as the response comes.
pub(super) async fn exchange(
    connection: quinn::Connection,
    request: &Request,
    answer: &mut Answer,
) -> Result<Open, ProbeError> {
    let connection = h3_quinn::Connection::new(connection);
    let (mut connection, mut sender) = builder()
        .build::<_, _, Bytes>(connection)
        .await
        .map_err(|error| ProbeError::Protocol(ProtocolFault::Http3Connection(error)))?;
    let mut driver = JoinSet::new();
    driver.spawn(async move {
        // Its error is told to the exchange as well.
        poll_fn(|cx| connection.poll_close(cx)).await;
    });
    answer.start();
    let stream = sender.send_request(request.multiplexed()).await.map_err(fault)?;
    let (sending, receiving) = stream.split();
    alongside(send(sending, request.body.clone()), receive(receiving, &request.method, answer)).await?;
    Ok(Open::new(driver, sender))
}

/// Sends the body as flow control allows. An error here ends the response as well, which tells it.
async fn send<S: SendStream<Bytes>>(mut stream: RequestStream<S, Bytes>, mut body: Bytes) {
    while !body.is_empty() {
        let data = body.split_to(body.len().min(FRAME));
        if stream.send_data(data).await.is_err() {
            return;
        }
    }
    let _ = stream.finish().await;
}

async fn receive<S>(mut stream: RequestStream<S, Bytes>, method: &Method, answer: &mut Answer) -> Result<(), ProbeError>
where
    S: RecvStream + Send + 'static,
{
    let response = loop {
        let response = stream.recv_response().await.map_err(fault)?;
        if !response.status().is_informational() {
            break response;
        }
        answer.interim.push(response.status().as_u16());
    };
    answer.head(response.status(), response.headers());
    while let Some(mut data) = stream.recv_data().await.map_err(fault)? {
        while data.has_remaining() {
            let length = data.chunk().len();
            answer.data(data.chunk());
            data.advance(length);
        }
    }
    check_length(method, &response, answer.body_bytes)?;
    if let Some(trailers) = trailers(stream).await? {
        answer.trailers(&trailers);
    }
    answer.finish();
    Ok(())
}

/// RFC 9114 §4.1.2: a body of another length than `content-length` makes the message malformed; the h3 crate does not look.
fn check_length(method: &Method, response: &http::Response<()>, received: u64) -> Result<(), ProbeError> {
    let without_content = matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if method == Method::HEAD || without_content {
        return Ok(());
    }
    let declared = response.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    match declared {
        Some(declared) if declared != received => {
            Err(ProbeError::Protocol(ProtocolFault::Length { declared, received }))
        }
        _ => Ok(()),
    }
}

/// In a task of its own: the h3 crate panics here when the stream ended inside a DATA frame.
async fn trailers<S>(mut stream: RequestStream<S, Bytes>) -> Result<Option<HeaderMap>, ProbeError>
where
    S: RecvStream + Send + 'static,
{
    let mut task = JoinSet::new();
    task.spawn(async move { stream.recv_trailers().await });
    match task.join_next().await {
        Some(Ok(trailers)) => trailers.map_err(fault),
        Some(Err(_)) | None => Err(ProbeError::Protocol(ProtocolFault::FrameCut)),
    }
}

fn fault(error: StreamError) -> ProbeError {
    ProbeError::Protocol(ProtocolFault::Http3(error))
}

/// The longest DATA frame sent, in bytes.
const FRAME: usize = 64 << 10;
