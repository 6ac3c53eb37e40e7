//! The secrets of connections into a file, for those who look at captured packets (`SSLKEYLOGFILE` format).

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustls::KeyLog;

/// A file that is written to line by line. Whoever can read it can read every connection.
#[derive(Debug)]
pub(super) struct KeyLogFile {
    path: PathBuf,
    /// Opened with the first line, for its owner alone; it goes on at its end.
    file: OnceLock<Option<File>>,
}

impl KeyLogFile {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), file: OnceLock::new() }
    }

    fn file(&self) -> Option<&File> {
        let open = || OpenOptions::new().create(true).append(true).mode(0o600).open(&self.path);
        let file = self.file.get_or_init(|| {
            let opened = open();
            if let Err(error) = &opened {
                tracing::error!(path = %self.path.display(), %error, "the key log cannot be written: nothing is logged");
            }
            opened.ok()
        });
        file.as_ref()
    }
}

impl KeyLog for KeyLogFile {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let Some(mut file) = self.file() else { return };
        let hex = |bytes: &[u8]| {
            bytes.iter().fold(String::new(), |mut text, byte| {
                // A String takes whatever is written.
                let _ = write!(text, "{byte:02x}");
                text
            })
        };
        let line = format!("{label} {} {}\n", hex(client_random), hex(secret));
        // One write, which the system does not cut. A log that cannot be written is not worth a connection.
        let _ = file.write_all(line.as_bytes());
    }
}
