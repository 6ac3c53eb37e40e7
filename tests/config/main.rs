//! The configuration loader as its users see it: what it accepts, what it says of what it does not, and that it says
//! so for any text at all.

#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod accepted;
mod any_text;
mod corpus;
mod merged;
mod messages;
mod mutants;
mod sandboxes;
mod schema;
mod whole;

use quicgate::config::{Loaded, Report, Source, load};

/// Loads a text that stands in a test.
fn load_text(text: &str) -> Result<Loaded, Report> {
    load(&Source::Text { name: "test.yaml".to_owned(), text: text.to_owned() })
}
