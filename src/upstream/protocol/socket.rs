//! The transport socket of a cluster.

use crate::config::proto::envoy::config::core::v3::{TransportSocket, transport_socket};
use crate::config::proto::envoy::extensions::transport_sockets::quic::v3::QuicUpstreamTransport;
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::UpstreamTlsContext;
use crate::config::{At, Invalid, type_name};
use crate::observe::stats::Scope;
use crate::tls::{self, ClientTls, Secrets, SslStats, Transport};

/// What connections go through.
pub(super) enum Socket {
    Clear,
    Tls(ClientTls),
    /// QUIC; `tcp` is the same context for versions that are not spoken over it, where there may be any.
    Quic {
        tls: ClientTls,
        tcp: Option<ClientTls>,
    },
}

/// Builds it; `offered` are the protocols that are spoken to the cluster.
pub(super) fn socket(
    socket: Option<&TransportSocket>,
    offered: &'static [&'static str],
    secrets: &Secrets,
    stats: &Scope,
    at: At<'_>,
) -> Result<Socket, Invalid> {
    let Some(socket) = socket else { return Ok(Socket::Clear) };
    let at = at.field("transport_socket");
    let Some(transport_socket::ConfigType::TypedConfig(any)) = &socket.config_type else {
        return Err(at.error("needs a `typed_config`"));
    };
    let at = at.field("typed_config");
    match type_name(&any.type_url) {
        RAW_BUFFER => Ok(Socket::Clear),
        QUIC => {
            let transport: QuicUpstreamTransport = at.unpack(any)?;
            let written = at.required("upstream_tls_context", transport.upstream_tls_context.as_ref())?;
            let at = at.field("upstream_tls_context");
            let stats = SslStats::new(stats);
            let over = Transport::Quic { resumption: false, early_data: false };
            let tls = tls::client(written, over, secrets, &stats, at)?;
            let tcp = offered.contains(&"http/1.1").then(|| over_tcp(written, offered, secrets, &stats, at));
            let tcp = tcp.transpose()?;
            Ok(Socket::Quic { tls, tcp })
        }
        TLS => {
            let written: UpstreamTlsContext = at.unpack(any)?;
            over_tcp(&written, offered, secrets, &SslStats::new(stats), at).map(Socket::Tls)
        }
        other => Err(at.error(format_args!("holds `{other}`, which no cluster can connect with"))),
    }
}

fn over_tcp(
    written: &UpstreamTlsContext,
    offered: &[&str],
    secrets: &Secrets,
    stats: &SslStats,
    at: At<'_>,
) -> Result<ClientTls, Invalid> {
    let protocols = tls::protocols(written, offered, at);
    Ok(tls::client(written, Transport::Tcp, secrets, stats, at)?.offering(protocols?))
}

/// The transport socket that does nothing.
const RAW_BUFFER: &str = "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer";

/// The transport socket of TLS over TCP.
pub(super) const TLS: &str = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";

/// The transport socket of QUIC.
pub(super) const QUIC: &str = "envoy.extensions.transport_sockets.quic.v3.QuicUpstreamTransport";
