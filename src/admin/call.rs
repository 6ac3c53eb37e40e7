//! One request to the admin interface, as an endpoint sees it.

use std::sync::Arc;

use super::Admin;
use super::query::Query;
use crate::drain::Drain;

/// What an endpoint answers.
#[derive(Debug)]
pub(super) struct Call<'a> {
    /// What there is to look at.
    pub admin: &'a Arc<Admin>,
    /// The tasks of the main thread.
    pub drain: &'a Drain,
    /// What was asked for.
    pub query: Query,
}
