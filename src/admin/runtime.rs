//! `/runtime`: the values of the runtime layers.

use serde_json::json;

use super::call::Call;
use super::{json, response};
use crate::http::Response;

/// There are no layers yet, so no value either.
pub(super) fn runtime(_: &Call<'_>) -> Response {
    response::json(json::pretty(&json!({ "layers": [], "entries": {} })))
}
