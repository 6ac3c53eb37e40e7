//! What is written about QUIC, and where: the options of a listener, of its connection manager, or of a cluster.

use crate::config::At;
use crate::config::proto::envoy::config::core::v3::QuicProtocolOptions;
use crate::config::proto::envoy::config::listener::v3::{QuicProtocolOptions as ListenerOptions, UdpListenerConfig};

/// The messages that say how QUIC is spoken, with their places.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// `udp_listener_config`; a cluster has none.
    pub udp: Option<&'a UdpListenerConfig>,
    /// Where that stands.
    pub udp_at: At<'a>,
    /// `http3_protocol_options.quic_protocol_options` of the connection manager or the cluster.
    pub http3: Option<&'a QuicProtocolOptions>,
    /// Where those stand.
    pub http3_at: At<'a>,
}

impl Written<'_> {
    /// The options of the listener.
    pub(super) fn listener(&self) -> Option<&ListenerOptions> {
        self.udp.and_then(|udp| udp.quic_options.as_ref())
    }

    /// The options of the protocol that hold: those of the listener stand before those of the connection manager.
    pub(super) fn options(&self) -> Option<&QuicProtocolOptions> {
        self.of_listener().or(self.http3)
    }

    /// Where those stand.
    pub(super) fn options_at(&self) -> At<'_> {
        match self.of_listener() {
            Some(_) => self.udp_at.field("quic_options.quic_protocol_options"),
            None => self.http3_at,
        }
    }

    /// Whether it is about a cluster: this side is the client.
    pub(super) fn is_of_cluster(&self) -> bool {
        self.udp.is_none()
    }

    fn of_listener(&self) -> Option<&QuicProtocolOptions> {
        self.listener().and_then(|options| options.quic_protocol_options.as_ref())
    }
}
