//! `/hot_restart_version`: which processes can take over from this one.

use http::StatusCode;

use super::call::Call;
use super::response::text;
use crate::http::Response;

/// None can: this is what Envoy says where hot restart is off.
pub(super) fn hot_restart_version(_: &Call<'_>) -> Response {
    text(StatusCode::OK, VERSION)
}

/// Said here and in `/server_info`.
pub(super) const VERSION: &str = "disabled";
