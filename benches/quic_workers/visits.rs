//! Connections of one request each.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{Endpoint, TransportConfig};
use rustls::client::Resumption;
use tokio::task::JoinSet;

use crate::rig::message;
use crate::support::certificates::Certificates;

/// Whether the client has been there before.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// The whole handshake, with certificate and signature.
    Fresh,
    /// With a session of the visit before.
    Resumed,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Resumed => "resumed",
        }
    }

    fn configuration(self) -> quinn::ClientConfig {
        let mut tls = rustls::ClientConfig::clone(&Certificates::of_this_run().client(&["h3"]));
        if matches!(self, Self::Fresh) {
            tls.resumption = Resumption::disabled();
        }
        let mut config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).expect("TLS 1.3")));
        let mut transport = TransportConfig::default();
        // Envoy loses datagrams that come in one batch over loopback.
        transport.enable_segmentation_offload(false);
        config.transport_config(Arc::new(transport));
        config
    }
}

/// Makes so many, a few at once, and returns how many failed.
pub(crate) async fn make(server: SocketAddr, kind: Kind, count: u32) -> u32 {
    let mut clients = JoinSet::new();
    for _ in 0..AT_ONCE {
        clients.spawn(async move {
            let configuration = kind.configuration();
            let mut failed = 0;
            for _ in 0..count / AT_ONCE {
                failed += u32::from(visit(server, &configuration).await.is_none());
            }
            failed
        });
    }
    clients.join_all().await.into_iter().sum()
}

async fn visit(server: SocketAddr, configuration: &quinn::ClientConfig) -> Option<()> {
    let endpoint = Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).ok()?;
    let connection = endpoint.connect_with(configuration.clone(), server, "localhost").ok()?.await.ok()?;
    let mut control = connection.open_uni().await.ok()?;
    control.write_all(&message::CONTROL).await.ok()?;
    let (mut sender, mut receiver) = connection.open_bi().await.ok()?;
    sender.write_chunk(message::request("/bytes/1024")).await.ok()?;
    sender.finish().ok()?;
    let answer = receiver.read_to_end(4096).await.ok()?;
    connection.close(H3_NO_ERROR.into(), b"");
    endpoint.wait_idle().await;
    message::is_ok(&answer).then_some(())
}

const AT_ONCE: u32 = 8;

const H3_NO_ERROR: u32 = 0x100;
