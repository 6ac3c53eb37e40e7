//! What a route changes of a request's target before it goes upstream.

use http::header::{HOST, HeaderName};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderValue, Uri};

use super::forward::Forward;
use super::sanitize;
use crate::http::Failure;
use crate::router::{self, Authority, Target};

/// Changes path and authority as the route says; the path that was asked for stays in `x-envoy-original-path`.
pub(super) fn request(action: &router::Forward<Forward>, head: &mut Parts) -> Result<(), Failure> {
    let rewrite = &action.rewrite;
    let asked = head.uri.path_and_query().cloned();
    let target = Target::new(asked.as_ref().map_or("", PathAndQuery::as_str));
    if let Authority::Set(host) = rewrite.authority(target, &head.headers)
        && let Some(asked) = head.headers.insert(HOST, host)
    {
        if action.append_x_forwarded_host {
            sanitize::append(&mut head.headers, FORWARDED_HOST, &asked, b",");
        }
        head.headers.insert(ORIGINAL_HOST, asked);
    }
    if let Some(path) = rewrite.target(target) {
        let malformed = |_| Failure::DownstreamProtocol("path_rewrite_failed".into());
        head.uri = Uri::try_from(path).map_err(malformed)?;
        if let Ok(asked) = HeaderValue::from_str(target.as_str()) {
            head.headers.insert(ORIGINAL_PATH, asked);
        }
    }
    Ok(())
}

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const ORIGINAL_HOST: HeaderName = HeaderName::from_static("x-envoy-original-host");
const ORIGINAL_PATH: HeaderName = HeaderName::from_static("x-envoy-original-path");
