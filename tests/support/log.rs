//! Access logs of a program under test.

use std::{fs, path::PathBuf};

use serde_json::Value;

use super::deadline::until;

/// A log of one JSON object a line, read as it grows.
pub(crate) struct Log {
    path: PathBuf,
    taken: usize,
}

impl Log {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, taken: 0 }
    }

    /// Waits for `count` new lines and takes them.
    pub(crate) async fn lines(&mut self, count: usize) -> Vec<Value> {
        let what = format!("{count} lines in {}", self.path.display());
        let lines = until(what, async || {
            let new = self.untaken();
            (new.len() >= count).then_some(new)
        })
        .await;
        self.take(lines)
    }

    /// Takes the new lines there are.
    pub(crate) fn lines_so_far(&mut self) -> Vec<Value> {
        let lines = self.untaken();
        self.take(lines)
    }

    fn take(&mut self, lines: Vec<Value>) -> Vec<Value> {
        self.taken += lines.len();
        lines
    }

    fn untaken(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.path).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
        whole.lines().skip(self.taken).map(parse).collect()
    }
}
