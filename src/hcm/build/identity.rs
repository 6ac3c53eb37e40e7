//! Who the client is said to be and who this gateway says it is, as written.

use http::{HeaderName, HeaderValue, StatusCode};
use prost_types::Any;

use super::{Context, proto};
use crate::config::proto::envoy::config::core::v3::scheme_header_transformation::Transformation;
use crate::config::proto::envoy::config::core::v3::{CidrRange, TypedExtensionConfig};
use crate::config::proto::envoy::extensions::http::original_ip_detection::custom_header::v3::CustomHeaderConfig;
use crate::config::proto::envoy::extensions::http::original_ip_detection::xff::v3::XffConfig;
use crate::config::values::prefix;
use crate::config::{At, Invalid, type_name};
use crate::hcm::ServerHeader;
use crate::hcm::proxy_status::{Details, ProxyStatus, named};
use crate::hcm::sanitize::{Agent, Detection, Identity};
use crate::net::Prefix;

pub(super) fn identity(
    written: &proto::HttpConnectionManager,
    at: At<'_>,
    context: &Context<'_>,
) -> Result<Identity, Invalid> {
    let via = match written.via.as_str() {
        "" => Ok(None),
        via => header_value(via, at.field("via")).map(Some),
    };
    let internal = written.internal_address_config.as_ref();
    let internal = internal.map_or(&[][..], |internal| &internal.cidr_ranges);
    let internal = ranges(internal, at.field("internal_address_config"), "cidr_ranges");
    let extensions = &written.original_ip_detection_extensions;
    let detections = at.each("original_ip_detection_extensions", extensions, detection);
    let mixed = match (extensions.is_empty(), written.use_remote_address, written.xff_num_trusted_hops) {
        (false, Some(true), _) => Err(mixed(at, "use_remote_address")),
        (false, _, 1..) => Err(mixed(at, "xff_num_trusted_hops")),
        _ => Ok(()),
    };
    let agent = written.add_user_agent.unwrap_or(false).then(|| agent(at, context)).transpose();
    mixed?;
    Ok(Identity {
        use_remote_address: written.use_remote_address.unwrap_or(false),
        skip_xff_append: written.skip_xff_append,
        trusted_hops: usize::try_from(written.xff_num_trusted_hops).unwrap_or(usize::MAX),
        detections: detections?.into(),
        internal: internal?,
        generate_request_id: written.generate_request_id.unwrap_or(true),
        preserve_request_id: written.preserve_external_request_id,
        forwarded_port: written.append_x_forwarded_port,
        scheme: scheme(written),
        agent: agent?,
        via: via?,
    })
}

fn mixed(at: At<'_>, field: &str) -> Invalid {
    let message =
        format_args!("stands beside `original_ip_detection_extensions`, which decide who the client is: leave it out");
    at.field(field).error(message)
}

fn scheme(written: &proto::HttpConnectionManager) -> Option<&'static str> {
    let transformation = written.scheme_header_transformation.as_ref()?.transformation.as_ref()?;
    match transformation {
        Transformation::SchemeToOverwrite(scheme) if scheme == "https" => Some("https"),
        Transformation::SchemeToOverwrite(_) => Some("http"),
    }
}

fn agent(at: At<'_>, context: &Context<'_>) -> Result<Agent, Invalid> {
    let at = at.field("add_user_agent");
    if context.node.cluster.is_empty() {
        at.lint("says nothing: upstreams are told `node.cluster`, or `--service-cluster`, and there is none");
    }
    let value = |text: &str| match text {
        "" => Ok(None),
        text => header_value(text, at).map(Some),
    };
    Ok(Agent { cluster: value(&context.node.cluster)?, node: value(&context.node.id)? })
}

fn detection(at: At<'_>, written: &TypedExtensionConfig) -> Result<Detection, Invalid> {
    let any = at.required("typed_config", written.typed_config.as_ref())?;
    let at = at.field("typed_config");
    match type_name(&any.type_url) {
        XFF => forwarded_for(at, any),
        CUSTOM_HEADER => custom_header(at, any),
        other => Err(at.error(format_args!("holds `{other}`, which detects no address"))),
    }
}

fn forwarded_for(at: At<'_>, any: &Any) -> Result<Detection, Invalid> {
    let xff: XffConfig = at.unpack(any)?;
    // As Envoy: a list that this stands on is passed on as it is, unless told otherwise.
    let append = xff.skip_xff_append == Some(false);
    let Some(trusted) = &xff.xff_trusted_cidrs else {
        let hops = usize::try_from(xff.xff_num_trusted_hops).unwrap_or(usize::MAX);
        return Ok(Detection::Hops { hops, append });
    };
    if xff.xff_num_trusted_hops > 0 {
        let message = "stands beside `xff_trusted_cidrs`: set one of them";
        return Err(at.field("xff_num_trusted_hops").error(message));
    }
    let trusted = ranges(&trusted.cidrs, at.field("xff_trusted_cidrs"), "cidrs")?;
    Ok(Detection::Trusted { ranges: trusted, append })
}

fn custom_header(at: At<'_>, any: &Any) -> Result<Detection, Invalid> {
    let custom: CustomHeaderConfig = at.unpack(any)?;
    let name = HeaderName::from_bytes(custom.header_name.as_bytes())
        .map_err(|_| at.field("header_name").error("no header field can have this name"));
    let reject = custom.reject_with_status.as_ref().map(|status| {
        let status = u16::try_from(status.code).ok().and_then(|code| StatusCode::from_u16(code).ok());
        // As Envoy: what is no error is none.
        status.filter(|status| status.is_client_error() || status.is_server_error()).unwrap_or(StatusCode::FORBIDDEN)
    });
    Ok(Detection::Field { name: name?, trusted: custom.allow_extension_to_set_address_as_trusted, reject })
}

fn ranges(written: &[CidrRange], at: At<'_>, field: &str) -> Result<Box<[Prefix]>, Invalid> {
    at.each(field, written, |at, range| prefix(range, at)).map(Into::into)
}

/// What `proxy-status` says, where it is written.
pub(super) fn proxy_status(
    written: &proto::HttpConnectionManager,
    at: At<'_>,
    context: &Context<'_>,
) -> Result<Option<ProxyStatus>, Invalid> {
    use proto::http_connection_manager::proxy_status_config::ProxyName;
    let Some(config) = &written.proxy_status_config else { return Ok(None) };
    let at = at.field("proxy_status_config");
    let name = match &config.proxy_name {
        Some(ProxyName::LiteralProxyName(name)) if !name.is_empty() => name,
        Some(ProxyName::UseNodeId(true)) if !context.node.id.is_empty() => &context.node.id,
        Some(ProxyName::UseNodeId(true)) => {
            let message = "there is no `node.id` to be used, and no `--service-node`";
            return Err(at.field("use_node_id").error(message));
        }
        // As Envoy: else it is the one of `server`.
        _ if written.server_name.is_empty() => SERVER_NAME,
        _ => &written.server_name,
    };
    let name = header_value(&named(name), at.field("literal_proxy_name"))?;
    let details =
        Details { termination: !config.remove_connection_termination_details, flags: !config.remove_response_flags };
    let details = (!config.remove_details).then_some(details);
    if details.is_none() && (config.remove_connection_termination_details || config.remove_response_flags) {
        at.no_effect(
            "`remove_details` removes what `remove_response_flags` and `remove_connection_termination_details` would",
        );
    }
    Ok(Some(ProxyStatus { name, details, sets_status: config.set_recommended_response_code }))
}

pub(super) fn server_header(written: &proto::HttpConnectionManager, at: At<'_>) -> Result<ServerHeader, Invalid> {
    use proto::http_connection_manager::ServerHeaderTransformation as Written;
    let name = match written.server_name.as_str() {
        "" => HeaderValue::from_static(SERVER_NAME),
        name => header_value(name, at.field("server_name"))?,
    };
    Ok(match written.server_header_transformation() {
        Written::Overwrite => ServerHeader::Overwrite(name),
        Written::AppendIfAbsent => ServerHeader::AppendIfAbsent(name),
        Written::PassThrough => ServerHeader::PassThrough,
    })
}

fn header_value(text: &str, at: At<'_>) -> Result<HeaderValue, Invalid> {
    HeaderValue::from_str(text).map_err(|_| at.error("cannot stand in a header field: visible ASCII only"))
}

/// What `server` says unless `server_name` is set.
const SERVER_NAME: &str = "quicgate";

const XFF: &str = "envoy.extensions.http.original_ip_detection.xff.v3.XffConfig";
const CUSTOM_HEADER: &str = "envoy.extensions.http.original_ip_detection.custom_header.v3.CustomHeaderConfig";
