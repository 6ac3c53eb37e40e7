//! A program before the backend.

use crate::rig::backend::Backend;
use crate::support::process::Process;
use crate::support::program::Program;

/// Starts it with one listener, `http3`.
pub(crate) async fn start(program: &Program, backend: &Backend) -> Process {
    let yaml = include_str!("gateway.yaml").replace("${backend}", &backend.address.port().to_string());
    Process::start(program, &yaml).await
}
