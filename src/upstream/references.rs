//! Clusters while a configuration is built: what refers to them is checked and remembered.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;

use super::cluster::{Cluster, ClusterId, Clusters, NameTaken};
use crate::config::{At, Invalid};

/// What references to clusters can lead to.
#[derive(Debug, Default)]
pub struct References {
    clusters: Clusters,
    /// Clusters that are written and could not be built: what refers to them is not dangling.
    faulty: HashSet<String>,
    /// Whether a name could not be read: any reference may mean that cluster.
    nameless: bool,
    used: RefCell<HashSet<String>>,
}

impl References {
    pub(super) fn add(&mut self, cluster: Cluster) -> Result<ClusterId, NameTaken> {
        self.nameless |= cluster.name.is_empty();
        self.clusters.add(cluster)
    }

    /// A cluster that could not be built.
    pub(super) fn add_faulty(&mut self, name: &str) {
        self.nameless |= name.is_empty();
        self.faulty.insert(name.to_owned());
    }

    /// The list of clusters itself could not be read.
    pub(super) fn give_up(&mut self) {
        self.nameless = true;
    }

    /// The cluster that something at `at` refers to.
    ///
    /// # Errors
    /// [`Invalid`] where there is none.
    pub fn find(&self, name: &str, at: At<'_>) -> Result<ClusterId, Invalid> {
        match self.find_if_any(name) {
            Some(id) => Ok(id),
            None if self.nameless || self.faulty.contains(name) => Err(at.given_up()),
            None => Err(at.dangling("cluster", name, self.names())),
        }
    }

    /// The cluster of that name, if there is one.
    pub fn find_if_any(&self, name: &str) -> Option<ClusterId> {
        self.used.borrow_mut().insert(name.to_owned());
        self.clusters.find(name)
    }

    /// The names of all clusters.
    fn names(&self) -> impl Iterator<Item = &str> {
        self.clusters.names().chain(self.faulty.iter().map(String::as_str))
    }

    /// Remarks on clusters that nothing refers to; `at` is the place of the message with the field `clusters`.
    pub fn lint(&self, at: At<'_>) {
        let used = self.used.borrow();
        for (index, name) in self.clusters.names().enumerate().filter(|(_, name)| !used.contains(*name)) {
            let at = at.item("clusters", index);
            at.field("name").lint(format_args!("nothing refers to the cluster `{name}`"));
        }
    }

    /// What all workers share.
    #[must_use]
    pub fn into_clusters(self) -> Arc<Clusters> {
        Arc::new(self.clusters)
    }
}
