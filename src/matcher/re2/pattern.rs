//! A place in a pattern.

use super::error::{Problem, SyntaxError};

/// A pattern that is read from the front.
#[derive(Clone, Debug)]
pub(super) struct Pattern<'p> {
    text: &'p str,
    position: usize,
}

// === impl Pattern ===

impl<'p> Pattern<'p> {
    pub(super) fn new(text: &'p str) -> Self {
        Self { text, position: 0 }
    }

    /// The next byte.
    pub(super) fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.position += 1;
        Some(byte)
    }

    /// The next byte, which stays.
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    /// Steps over the next byte if it is this one.
    pub(super) fn accept(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.position += usize::from(found);
        found
    }

    /// Bytes read so far.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// What is left; empty in the middle of a character that takes several bytes.
    pub(super) fn rest(&self) -> &'p str {
        self.text.get(self.position..).unwrap_or_default()
    }

    /// Steps over some bytes of the rest.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.position += bytes;
    }

    /// An error about what stands between `start` and here.
    pub(super) fn error(&self, start: usize, problem: Problem) -> SyntaxError {
        let end = self.text.len().min(self.position);
        let text = self.text.as_bytes().get(start..end).unwrap_or_default();
        SyntaxError { problem, text: String::from_utf8_lossy(text).into_owned() }
    }
}
