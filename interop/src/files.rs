//! The contents that cases send and expect, and the files they are in.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::ask::Request;

/// The contents to send, and where the content of a response goes.
pub(crate) struct Files {
    pub(crate) small: PathBuf,
    pub(crate) large: PathBuf,
    pub(crate) save: PathBuf,
}

impl Files {
    pub(crate) fn write(directory: &Path) -> io::Result<Self> {
        let files =
            Self { small: directory.join("small"), large: directory.join("large"), save: directory.join("saved") };
        fs::write(&files.small, SMALL)?;
        fs::write(&files.large, large())?;
        Ok(files)
    }

    /// Forgets the content of the last response.
    pub(crate) fn clear(&self) -> io::Result<()> {
        fs::write(&self.save, "nothing was saved")
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> Request {
        Request {
            method: method.to_owned(),
            path: path.to_owned(),
            fields: Vec::new(),
            body: None,
            trailers: Vec::new(),
            cancel: false,
            save: self.save.clone(),
        }
    }

    pub(crate) fn posts(&self, path: &str, body: &Path) -> Request {
        Request { body: Some(body.to_owned()), ..self.request("POST", path) }
    }
}

/// The demo backend's pattern: the alphabet again and again.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    PATTERN.iter().copied().cycle().take(length).collect()
}

/// Bytes without a short period, the same in each run.
pub(crate) fn large() -> Vec<u8> {
    let mut state: u32 = 1;
    let mut byte = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(&mut byte).take(LARGE).collect()
}

/// The length of large content: 10 MiB.
pub(crate) const LARGE: usize = 10 * 1024 * 1024;
/// Content that fits anywhere.
pub(crate) const SMALL: &[u8] = b"interop";
/// What the demo backend repeats.
const PATTERN: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz01234567\n";
