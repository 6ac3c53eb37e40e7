//! Remarks on what of a connection manager is set and has no effect where it stands.

use super::identity::server_header;
use super::proto;
use crate::config::At;
use crate::hcm::{CodecType, ServerHeader};

/// Remarks on what is set and has no effect where it stands.
pub(super) fn tell(written: &proto::HttpConnectionManager, at: At<'_>) {
    use CodecType::{Auto, Http1, Http2, Http3};
    let codec = CodecType::of(written);
    let not_for = |field: &str, set: bool, codecs: &[CodecType]| {
        if set && codecs.contains(&codec) && !at.field("codec_type").is_tainted() {
            let version = match codec {
                Auto => "AUTO, which never is HTTP/3",
                Http1 => "HTTP1",
                Http2 => "HTTP2",
                Http3 => "HTTP3",
            };
            at.field(field).no_effect(format_args!("`{field}` has no effect: `codec_type` is {version}"));
        }
    };
    not_for("http_protocol_options", written.http_protocol_options.is_some(), &[Http2, Http3]);
    not_for("http2_protocol_options", written.http2_protocol_options.is_some(), &[Http1, Http3]);
    not_for("http3_protocol_options", written.http3_protocol_options.is_some(), &[Auto, Http1, Http2]);
    let keep_alive = written.http2_protocol_options.as_ref().and_then(|http2| http2.connection_keepalive.as_ref());
    if keep_alive.is_some_and(|settings| settings.interval.is_none()) {
        at.field("http2_protocol_options.connection_keepalive").no_effect(
            "`connection_keepalive` has no effect: clients are asked for signs of life only where `interval` is set",
        );
    }
    if keep_alive.is_some_and(|settings| settings.connection_idle_interval.is_some()) {
        at.field("http2_protocol_options.connection_keepalive.connection_idle_interval").no_effect(
            "`connection_idle_interval` has no effect here: a PING goes ahead of a new stream where streams are opened, which clients do",
        );
    }
    if written.common_http_protocol_options.as_ref().is_some_and(|common| common.max_response_headers_kb.is_some()) {
        at.field("common_http_protocol_options.max_response_headers_kb")
            .no_effect("`max_response_headers_kb` has no effect here: it is about the upstreams of a cluster");
    }
    if !written.use_remote_address.unwrap_or(false) && written.skip_xff_append {
        at.field("skip_xff_append").no_effect("`skip_xff_append` has no effect: `use_remote_address` is not set");
    }
    let preserves = written.use_remote_address.unwrap_or(false) && written.generate_request_id.unwrap_or(true);
    if written.preserve_external_request_id && !preserves {
        at.field("preserve_external_request_id").no_effect(
            "`preserve_external_request_id` has no effect: a request id is replaced only with `use_remote_address` and `generate_request_id`",
        );
    }
    let pass_through = matches!(server_header(written, at), Ok(ServerHeader::PassThrough));
    if pass_through && !written.server_name.is_empty() {
        at.field("server_name")
            .no_effect("`server_name` has no effect: `server_header_transformation` is PASS_THROUGH");
    }
}
