//! `/hot_restart_version`: which processes can take over from this one.

use http::StatusCode;

use super::call::Call;
use super::response::text;
use crate::http::Response;

/// None can: this is what Envoy says where hot restart is off.
pub(super) fn hot_restart_version(_: &Call<'_>) -> Response {
    text(StatusCode::OK, VERSION)
}

/// Said here, in `/server_info` and for `--hot-restart-version`.
pub const VERSION: &str = "disabled";
