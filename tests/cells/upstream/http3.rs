//! HTTP/3 by quinn and the h3 crate.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::{Buf as _, Bytes};
use h3::error::Code;
use h3::server::{RequestResolver, RequestStream};
use quinn::Endpoint;
use quinn::crypto::rustls::QuicServerConfig;
use tokio::task::JoinSet;

use super::{Answer, Receiving, Stage, fields_of, map_of, play, received, response};
use crate::support::certificates::Certificates;
use crate::support::message::{End, Fields};
use crate::support::tls_server::Setup;

pub(super) fn start(stage: Arc<Stage>, accepting: &mut JoinSet<()>) -> SocketAddr {
    let setup = Setup { versions: TLS13_ONLY, ..Setup::default() };
    let mut tls = setup.proving(Certificates::of_this_run());
    tls.alpn_protocols = vec![b"h3".to_vec()];
    let mut configuration =
        quinn::ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls).expect("TLS 1.3")));
    let mut transport = quinn::TransportConfig::default();
    // Envoy loses datagrams that were sent in one batch over loopback, and every loss costs a timeout.
    transport.enable_segmentation_offload(false);
    configuration.transport_config(Arc::new(transport));
    let endpoint = Endpoint::server(configuration, (Ipv4Addr::LOCALHOST, 0).into()).expect("a UDP port on loopback");
    let address = endpoint.local_addr().expect("the address of a bound socket");
    accepting.spawn(async move {
        let mut connections = JoinSet::new();
        while let Some(incoming) = endpoint.accept().await {
            connections.spawn(serve(incoming, Arc::clone(&stage)));
        }
    });
    address
}

async fn serve(incoming: quinn::Incoming, stage: Arc<Stage>) {
    let Ok(connection) = incoming.await else { return };
    let mut builder = h3::server::builder();
    builder.enable_extended_connect(true).send_grease(false);
    let Ok(mut connection) = builder.build(h3_quinn::Connection::new(connection)).await else { return };
    let mut streams = JoinSet::new();
    while let Ok(Some(resolver)) = connection.accept().await {
        streams.spawn(exchange(resolver, Arc::clone(&stage)));
    }
}

async fn exchange(resolver: RequestResolver<h3_quinn::Connection, Bytes>, stage: Arc<Stage>) {
    let Ok((request, stream)) = resolver.resolve_request().await else { return };
    let (head, ()) = request.into_parts();
    let protocol = head.extensions.get::<h3::ext::Protocol>().map(|protocol| protocol.as_str().to_owned());
    let (receiving, script) = stage.begin(received(&head, protocol));
    let (sender, receiver) = stream.split();
    let mut answer = Writing { stream: sender };
    tokio::join!(play(&stage, &script, &receiving, &mut answer), read(receiver, &receiving));
}

async fn read(mut stream: RequestStream<h3_quinn::RecvStream, Bytes>, receiving: &Receiving) {
    loop {
        match stream.recv_data().await {
            Ok(Some(mut data)) => receiving.content(&data.copy_to_bytes(data.remaining())),
            Ok(None) => break,
            Err(_) => return receiving.end(Fields::new(), End::Broken),
        }
    }
    match stream.recv_trailers().await {
        Ok(trailers) => receiving.end(trailers.as_ref().map(fields_of).unwrap_or_default(), End::Complete),
        Err(_) => receiving.end(Fields::new(), End::Broken),
    }
}

struct Writing {
    stream: RequestStream<h3_quinn::SendStream<Bytes>, Bytes>,
}

impl Answer for Writing {
    async fn interim(&mut self, status: u16, fields: &Fields) {
        drop(self.stream.send_response(response(status, fields)).await);
    }

    async fn head(&mut self, status: u16, fields: &Fields, ends: bool) {
        drop(self.stream.send_response(response(status, fields)).await);
        if ends {
            drop(self.stream.finish().await);
        }
    }

    async fn data(&mut self, data: Bytes) {
        drop(self.stream.send_data(data).await);
    }

    async fn trailers(&mut self, fields: &Fields) {
        drop(self.stream.send_trailers(map_of(fields)).await);
        drop(self.stream.finish().await);
    }

    async fn end(&mut self) {
        drop(self.stream.finish().await);
    }

    async fn reset(&mut self) {
        self.stream.stop_stream(Code::H3_REQUEST_CANCELLED);
    }

    /// The h3 crate does not tell; whoever waits does so to the end of the test.
    async fn gone(&mut self) {
        std::future::pending::<()>().await;
    }
}

/// RFC 9001 §4.2.
const TLS13_ONLY: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS13];
