//! The local CA's directory: read, lock, and replace files so that no reader ever sees half of one.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FlockOperation, flock},
    io::retry_on_intr,
};

use super::{LocalCaError, issue::Authority, standing::Standing};

/// The directory with the four files.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
}

/// A file's name and mode from its first moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    name: &'static str,
    mode: u32,
}

/// A file that is whole on disk, under a name that nobody reads yet.
#[derive(Debug)]
pub(super) struct Staged {
    from: PathBuf,
    to: PathBuf,
}

/// Held by the one process that writes; given back when dropped, or when the process ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Directory {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn file(&self, kind: Kind) -> PathBuf {
        self.path.join(kind.name)
    }

    /// The file's content, or `None` when there is no such file.
    pub(super) fn read(&self, kind: Kind) -> Result<Option<Vec<u8>>, LocalCaError> {
        let path = self.file(kind);
        match fs::read(&path) {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(LocalCaError::Read { path, source }),
        }
    }

    /// The CA that can sign, when certificate and key are there and belong together.
    pub(super) fn authority(&self, standing: &Standing) -> Result<Option<Authority>, LocalCaError> {
        let Some(cert) = standing.ca_cert() else { return Ok(None) };
        let key = self.read(CA_KEY)?;
        Ok(key.and_then(|key| Authority::from_parts(cert, &key)))
    }

    /// Waits until no other process writes here. Makes the directory when it is not there.
    pub(super) fn lock(&self) -> Result<Lock, LocalCaError> {
        let in_directory = |source| LocalCaError::Write { path: self.path.clone(), source };
        DirBuilder::new().recursive(true).mode(0o755).create(&self.path).map_err(in_directory)?;
        let path = self.file(LOCK);
        let in_lock = |source| LocalCaError::Write { path: path.clone(), source };
        let file =
            OpenOptions::new().create(true).truncate(false).write(true).mode(LOCK.mode).open(&path).map_err(in_lock)?;
        retry_on_intr(|| flock(&file, FlockOperation::LockExclusive)).map_err(|errno| in_lock(errno.into()))?;
        Ok(Lock { _file: file })
    }

    /// Writes `content` beside the file it will become. The caller holds the lock, so the name is nobody else's.
    pub(super) fn stage(&self, kind: Kind, content: &str) -> Result<Staged, LocalCaError> {
        let to = self.file(kind);
        let from = self.path.join(format!(".{}.new", kind.name));
        write_new(&from, kind.mode, content).map_err(|source| LocalCaError::Write { path: to.clone(), source })?;
        Ok(Staged { from, to })
    }

    /// Gives every staged file its name, in order, and makes that last.
    pub(super) fn commit(&self, staged: Vec<Staged>) -> Result<(), LocalCaError> {
        for Staged { from, to } in staged {
            fs::rename(&from, &to).map_err(|source| LocalCaError::Write { path: to, source })?;
        }
        let synced = File::open(&self.path).and_then(|directory| directory.sync_all());
        synced.map_err(|source| LocalCaError::Write { path: self.path.clone(), source })
    }
}

fn write_new(path: &Path, mode: u32, content: &str) -> io::Result<()> {
    // What a process left that was killed while it wrote.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // `create_new` follows no link, and the mode holds from the first byte on.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()
}

/// The CA's certificate.
pub(super) const CA_CERT: Kind = Kind { name: "ca.crt", mode: 0o644 };
/// The CA's private key.
pub(super) const CA_KEY: Kind = Kind { name: "ca.key", mode: 0o600 };
/// The leaf's certificate.
pub(super) const LEAF_CERT: Kind = Kind { name: "localhost.crt", mode: 0o644 };
/// The leaf's private key.
pub(super) const LEAF_KEY: Kind = Kind { name: "localhost.key", mode: 0o600 };
/// The certificate of a leaf for sites.
pub(super) const SITES_CERT: Kind = Kind { name: "sites.crt", mode: 0o644 };
/// Its private key.
pub(super) const SITES_KEY: Kind = Kind { name: "sites.key", mode: 0o600 };
const LOCK: Kind = Kind { name: ".lock", mode: 0o600 };
