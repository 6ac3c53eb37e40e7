//! A table that is printed: a row for each client or server, a column for each case, and below it the words for what is not ok.

use std::io::{self, Write};

use crate::case::Verdict;

/// All rows, under a title.
pub(crate) struct Matrix {
    title: String,
    /// The heads of the columns, one for each case.
    headings: Vec<&'static str>,
    rows: Vec<Row>,
}

/// What became of one client, or of one server.
pub(crate) struct Row {
    /// The client and its version.
    name: String,
    /// What it is made of.
    stack: String,
    outcome: Outcome,
}

pub(crate) enum Outcome {
    /// One verdict for each case.
    Ran(Vec<Verdict>),
    /// It could not be run here, for this reason.
    Skipped(String),
}

impl Matrix {
    pub(crate) fn new(title: String, headings: Vec<&'static str>, rows: Vec<Row>) -> Self {
        Self { title, headings, rows }
    }

    /// Whether a case failed, or a client ran none; what was skipped or cannot be done did not fail.
    pub(crate) fn has_failures(&self) -> bool {
        self.rows.iter().any(|row| match &row.outcome {
            Outcome::Ran(verdicts) => {
                verdicts.is_empty() || verdicts.iter().any(|verdict| matches!(verdict, Verdict::Failed(_)))
            }
            Outcome::Skipped(_) => false,
        })
    }

    /// Prints the table, if there is anything in it; with `all`, what was seen in the cases that are ok, too.
    pub(crate) fn print(&self, out: &mut impl Write, all: bool) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let width = self.rows.iter().map(|row| row.name.len()).max().unwrap_or_default();
        writeln!(out, "\n{}\n", self.title)?;
        write!(out, "{:width$}", "")?;
        for heading in &self.headings {
            write!(out, "  {heading:CELL$}")?;
        }
        writeln!(out)?;
        for row in &self.rows {
            let cells = match &row.outcome {
                Outcome::Skipped(reason) => format!("  skipped: {reason}"),
                Outcome::Ran(verdicts) => self.headings.iter().zip(verdicts).map(cell).collect(),
            };
            writeln!(out, "{:width$}{}", row.name, cells.trim_end())?;
        }
        self.print_words(out, all)
    }

    fn print_words(&self, out: &mut impl Write, all: bool) -> io::Result<()> {
        for row in &self.rows {
            writeln!(out, "\n{} ({}): {}", row.name, row.stack, row.outcome.summary())?;
            let Outcome::Ran(verdicts) = &row.outcome else { continue };
            for (heading, verdict) in self.headings.iter().zip(verdicts) {
                let (Verdict::Ok(words) | Verdict::Failed(words) | Verdict::Cannot(words)) = verdict;
                if all || !matches!(verdict, Verdict::Ok(_)) {
                    writeln!(out, "  {heading:9}  {:6}  {words}", word(verdict))?;
                }
            }
        }
        Ok(())
    }
}

impl Row {
    pub(crate) fn new(name: &str, stack: &str, outcome: Outcome) -> Self {
        Self { name: name.to_owned(), stack: stack.to_owned(), outcome }
    }
}

impl Outcome {
    fn summary(&self) -> String {
        let Self::Ran(verdicts) = self else { return "skipped".to_owned() };
        let count = |like: fn(&Verdict) -> bool| verdicts.iter().filter(|verdict| like(verdict)).count();
        let ok = count(|verdict| matches!(verdict, Verdict::Ok(_)));
        match count(|verdict| matches!(verdict, Verdict::Cannot(_))) {
            0 => format!("{ok} of {}", verdicts.len()),
            cannot => format!("{ok} of {}, cannot do {cannot}", verdicts.len() - cannot),
        }
    }
}

/// As wide as the heading that it stands under.
fn cell((heading, verdict): (&&str, &Verdict)) -> String {
    format!("  {:width$}", word(verdict), width = heading.len().max(CELL))
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Ok(_) => "ok",
        Verdict::Failed(_) => "FAILED",
        Verdict::Cannot(_) => "cannot",
    }
}

/// A column is no narrower.
const CELL: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Case;

    fn matrix(outcome: Outcome) -> Matrix {
        Matrix::new(
            "Clients".to_owned(),
            Case::ALL.map(Case::heading).to_vec(),
            vec![Row::new("client 1.2", "its stack", outcome)],
        )
    }

    fn ran(other: Verdict) -> Matrix {
        let mut verdicts = vec![Verdict::Ok("seen".to_owned()); Case::ALL.len() - 1];
        verdicts.push(other);
        matrix(Outcome::Ran(verdicts))
    }

    fn printed(matrix: &Matrix, all: bool) -> String {
        let mut printed = Vec::new();
        matrix.print(&mut printed, all).unwrap();
        String::from_utf8(printed).unwrap()
    }

    #[test]
    fn one_failure_fails_the_run_and_is_told() {
        let failed = ran(Verdict::Failed("no GOAWAY".to_owned()));
        assert!(failed.has_failures());
        let printed = printed(&failed, false);
        assert!(printed.contains("its stack): 11 of 12\n  GOAWAY     FAILED  no GOAWAY\n"), "{printed}");
    }

    #[test]
    fn what_cannot_be_done_is_neither_passed_nor_failed() {
        let cannot = ran(Verdict::Cannot("shows none".to_owned()));
        assert!(!cannot.has_failures());
        let printed = printed(&cannot, false);
        assert!(printed.contains("11 of 11, cannot do 1\n  GOAWAY     cannot  shows none\n"), "{printed}");
    }

    #[test]
    fn what_was_seen_is_told_on_request() {
        let fine = ran(Verdict::Ok("two frames".to_owned()));
        assert!(!fine.has_failures());
        assert!(!printed(&fine, false).contains("two frames"));
        assert!(printed(&fine, true).contains("  GOAWAY     ok      two frames\n"));
    }

    #[test]
    fn a_client_that_ran_no_case_fails_the_run() {
        assert!(matrix(Outcome::Ran(Vec::new())).has_failures());
    }

    #[test]
    fn a_skipped_client_is_named_and_fails_nothing() {
        let skipped = matrix(Outcome::Skipped("no Python".to_owned()));
        assert!(!skipped.has_failures());
        assert!(printed(&skipped, false).contains("\nclient 1.2  skipped: no Python\n"));
    }

    #[test]
    fn the_cells_stand_under_their_headings() {
        let printed = printed(&ran(Verdict::Failed(String::new())), false);
        let [heading, row] = [3, 4].map(|line| printed.lines().nth(line).unwrap());
        assert_eq!(heading.find("GOAWAY"), row.find("FAILED"));
    }
}
