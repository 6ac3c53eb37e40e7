//! The table that is printed: one block for each client, one line for each case.

use std::io::{self, Write};

use crate::peer::{Outcome, Peer};

/// All outcomes.
pub(crate) struct Matrix {
    results: Vec<(&'static Peer, Outcome)>,
}

impl Matrix {
    pub(crate) fn new(results: Vec<(&'static Peer, Outcome)>) -> Self {
        Self { results }
    }

    /// Whether a case failed; what was skipped did not.
    pub(crate) fn has_failures(&self) -> bool {
        let failed = |outcome: &Outcome| match outcome {
            Outcome::Ran(cells) => cells.is_empty() || cells.iter().any(|cell| !cell.passed),
            Outcome::Skipped(_) => false,
        };
        self.results.iter().any(|(_, outcome)| failed(outcome))
    }

    pub(crate) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        for (peer, outcome) in &self.results {
            match outcome {
                Outcome::Skipped(reason) => writeln!(out, "{}  skipped: {reason}", peer.name)?,
                Outcome::Ran(cells) => {
                    let passed = cells.iter().filter(|cell| cell.passed).count();
                    writeln!(out, "{}  {passed} of {}", peer.name, cells.len())?;
                    for cell in cells {
                        let mark = if cell.passed { "ok" } else { "FAILED" };
                        writeln!(out, "  {:20} {mark:7} {}", cell.case, cell.detail)?;
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::{Cell, PEERS};

    fn ran(passed: &[bool]) -> Matrix {
        let cell = |passed: &bool| Cell { case: "a case".to_owned(), passed: *passed, detail: String::new() };
        Matrix::new(vec![(&PEERS[0], Outcome::Ran(passed.iter().map(cell).collect()))])
    }

    #[test]
    fn one_failure_fails_the_run() {
        assert!(!ran(&[true, true]).has_failures());
        assert!(ran(&[true, false]).has_failures());
    }

    #[test]
    fn a_client_that_ran_no_case_fails_the_run() {
        assert!(ran(&[]).has_failures());
    }

    #[test]
    fn a_skipped_client_is_named_and_fails_nothing() {
        let matrix = Matrix::new(vec![(&PEERS[0], Outcome::Skipped("no Python".to_owned()))]);
        let mut printed = Vec::new();
        matrix.print(&mut printed).unwrap();
        assert!(!matrix.has_failures());
        assert_eq!(String::from_utf8(printed).unwrap(), "aioquic 1.7.2  skipped: no Python\n");
    }
}
