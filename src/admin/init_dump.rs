//! `/init_dump`: what the start still waits for.

use serde_json::json;

use super::call::Call;
use super::{json, response};
use crate::http::Response;

/// Nothing: the admin interface is served once all listeners are.
pub(super) fn init_dump(_: &Call<'_>) -> Response {
    response::json(json::pretty(&json!({})))
}
