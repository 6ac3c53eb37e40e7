//! `/ready`: whether this instance should get traffic.

use std::sync::atomic::Ordering;

use http::StatusCode;

use super::{Admin, text};
use crate::http::Response;

/// 200 while live, 503 while it drains or health checks fail on purpose.
pub(super) fn ready(admin: &Admin) -> Response {
    if admin.draining.load(Ordering::Relaxed) || admin.failing.load(Ordering::Relaxed) {
        text(StatusCode::SERVICE_UNAVAILABLE, "DRAINING\n")
    } else {
        text(StatusCode::OK, "LIVE\n")
    }
}
