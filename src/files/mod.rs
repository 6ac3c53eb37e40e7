//! Floor 0: files that change while the process runs.
//!
//! [`Places`] says which files matter and where their changes are noticed; its [`Stamp`] tells whether one of them changed.
//! A [`Watcher`] waits for that, or for a [`Bell`]. It only says when to look: what has changed is found by comparing stamps, so
//! that nothing is missed and nothing read twice, however the change came: a move, a symbolic link that leads elsewhere, a write.

mod bell;
mod places;
mod watcher;

pub use bell::Bell;
pub use places::{Places, Stamp};
pub use watcher::Watcher;
