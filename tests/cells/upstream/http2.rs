//! HTTP/2 in clear text with prior knowledge, by the h2 crate.

use std::future::poll_fn;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::{Answer, Receiving, Stage, fields_of, map_of, play, received, response};
use crate::support::message::{End, Fields};

pub(super) async fn start(stage: Arc<Stage>, accepting: &mut JoinSet<()>) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a TCP port on loopback");
    let address = listener.local_addr().expect("the address of a bound socket");
    accepting.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((io, _)) = listener.accept().await {
            connections.spawn(serve(io, Arc::clone(&stage)));
        }
    });
    address
}

async fn serve(io: TcpStream, stage: Arc<Stage>) {
    drop(io.set_nodelay(true));
    let mut builder = h2::server::Builder::new();
    builder.enable_connect_protocol();
    let Ok(mut connection) = builder.handshake::<_, Bytes>(io).await else { return };
    let mut streams = JoinSet::new();
    while let Some(Ok((request, respond))) = connection.accept().await {
        streams.spawn(exchange(request, respond, Arc::clone(&stage)));
    }
}

async fn exchange(request: http::Request<RecvStream>, respond: SendResponse<Bytes>, stage: Arc<Stage>) {
    let (head, stream) = request.into_parts();
    let protocol = head.extensions.get::<h2::ext::Protocol>().map(|protocol| protocol.as_str().to_owned());
    let (receiving, script) = stage.begin(received(&head, protocol));
    let mut answer = Writing { respond, stream: None };
    tokio::join!(play(&stage, &script, &receiving, &mut answer), read(stream, &receiving));
    // It may be reset as long as it is open.
    if let Some(stream) = &mut answer.stream {
        drop(poll_fn(|cx| stream.poll_reset(cx)).await);
    }
}

async fn read(mut stream: RecvStream, receiving: &Receiving) {
    while let Some(data) = stream.data().await {
        let Ok(data) = data else {
            return receiving.end(Fields::new(), End::Broken);
        };
        drop(stream.flow_control().release_capacity(data.len()));
        receiving.content(&data);
    }
    match stream.trailers().await {
        Ok(trailers) => receiving.end(trailers.as_ref().map(fields_of).unwrap_or_default(), End::Complete),
        Err(_) => receiving.end(Fields::new(), End::Broken),
    }
}

struct Writing {
    respond: SendResponse<Bytes>,
    stream: Option<SendStream<Bytes>>,
}

impl Answer for Writing {
    async fn interim(&mut self, status: u16, fields: &Fields) {
        drop(self.respond.send_informational(response(status, fields)));
    }

    async fn head(&mut self, status: u16, fields: &Fields, ends: bool) {
        self.stream = self.respond.send_response(response(status, fields), ends).ok().filter(|_| !ends);
    }

    async fn data(&mut self, mut data: Bytes) {
        let Some(stream) = &mut self.stream else { return };
        while !data.is_empty() {
            stream.reserve_capacity(data.len());
            let Some(Ok(granted)) = poll_fn(|cx| stream.poll_capacity(cx)).await else { return };
            drop(stream.send_data(data.split_to(granted.min(data.len())), false));
        }
    }

    async fn trailers(&mut self, fields: &Fields) {
        if let Some(mut stream) = self.stream.take() {
            drop(stream.send_trailers(map_of(fields)));
        }
    }

    async fn end(&mut self) {
        if let Some(mut stream) = self.stream.take() {
            drop(stream.send_data(Bytes::new(), true));
        }
    }

    async fn reset(&mut self) {
        // A reset throws away what was not sent: the task of the connection, which was woken, goes first.
        tokio::task::yield_now().await;
        match self.stream.take() {
            Some(mut stream) => stream.send_reset(Reason::CANCEL),
            None => self.respond.send_reset(Reason::CANCEL),
        }
    }

    async fn gone(&mut self) {
        let Self { respond, stream } = self;
        let reset = poll_fn(|cx| match stream {
            Some(stream) => stream.poll_reset(cx),
            None => respond.poll_reset(cx),
        });
        drop(reset.await);
    }
}
