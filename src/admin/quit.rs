//! `/quitquitquit`: the end, by the same way as SIGTERM.

use super::Command;
use super::call::Call;
use super::response::done;
use crate::http::Response;

/// Asks the main thread to drain and end the process.
pub(super) fn quitquitquit(call: &Call<'_>) -> Response {
    call.admin.ask(Command::Quit);
    done()
}
