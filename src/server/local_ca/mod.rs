//! The local certificate authority: a CA that can vouch for this host's loopback names only, or for those and the names of
//! some sites, and one leaf for them.
//!
//! The embedded default and `quicgate run` serve TLS with it: they call `ensure` before the configuration is built. `standing` judges what lies in the
//! directory, `issue` makes certificates (RFC 5280, rcgen), `files` puts them in place whole. The system's trust store is never touched.
//!
//! `ca.crt` 0644 and `ca.key` 0600, `localhost.crt` (or `sites.crt`) 0644 and its key 0600, in a directory of mode 0755 (before the umask): certificates
//! are for everybody to read, each key guards itself.

mod error;
mod files;
mod issue;
mod names;
mod standing;

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use self::{
    files::{Directory, Staged},
    issue::{Authority, Issued},
    standing::{Need, Standing},
};

pub use self::{error::LocalCaError, names::Names};

/// Where the local CA's files lie, each of them in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalCa {
    /// The CA's certificate, for clients to trust (`--cacert`).
    pub ca_cert: PathBuf,
    /// The leaf for the names asked for, `127.0.0.1` and `::1`, signed by the CA.
    pub leaf_cert: PathBuf,
    /// The leaf's private key, PKCS #8 PEM.
    pub leaf_key: PathBuf,
    /// When the leaf ends; `ensure` makes the next one when less than a third of its life is left.
    pub leaf_not_after: SystemTime,
    /// What this call made.
    pub made: Made,
}

/// What `ensure` made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// Nothing: what was there is used.
    Nothing,
    /// A new leaf under the CA that was there.
    Leaf,
    /// A new CA and a leaf: clients must trust the new `ca.crt`.
    Everything,
}

/// Makes sure that `dir` holds a CA and a leaf that serve these names at `now`: uses what is there, renews what ends soon, makes what is
/// missing or for other names.
///
/// Processes that start at the same time wait for each other. A directory that cannot be written is no error as long as it holds a leaf
/// that serves.
///
/// # Errors
///
/// When files cannot be read or written, or `ca.crt` is a CA that Quicgate did not make and a new one would be needed. The message names the file.
pub fn ensure(dir: &Path, names: &Names, now: SystemTime) -> Result<LocalCa, LocalCaError> {
    let directory = Directory::new(dir);
    if let (Need::Nothing, Some(local_ca)) = look(&directory, names, now)? {
        return Ok(local_ca);
    }
    match renew(&directory, names, now) {
        Err(error) if error.is_about_writing() => match look(&directory, names, now)? {
            (_, Some(local_ca)) => Ok(local_ca),
            (_, None) => Err(error),
        },
        renewed => renewed,
    }
}

/// Looks again once no other process writes, makes what is still needed, and looks at the result.
fn renew(directory: &Directory, names: &Names, now: SystemTime) -> Result<LocalCa, LocalCaError> {
    let _lock = directory.lock()?;
    let standing = Standing::of(directory, names, now)?;
    let leaf = |authority: &Authority| authority.issue(names, now).map_err(LocalCaError::Issue);
    let made = match (standing.need(), directory.authority(&standing)?) {
        (Need::Nothing, _) => Made::Nothing,
        (Need::Leaf, Some(authority)) => {
            replace(directory, names, &leaf(&authority)?, Vec::new())?;
            Made::Leaf
        }
        (Need::Leaf | Need::Everything, _) => {
            standing.may_replace_ca(directory)?;
            let (authority, ca) = Authority::generate(names, now).map_err(LocalCaError::Issue)?;
            let staged =
                vec![directory.stage(files::CA_KEY, &ca.key_pem)?, directory.stage(files::CA_CERT, &ca.cert_pem)?];
            replace(directory, names, &leaf(&authority)?, staged)?;
            Made::Everything
        }
    };
    match look(directory, names, now)? {
        (Need::Nothing, Some(local_ca)) => Ok(LocalCa { made, ..local_ca }),
        _ => Err(LocalCaError::Unsound { dir: directory.path().into() }),
    }
}

/// Puts what is `staged` (the CA when it is new) and the leaf in place: all is on disk before the first name changes.
fn replace(directory: &Directory, names: &Names, leaf: &Issued, mut staged: Vec<Staged>) -> Result<(), LocalCaError> {
    let (cert, key) = names.leaf_files();
    staged.push(directory.stage(key, &leaf.key_pem)?);
    staged.push(directory.stage(cert, &leaf.cert_pem)?);
    directory.commit(staged)
}

/// What is needed, and, when the leaf serves at all, where everything lies.
fn look(directory: &Directory, names: &Names, now: SystemTime) -> Result<(Need, Option<LocalCa>), LocalCaError> {
    let standing = Standing::of(directory, names, now)?;
    let (leaf_cert, leaf_key) = names.leaf_files();
    let local_ca = standing.leaf_not_after().map(|leaf_not_after| LocalCa {
        ca_cert: directory.file(files::CA_CERT),
        leaf_cert: directory.file(leaf_cert),
        leaf_key: directory.file(leaf_key),
        leaf_not_after,
        made: Made::Nothing,
    });
    Ok((standing.need(), local_ca))
}

#[cfg(test)]
mod tests;
