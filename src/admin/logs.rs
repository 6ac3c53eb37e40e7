//! `/reopen_logs`: access logs move on to new files after a rotation.

use super::Command;
use super::call::Call;
use super::response::done;
use crate::http::Response;

/// Asks the main thread to open the access logs again.
pub(super) fn reopen_logs(call: &Call<'_>) -> Response {
    call.admin.ask(Command::ReopenLogs);
    done()
}
