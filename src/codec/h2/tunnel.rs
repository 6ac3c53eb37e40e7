//! Tunnels through an upstream of HTTP/2: CONNECT (RFC 9113 §8.5) and the extended one (RFC 8441).

use bytes::Bytes;
use h2::SendStream;
use http::request::Parts;

use super::body::StreamBody;
use super::sink::StreamSink;
use super::stream::ClientExchange;
use crate::codec::extended_connect;
use crate::codec::message::check_response;
use crate::codec::pump::pump;
use crate::http::{AskedTunnel, Body, Failure, ResetReason, Response, Tunnel};

impl ClientExchange {
    /// The answer to a request for a tunnel, of which nothing but the head has gone out.
    pub(super) async fn tunnel(
        mut self,
        mut stream: SendStream<Bytes>,
        request: &Parts,
        asked: &AskedTunnel,
    ) -> Result<Response, Failure> {
        let head = self.answer().await?;
        if !head.status().is_success() {
            // RFC 9113 §8.1: an upstream that has answered need not hear the end.
            let _ = stream.send_data(Bytes::new(), true);
            self.asked.stream = Some(stream);
            return self.response(head, &request.method).await;
        }
        let (mut head, receiver) = head.into_parts();
        check_response(&head, self.limits).map_err(|refused| self.refuse(refused))?;
        head.version = http::Version::HTTP_2;
        if let AskedTunnel::Upgrade(protocol) = asked {
            extended_connect::granted(&mut head, &request.headers, protocol);
        }
        let mut sink = StreamSink::of_request(stream);
        let upload = |mut body: Body| async move {
            // Who takes no more has said so by the end of the other direction.
            let _ = pump(&mut body, &mut sink).await;
        };
        head.extensions.insert(Tunnel::new(upload));
        let body = StreamBody::of_tunnel(receiver, self.limits).answering(self.asked);
        Ok(Response::from_parts(head, Body::boxed(body)))
    }
}

/// RFC 8441 §3: an upstream that has not said so takes none.
pub(super) fn not_announced() -> Failure {
    Failure::UpstreamReset(ResetReason::ProtocolError("http2.extended_connect_not_announced".to_owned()))
}
