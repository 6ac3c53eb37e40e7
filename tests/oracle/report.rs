//! Compares two performances and tells every difference in one text.

use std::{
    collections::BTreeSet,
    fmt::{self, Write},
};

use crate::{known::Known, play::Performance, scenario::Scenario, stage::Stage, support::client::Version};

/// The outcome of a comparison.
pub(crate) struct Report {
    /// How many runs of a scenario over a version were compared.
    runs: usize,
    /// Stages the subject would not start on, with what it said.
    refused: Vec<(Stage, String)>,
    pub(crate) unexpected: Vec<Difference>,
    /// The known differences, each with how often it was seen.
    known: Vec<(&'static Known, usize)>,
}

impl Report {
    /// Compares `subject` with `reference`, both played from `scenarios`.
    pub(crate) fn of(
        scenarios: &[Scenario],
        reference: &Performance,
        subject: &Performance,
        known: &'static [Known],
    ) -> Self {
        let mut known: Vec<_> = known.iter().map(|entry| (entry, 0)).collect();
        let mut unexpected = Vec::new();
        for difference in differences(scenarios, reference, subject) {
            let Difference { scenario, version, fact, .. } = &difference;
            match known.iter_mut().find(|(entry, _)| entry.covers(scenario, *version, fact)) {
                Some((_, seen)) => *seen += 1,
                None => unexpected.push(difference),
            }
        }
        Self { runs: subject.facts.len(), refused: subject.refused.clone(), unexpected, known }
    }

    /// All was played, nothing is unexpected, and nothing expected is missing.
    pub(crate) fn is_clean(&self) -> bool {
        self.refused.is_empty() && self.unexpected.is_empty() && self.known.iter().all(|(_, seen)| *seen > 0)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} runs, {} unexpected differences", self.runs, self.unexpected.len())?;
        for (stage, said) in &self.refused {
            writeln!(f, "\nNot started on the stage {stage:?}: {}", said.trim_end())?;
        }
        let mut of = String::new();
        for difference in &self.unexpected {
            heading(f, &mut of, difference)?;
            writeln!(f, "    {difference}")?;
        }
        writeln!(f, "\nExpected")?;
        for (entry, seen) in &self.known {
            let stale = if *seen == 0 { "  <- NO LONGER SEEN" } else { "" };
            writeln!(f, "    {seen:4} x {}: {} because {}{stale}", entry.scenario, entry.fact, entry.reason)?;
        }
        Ok(())
    }
}

/// One fact that is not the same.
pub(crate) struct Difference {
    pub(crate) scenario: &'static str,
    pub(crate) version: Version,
    pub(crate) fact: String,
    reference: Option<String>,
    subject: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |value: &Option<String>| value.as_ref().map_or("(none)".to_owned(), |value| format!("{value:?}"));
        write!(f, "{}: Envoy {}, here {}", self.fact, said(&self.reference), said(&self.subject))
    }
}

fn differences(scenarios: &[Scenario], reference: &Performance, subject: &Performance) -> Vec<Difference> {
    let mut differences = Vec::new();
    for ((row, version), here) in &subject.facts {
        let there = reference.facts.get(&(*row, *version)).cloned().unwrap_or_default();
        let facts: BTreeSet<&String> = there.0.keys().chain(here.0.keys()).collect();
        for fact in facts {
            let (reference, subject) = (there.0.get(fact).cloned(), here.0.get(fact).cloned());
            if reference != subject {
                let scenario = scenarios[*row].name;
                differences.push(Difference { scenario, version: *version, fact: fact.clone(), reference, subject });
            }
        }
    }
    differences
}

/// Names scenario and version once for all their differences.
fn heading(f: &mut fmt::Formatter<'_>, of: &mut String, difference: &Difference) -> fmt::Result {
    let mut heading = String::new();
    write!(heading, "{}, {:?}", difference.scenario, difference.version)?;
    if *of != heading {
        writeln!(f, "\n{heading}")?;
        *of = heading;
    }
    Ok(())
}
