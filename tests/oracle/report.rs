//! Compares two performances and tells every difference in one text.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
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

    /// The unexpected differences by what they say.
    fn by_fact(&self) -> BTreeMap<String, Vec<&Difference>> {
        let mut by_fact: BTreeMap<String, Vec<&Difference>> = BTreeMap::new();
        for difference in &self.unexpected {
            by_fact.entry(difference.to_string()).or_default().push(difference);
        }
        by_fact
    }

    /// All was played, nothing is unexpected, and nothing expected is missing.
    pub(crate) fn is_clean(&self) -> bool {
        self.refused.is_empty()
            && self.unexpected.is_empty()
            && !self.known.iter().any(|(entry, seen)| entry.is_stale(*seen))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} runs, {} unexpected differences", self.runs, self.unexpected.len())?;
        for (stage, said) in &self.refused {
            writeln!(f, "\nNot started on the stage {stage:?}: {}", said.trim_end())?;
        }
        let (often, seldom): (Vec<_>, Vec<_>) =
            self.by_fact().into_iter().partition(|(_, differences)| differences.len() > OFTEN);
        for (difference, differences) in often {
            writeln!(f, "\nIn {} runs, such as {}", differences.len(), differences[0].run())?;
            writeln!(f, "    {difference}")?;
        }
        let mut by_run: BTreeMap<(usize, Version), Vec<&Difference>> = BTreeMap::new();
        for difference in seldom.into_iter().flat_map(|(_, differences)| differences) {
            by_run.entry((difference.row, difference.version)).or_default().push(difference);
        }
        for differences in by_run.values() {
            writeln!(f, "\n{}", differences[0].run())?;
            differences.iter().try_for_each(|difference| writeln!(f, "    {difference}"))?;
        }
        writeln!(f, "\nExpected")?;
        for (entry, seen) in &self.known {
            let stale = if entry.is_stale(*seen) { "  <- NO LONGER SEEN" } else { "" };
            writeln!(f, "    {seen:4} x {}: {} because {}{stale}", entry.scenario, entry.fact, entry.reason)?;
        }
        Ok(())
    }
}

/// One fact that is not the same.
pub(crate) struct Difference {
    row: usize,
    pub(crate) scenario: &'static str,
    pub(crate) version: Version,
    pub(crate) fact: String,
    reference: Option<String>,
    subject: Option<String>,
}

impl Difference {
    fn run(&self) -> String {
        format!("{}, {:?}", self.scenario, self.version)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |value: &Option<String>| value.as_ref().map_or("(none)".to_owned(), |value| shortened(value));
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
                let (row, version, fact) = (*row, *version, fact.clone());
                differences.push(Difference { row, scenario, version, fact, reference, subject });
            }
        }
    }
    differences
}

/// A value in quotes, without its middle when it is long.
fn shortened(value: &str) -> String {
    let characters: Vec<char> = value.chars().collect();
    if characters.len() <= 2 * SHOWN {
        return format!("{value:?}");
    }
    let (first, last): (String, String) =
        (characters[..SHOWN].iter().collect(), characters[characters.len() - SHOWN..].iter().collect());
    format!("{first:?} … {last:?} ({} characters)", characters.len())
}

/// How many characters of a long value are shown at either end.
const SHOWN: usize = 80;

/// A difference seen in more runs than this is told once for all of them.
const OFTEN: usize = 6;
