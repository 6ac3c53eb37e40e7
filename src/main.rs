//! The `quicgate` program: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    quicgate::server::main()
}
