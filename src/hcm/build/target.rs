//! What is done to the targets of requests, as written.

use http::HeaderValue;

use super::proto;
use crate::config::proto::envoy::config::core::v3::http_protocol_options::HeadersWithUnderscoresAction;
use crate::config::{At, Invalid};
use crate::hcm::target::{EscapedSlashes, Port, Targets, Underscores};

pub(super) fn targets(written: &proto::HttpConnectionManager, at: At<'_>) -> Result<Targets, Invalid> {
    use proto::http_connection_manager::PathWithEscapedSlashesAction as Written;
    let mut targets = Targets::default();
    targets.path.normalize = written.normalize_path.unwrap_or(false);
    targets.path.merge_slashes = written.merge_slashes;
    targets.path.escaped_slashes = match written.path_with_escaped_slashes_action() {
        // As Envoy, where no runtime says something else.
        Written::ImplementationSpecificDefault | Written::KeepUnchanged => EscapedSlashes::Keep,
        Written::RejectRequest => EscapedSlashes::Reject,
        Written::UnescapeAndRedirect => EscapedSlashes::Redirect,
        Written::UnescapeAndForward => EscapedSlashes::Forward,
    };
    let port = port(written, at);
    targets.host.trailing_dot = written.strip_trailing_host_dot;
    if let Some(common) = &written.common_http_protocol_options {
        targets.underscores = match common.headers_with_underscores_action() {
            HeadersWithUnderscoresAction::Allow => Underscores::Allow,
            HeadersWithUnderscoresAction::RejectRequest => Underscores::Reject,
            HeadersWithUnderscoresAction::DropHeader => Underscores::Drop,
        };
    }
    let http1 = written.http_protocol_options.as_ref();
    let survives = http1.and_then(|http1| http1.override_stream_error_on_invalid_http_message);
    targets.survives = survives.or(written.stream_error_on_invalid_http_message).unwrap_or(false);
    let http1 = http1.filter(|http1| !http1.default_host_for_http_10.is_empty());
    let default_host = http1.map(|http1| {
        let at = at.field("http_protocol_options");
        if !http1.accept_http_10 {
            at.field("default_host_for_http_10")
                .no_effect("`default_host_for_http_10` has no effect: `accept_http_10` is not set");
        }
        host(&http1.default_host_for_http_10, at.field("default_host_for_http_10"))
    });
    targets.host.port = port?;
    targets.default_host = default_host.transpose()?;
    Ok(targets)
}

fn port(written: &proto::HttpConnectionManager, at: At<'_>) -> Result<Port, Invalid> {
    use proto::http_connection_manager::StripPortMode;
    let any = matches!(written.strip_port_mode, Some(StripPortMode::StripAnyHostPort(true)));
    match (written.strip_matching_host_port, any) {
        (true, true) => {
            let message = "stands beside `strip_any_host_port`: set one of them";
            Err(at.field("strip_matching_host_port").error(message))
        }
        (true, false) => Ok(Port::Matching),
        (false, true) => Ok(Port::Any),
        (false, false) => Ok(Port::Keep),
    }
}

fn host(written: &str, at: At<'_>) -> Result<HeaderValue, Invalid> {
    let authority: Result<http::uri::Authority, _> = written.parse();
    let host = authority.ok().filter(|authority| !authority.as_str().contains('@'));
    let value = host.and_then(|host| HeaderValue::from_str(host.as_str()).ok());
    value.ok_or_else(|| {
        at.error_with_hint("is not a host", "write a name or an address, with a port if need be: `a.test`")
    })
}
