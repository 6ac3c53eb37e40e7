//! A directory with a certificate that is replaced as Kubernetes does it: `tls.crt` and `tls.key` are links through `..data`,
//! which comes to lead to another directory.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::TempDir;

pub(crate) struct Files {
    directory: TempDir,
    versions: u32,
}

impl Files {
    pub(crate) fn new() -> Self {
        let mut files = Self { directory: tempfile::tempdir().expect("a directory"), versions: 0 };
        for name in ["tls.crt", "tls.key"] {
            symlink(format!("..data/{name}"), files.path().join(name)).expect("a link");
        }
        files.rotate();
        files
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Puts another certificate in the place of the one before, and says which.
    pub(crate) fn rotate(&mut self) -> Vec<u8> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let before = format!("..{}", self.versions);
        self.versions += 1;
        let version = format!("..{}", self.versions);
        let directory = self.path().join(&version);
        fs::create_dir(&directory).expect("a directory");
        fs::write(directory.join("tls.crt"), made.cert.pem()).expect("written");
        fs::write(directory.join("tls.key"), made.signing_key.serialize_pem()).expect("written");
        symlink(&version, self.path().join("..data_tmp")).expect("a link");
        fs::rename(self.path().join("..data_tmp"), self.path().join("..data")).expect("moved");
        // The first has none before it.
        let _ = fs::remove_dir_all(self.path().join(before));
        made.cert.der().to_vec()
    }
}
