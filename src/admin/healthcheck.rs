//! `/healthcheck/fail` and `/healthcheck/ok`: whether those who ask are told that this instance is well.

use super::call::Call;
use super::response::done;
use crate::http::Response;

/// Health checks fail: load balancers turn elsewhere, and whoever is connected is asked to go. Whoever comes is served.
pub(super) fn fail(call: &Call<'_>) -> Response {
    call.admin.fail_health_checks(true);
    done()
}

/// Health checks pass again.
pub(super) fn ok(call: &Call<'_>) -> Response {
    call.admin.fail_health_checks(false);
    done()
}
