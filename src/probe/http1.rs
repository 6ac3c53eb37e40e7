//! One exchange over HTTP/1.1, by hyper.

use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::{BodyExt, Full};
use hyper::{client::conn::http1, ext::on_informational};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinSet,
};

use super::{answer::Answer, error::ProbeError, fault::ProtocolFault, open::Open, request::Request};

/// Sends the request and fills `answer` as far as the response comes.
pub(super) async fn exchange<S>(stream: S, request: &Request, answer: &mut Answer) -> Result<Open, ProbeError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(fault)?;
    let mut driver = JoinSet::new();
    driver.spawn(async {
        // Its error is told to the exchange as well.
        let _ = connection.await;
    });
    let mut message = request.http1().map(|()| Full::new(request.body.clone()));
    let interim = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&interim);
    on_informational(&mut message, move |response| {
        noted.lock().unwrap_or_else(PoisonError::into_inner).push(response.status().as_u16());
    });
    answer.start();
    let response = sender.send_request(message).await.map_err(fault)?;
    answer.interim.clone_from(&interim.lock().unwrap_or_else(PoisonError::into_inner));
    let (head, mut body) = response.into_parts();
    answer.head(head.status, &head.headers);
    while let Some(frame) = body.frame().await {
        match frame.map_err(fault)?.into_data() {
            Ok(data) => answer.data(&data),
            Err(frame) => answer.trailers(&frame.into_trailers().unwrap_or_default()),
        }
    }
    answer.finish();
    Ok(Open::new(driver, sender))
}

fn fault(error: hyper::Error) -> ProbeError {
    ProbeError::Protocol(ProtocolFault::Http1(error))
}
