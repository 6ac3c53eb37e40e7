//! `/help`: all commands, which is also what an unknown path is answered with.

use std::fmt::Write as _;

use http::StatusCode;

use super::call::Call;
use super::endpoint::{Endpoint, Input};
use super::response::text;
use crate::http::Response;

/// All commands.
pub(super) fn help(_: &Call<'_>) -> Response {
    text(StatusCode::OK, commands())
}

/// The answer for a path that is none.
pub(super) fn invalid_path() -> Response {
    text(StatusCode::NOT_FOUND, format!("invalid path. {}", commands()))
}

fn commands() -> String {
    let mut out = "admin commands are:\n".to_owned();
    for endpoint in Endpoint::all() {
        let post = if endpoint.changes() { " (POST)" } else { "" };
        // Writing into a string does not fail.
        let _ = writeln!(out, "  {}{post}: {}", endpoint.path, endpoint.help);
        for param in endpoint.params {
            let _ = match param.input {
                Input::OneOf(values) => {
                    writeln!(out, "      {}: {}; One of ({})", param.name, param.help, values.join(", "))
                }
                Input::Flag | Input::Text => writeln!(out, "      {}: {}", param.name, param.help),
            };
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_command_is_listed_with_its_parameters() {
        insta::assert_snapshot!(super::commands());
    }
}
