//! A backend behind a table of hostile rows: each row names its requests by their path, and what of them may be seen.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::support::backend::{Backend, Script};

/// What the backend sees of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upstream {
    /// Nothing at all.
    Nothing,
    /// Perhaps the beginning of a request whose fault came later, never a whole one.
    NothingWhole,
    /// A whole request.
    Whole,
}

/// A row as the backend knows it.
pub(crate) struct Expected<'a> {
    /// Its path, without the slash.
    pub(crate) name: &'a str,
    pub(crate) upstream: Upstream,
    /// Whether the request after it has to come, on the same connection.
    pub(crate) goes_on: bool,
}

/// A backend that answers every request with its own text, and notes those that began.
pub(crate) struct Watched {
    pub(crate) backend: Backend,
    begun: Arc<Mutex<BTreeSet<String>>>,
}

impl Watched {
    pub(crate) async fn start() -> Self {
        let begun: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        let heads = Arc::clone(&begun);
        let backend = Backend::start(move |received| {
            heads.lock().unwrap_or_else(PoisonError::into_inner).insert(received.path().to_owned());
            Script::echo(received)
        });
        Self { backend: backend.await, begun }
    }

    /// What it saw that it must not have seen, or did not see.
    pub(crate) fn failures(&self, rows: &[Expected<'_>]) -> Vec<String> {
        let whole: BTreeSet<String> =
            self.backend.received().iter().map(|received| received.path().to_owned()).collect();
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut failures: Vec<String> = rows.iter().filter_map(|row| row.failure(&begun, &whole)).collect();
        // What is named for no row came of one that names itself otherwise.
        let names: BTreeSet<String> = rows.iter().flat_map(|row| [row.path(), row.path() + AFTER]).collect();
        failures.extend(begun.difference(&names).map(|stray| format!("{stray} reached the backend")));
        assert_eq!(names.len(), rows.len() * 2, "two rows have one name");
        failures
    }
}

impl Expected<'_> {
    fn path(&self) -> String {
        format!("/{}", self.name)
    }

    fn failure(&self, begun: &BTreeSet<String>, whole: &BTreeSet<String>) -> Option<String> {
        let path = self.path();
        let (seen, complete) = (begun.contains(&path), whole.contains(&path));
        let right = match self.upstream {
            Upstream::Nothing => !seen,
            Upstream::NothingWhole => !complete,
            Upstream::Whole => complete,
        };
        let after = whole.contains(&(path + AFTER)) || !self.goes_on;
        let said = format!("{}: began {seen}, came whole {complete}, the one after it {after}", self.name);
        if right && after { None } else { Some(format!("at the backend: {said}")) }
    }
}

/// What the path of the request after the fault ends with.
pub(crate) const AFTER: &str = "/after";
