//! What a cluster is spoken to in: its HTTP options and its transport socket, which have to agree.

mod options;
mod socket;

use self::options::{HTTP_OPTIONS, Options, Written, options};
use self::socket::{QUIC, Socket, TLS, socket};
use super::alternatives::Caches;
use super::versions::{Codec, Http1, Http2, Http3, Versions};
use super::{Limits, Naming};
use crate::config::proto::envoy::config::cluster::v3 as proto;
use crate::config::proto::envoy::config::core::v3::Http3ProtocolOptions;
use crate::config::{At, Invalid};
use crate::observe::stats::Scope;
use crate::quic;
use crate::tls::{ClientTls, NEEDS_AUTHORITY, Secrets};

/// What a cluster is spoken to in.
pub(super) struct Spoken {
    pub(super) versions: Versions,
    pub(super) naming: Naming,
    pub(super) limits: Limits,
}

/// What the hosts are spoken to in; `stats` is the cluster's.
pub(super) fn spoken(
    written: &proto::Cluster,
    secrets: &Secrets,
    caches: &Caches,
    stats: &Scope,
    at: At<'_>,
) -> Result<Spoken, Invalid> {
    let options_at = at.entry("typed_extension_protocol_options", HTTP_OPTIONS);
    let options = options(written, caches, at);
    let offered = options.as_ref().map_or(ALL, |written| written.options.offered());
    let socket = socket(written.transport_socket.as_ref(), offered, secrets, stats, at);
    let (Written { options, naming, limits }, socket) = (options?, socket?);
    let (naming, limits) = (naming?, limits?);
    agree(&naming, &socket, options_at.field("upstream_http_protocol_options"))?;
    let versions = versions(options, socket, options_at, at)?;
    Ok(Spoken { versions, naming, limits })
}

/// Whether there is a handshake that asks for names, and something that verifies them.
fn agree(naming: &Naming, socket: &Socket, at: At<'_>) -> Result<(), Invalid> {
    match socket {
        Socket::Clear if naming.is_by_request() => {
            at.no_effect("`upstream_http_protocol_options` has no effect without TLS: set `transport_socket`");
            Ok(())
        }
        Socket::Tls(tls) | Socket::Quic { tls, .. } if naming.verifies() && !tls.verifies() => {
            Err(at.field("auto_san_validation").error(NEEDS_AUTHORITY))
        }
        _ => Ok(()),
    }
}

fn versions(options: Options, socket: Socket, options_at: At<'_>, at: At<'_>) -> Result<Versions, Invalid> {
    match (options, socket) {
        (Options::Http1(http1), Socket::Clear) => Ok(Versions::One(Codec::Http1(http1))),
        (Options::Http1(http1), Socket::Tls(tls)) => Ok(Versions::One(Codec::Http1(Http1 { tls: Some(tls), ..http1 }))),
        (Options::Http2(http2), Socket::Clear) => Ok(Versions::One(Codec::Http2(http2))),
        (Options::Http2(http2), Socket::Tls(tls)) => Ok(Versions::One(Codec::Http2(Http2 { tls: Some(tls), ..http2 }))),
        (Options::Http3(http3), Socket::Quic { tls, .. }) => {
            let at = options_at.field("explicit_http_config.http3_protocol_options");
            Ok(Versions::One(Codec::Http3(quic(&http3, &tls, at)?)))
        }
        (Options::OfRequest { http1, http2, http3 }, socket) => {
            let (tls, http3) = of_request(http3.as_deref(), socket, options_at, at)?;
            let only = |protocol| tls.as_ref().map(|tls| tls.only(protocol));
            let http1 = Http1 { tls: only("http/1.1"), ..http1 };
            Ok(Versions::OfRequest { http1, http2: Http2 { tls: only("h2"), ..http2 }, http3 })
        }
        (Options::Agreed(http1, http2), Socket::Tls(tls)) => {
            let http1 = Http1 { tls: Some(tls.clone()), ..http1 };
            Ok(Versions::Agreed(http1, Http2 { tls: Some(tls), ..http2 }))
        }
        (Options::Announced { http1, http2, http3, alternatives }, Socket::Quic { tls, tcp: Some(tcp) }) => {
            let http3 = quic(&http3, &tls, options_at.field("auto_config.http3_protocol_options"))?;
            let (http1, http2) = (Http1 { tls: Some(tcp.clone()), ..http1 }, Http2 { tls: Some(tcp), ..http2 });
            Ok(Versions::Announced { http1, http2, http3, alternatives })
        }
        (Options::Announced { .. }, _) => Err(needs_quic(options_at.field("auto_config.http3_protocol_options"))),
        (Options::Agreed(..), Socket::Clear) => {
            let hint = format!(
                "set `transport_socket` with a `typed_config` of `{TLS}`, or say the version by `explicit_http_config`"
            );
            Err(options_at
                .field("auto_config")
                .error_with_hint("needs TLS, whose handshake agrees on the version", hint))
        }
        (Options::Http3(_), Socket::Clear | Socket::Tls(_)) => {
            Err(needs_quic(options_at.field("explicit_http_config.http3_protocol_options")))
        }
        (options @ (Options::Http1(_) | Options::Http2(_) | Options::Agreed(..)), Socket::Quic { .. }) => {
            let config = if matches!(options, Options::Agreed(..)) { "auto_config" } else { "explicit_http_config" };
            let hint = format!("set `{config}.http3_protocol_options` in `{HTTP_OPTIONS}`");
            Err(at.field("transport_socket").error_with_hint("only HTTP/3 is spoken over QUIC", hint))
        }
    }
}

/// What the versions over TCP need for their handshakes, and HTTP/3, where the version is that of the request.
fn of_request(
    http3: Option<&Http3ProtocolOptions>,
    socket: Socket,
    options_at: At<'_>,
    at: At<'_>,
) -> Result<(Option<ClientTls>, Option<Box<Http3>>), Invalid> {
    let options_at = options_at.field("use_downstream_protocol_config.http3_protocol_options");
    match (socket, http3) {
        (Socket::Clear, None) => Ok((None, None)),
        (Socket::Tls(tls), None) => Ok((Some(tls), None)),
        (Socket::Quic { tls, tcp: Some(tcp) }, Some(http3)) => Ok((Some(tcp), Some(quic(http3, &tls, options_at)?))),
        (Socket::Clear | Socket::Tls(_), Some(_)) => Err(needs_quic(options_at)),
        (Socket::Quic { .. }, _) => {
            let hint = format!("set `use_downstream_protocol_config.http3_protocol_options` in `{HTTP_OPTIONS}`");
            Err(at.field("transport_socket").error_with_hint("only HTTP/3 is spoken over QUIC", hint))
        }
    }
}

fn quic(options: &Http3ProtocolOptions, tls: &ClientTls, at: At<'_>) -> Result<Box<Http3>, Invalid> {
    let upstream = quic::upstream(tls, options.quic_protocol_options.as_ref(), at.field("quic_protocol_options"))?;
    Ok(Box::new(Http3 { upstream, qpack: !options.disable_qpack }))
}

fn needs_quic(at: At<'_>) -> Invalid {
    let hint = format!("set `transport_socket` with a `typed_config` of `{QUIC}`");
    at.error_with_hint("HTTP/3 needs a QUIC transport socket", hint)
}

/// All versions, by their names in ALPN.
const ALL: &[&str] = &["h3", "h2", "http/1.1"];
