//! A program of the system, where it is installed.

use std::process::{Command, Output};

/// A program found by name.
pub(crate) struct Program {
    name: &'static str,
}

impl Program {
    /// `None`, with a line that says which test is skipped and why, when the program is not installed.
    pub(crate) fn find(name: &'static str, test: &str) -> Option<Self> {
        let found = Command::new(name).arg("--version").output().is_ok();
        if !found {
            println!("skipped: {test}: {name} is not installed");
        }
        found.then_some(Self { name })
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(self.name);
        command.args(arguments);
        // The server under test runs on this thread's runtime: the wait must not block it.
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }
}
