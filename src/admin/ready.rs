//! `/ready`: whether this instance should get traffic.

use http::StatusCode;

use super::call::Call;
use super::response::text;
use crate::config::proto::envoy::admin::v3::server_info::State;
use crate::http::Response;

/// 200 while live, 503 while it drains or health checks fail on purpose.
pub(super) fn ready(call: &Call<'_>) -> Response {
    let state = call.admin.state();
    let status = if state == State::Live { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    text(status, format!("{}\n", state.as_str_name()))
}
