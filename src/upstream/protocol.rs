//! What a cluster is spoken to in: its HTTP options and its transport socket, which have to agree.

use super::{Codec, Naming};
use crate::config::proto::envoy::config::cluster::v3 as proto;
use crate::config::proto::envoy::config::core::v3::{
    Http1ProtocolOptions, Http3ProtocolOptions, TransportSocket, transport_socket,
};
use crate::config::proto::envoy::extensions::transport_sockets::quic::v3::QuicUpstreamTransport;
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::UpstreamTlsContext;
use crate::config::proto::envoy::extensions::upstreams::http::v3::HttpProtocolOptions;
use crate::config::proto::envoy::extensions::upstreams::http::v3::http_protocol_options::{
    ExplicitHttpConfig, UpstreamProtocolOptions, explicit_http_config::ProtocolConfig,
};
use crate::config::{At, Invalid, type_name};
use crate::observe::stats::Scope;
use crate::quic;
use crate::tls::{self, ClientTls, NEEDS_AUTHORITY, Secrets, SslStats};

/// What a cluster is spoken to in.
pub(super) struct Spoken {
    pub(super) codec: Codec,
    /// Whether trailers pass.
    pub(super) trailers: bool,
    pub(super) naming: Naming,
}

/// What the hosts are spoken to in; `stats` is the cluster's.
pub(super) fn spoken(
    written: &proto::Cluster,
    secrets: &Secrets,
    stats: &Scope,
    at: At<'_>,
) -> Result<Spoken, Invalid> {
    let socket = socket(written.transport_socket.as_ref(), secrets, stats, at);
    let options_at = at.entry("typed_extension_protocol_options", HTTP_OPTIONS);
    let (options, naming) = options(written, at)?;
    let socket = socket?;
    agree(&naming, &socket, options_at.field("upstream_http_protocol_options"))?;
    let (codec, trailers) = codec(options, socket, options_at, at)?;
    Ok(Spoken { codec, trailers, naming })
}

/// Whether there is a handshake that asks for names, and something that verifies them.
fn agree(naming: &Naming, socket: &Socket, at: At<'_>) -> Result<(), Invalid> {
    match socket {
        Socket::Clear if naming.is_by_request() => {
            at.no_effect("`upstream_http_protocol_options` has no effect without TLS: set `transport_socket`");
            Ok(())
        }
        Socket::Tls(tls) | Socket::Quic(tls) if naming.verifies() && !tls.verifies() => {
            Err(at.field("auto_san_validation").error(NEEDS_AUTHORITY))
        }
        _ => Ok(()),
    }
}

fn codec(options: Options, socket: Socket, options_at: At<'_>, at: At<'_>) -> Result<(Codec, bool), Invalid> {
    match (options, socket) {
        (Options::Http1 { trailers }, Socket::Clear) => Ok((Codec::Http1 { tls: None }, trailers)),
        (Options::Http1 { trailers }, Socket::Tls(tls)) => Ok((Codec::Http1 { tls: Some(tls) }, trailers)),
        (Options::Http3(options), Socket::Quic(tls)) => {
            let at = options_at.field("explicit_http_config.http3_protocol_options.quic_protocol_options");
            let upstream = quic::upstream(&tls, options.quic_protocol_options.as_ref(), at)?;
            // HTTP/3 has no option against trailers.
            Ok((Codec::Http3 { upstream, qpack: !options.disable_qpack }, true))
        }
        (Options::Http3(_), Socket::Clear | Socket::Tls(_)) => {
            let at = options_at.field("explicit_http_config.http3_protocol_options");
            let hint = format!("set `transport_socket` with a `typed_config` of `{QUIC}`");
            Err(at.error_with_hint("HTTP/3 needs a QUIC transport socket", hint))
        }
        (Options::Http1 { .. }, Socket::Quic(_)) => {
            let at = at.field("transport_socket");
            let hint = format!("set `explicit_http_config.http3_protocol_options` in `{HTTP_OPTIONS}`");
            Err(at.error_with_hint("only HTTP/3 is spoken over QUIC", hint))
        }
    }
}

enum Socket {
    Clear,
    Tls(ClientTls),
    Quic(ClientTls),
}

fn socket(socket: Option<&TransportSocket>, secrets: &Secrets, stats: &Scope, at: At<'_>) -> Result<Socket, Invalid> {
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
            let over = tls::Transport::Quic { resumption: false, early_data: false };
            tls::client(written, over, secrets, &SslStats::new(stats), at.field("upstream_tls_context"))
                .map(Socket::Quic)
        }
        TLS => {
            let written: UpstreamTlsContext = at.unpack(any)?;
            tls::client(&written, tls::Transport::Tcp, secrets, &SslStats::new(stats), at).map(Socket::Tls)
        }
        other => Err(at.error(format_args!("holds `{other}`, which no cluster can connect with"))),
    }
}

enum Options {
    /// Whether trailers pass: Envoy's `enable_trailers`, off where unset.
    Http1 {
        trailers: bool,
    },
    Http3(Box<Http3ProtocolOptions>),
}

fn options(written: &proto::Cluster, at: At<'_>) -> Result<(Options, Naming), Invalid> {
    let others = written.typed_extension_protocol_options.keys().filter(|name| *name != HTTP_OPTIONS);
    let misnamed: Vec<Invalid> = others
        .map(|name| {
            let at = at.entry("typed_extension_protocol_options", name);
            at.error_with_hint("no protocol options have this name", format_args!("did you mean `{HTTP_OPTIONS}`?"))
        })
        .collect();
    if let Some(invalid) = misnamed.first() {
        return Err(*invalid);
    }
    let default = Options::Http1 { trailers: false };
    let Some(any) = written.typed_extension_protocol_options.get(HTTP_OPTIONS) else {
        return Ok((default, Naming::default()));
    };
    let at = at.entry("typed_extension_protocol_options", HTTP_OPTIONS);
    let options: HttpProtocolOptions = at.unpack(any)?;
    let naming = options.upstream_http_protocol_options.as_ref();
    let naming = naming.map(|written| Naming::build(written, at.field("upstream_http_protocol_options"))).transpose();
    let options = match options.upstream_protocol_options {
        Some(UpstreamProtocolOptions::ExplicitHttpConfig(explicit)) => protocol(explicit, default, at),
        Some(_) => Err(at.not_implemented()),
        None => Ok(default),
    };
    Ok((options?, naming?.unwrap_or_default()))
}

fn protocol(explicit: ExplicitHttpConfig, default: Options, at: At<'_>) -> Result<Options, Invalid> {
    match explicit.protocol_config {
        Some(ProtocolConfig::HttpProtocolOptions(http1)) => Ok(http1_options(&http1, at)),
        Some(ProtocolConfig::Http3ProtocolOptions(http3)) => {
            if http3.allow_extended_connect {
                at.field("explicit_http_config.http3_protocol_options.allow_extended_connect").no_effect(
                    "`allow_extended_connect` has no effect on a cluster: what an upstream takes, its own SETTINGS say",
                );
            }
            Ok(Options::Http3(Box::new(http3)))
        }
        None => Ok(default),
        Some(_) => Err(at.field("explicit_http_config").not_implemented()),
    }
}

fn http1_options(written: &Http1ProtocolOptions, at: At<'_>) -> Options {
    if written.accept_http_10 {
        at.field("explicit_http_config.http_protocol_options.accept_http_10")
            .no_effect("`accept_http_10` has no effect on a cluster: it is about requests of clients");
    }
    Options::Http1 { trailers: written.enable_trailers }
}

/// The key under which a cluster holds its HTTP options.
const HTTP_OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/// The transport socket that does nothing.
const RAW_BUFFER: &str = "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer";

/// The transport socket of TLS over TCP.
const TLS: &str = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";

/// The transport socket of QUIC.
const QUIC: &str = "envoy.extensions.transport_sockets.quic.v3.QuicUpstreamTransport";
