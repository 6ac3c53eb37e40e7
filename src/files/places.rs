//! Files, and the directories in which their changes are noticed.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Files that matter, and directories that are watched for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    files: BTreeSet<PathBuf>,
    /// Each with the names in it of which writes matter. What is made in it or moved there always does.
    directories: BTreeMap<PathBuf, BTreeSet<OsString>>,
    /// How often they are looked at, whatever is noticed.
    interval: Option<Duration>,
}

/// Which files there were, as the file system has them: it differs when one is another or was written to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamp(Vec<Option<[i64; 7]>>);

impl Places {
    /// A file, whose changes are noticed only where a directory is watched.
    pub fn file(&mut self, path: impl Into<PathBuf>) {
        self.files.insert(path.into());
    }

    /// A directory: what is made in it or moved there may change any of the files, and so may writes to those that stand in it.
    pub fn directory(&mut self, path: impl Into<PathBuf>) {
        self.directories.entry(path.into()).or_default();
    }

    /// Has the files looked at this often, beside what is noticed in directories.
    pub fn every(&mut self, interval: Duration) {
        self.interval = Some(self.interval.map_or(interval, |own| own.min(interval)));
    }

    /// Watches the directory of every file.
    pub fn directories_of_files(&mut self) {
        for file in &self.files {
            self.directories.entry(parent(file).to_owned()).or_default();
        }
    }

    /// With all of another.
    pub fn add(&mut self, other: &Self) {
        self.files.extend(other.files.iter().cloned());
        other.interval.into_iter().for_each(|interval| self.every(interval));
        for (directory, names) in &other.directories {
            self.directories.entry(directory.clone()).or_default().extend(names.iter().cloned());
        }
    }

    /// Whether there are no files.
    #[must_use]
    pub fn are_none(&self) -> bool {
        self.files.is_empty()
    }

    /// Whether nothing is watched.
    #[must_use]
    pub fn are_unwatched(&self) -> bool {
        self.directories.is_empty() && self.interval.is_none()
    }

    pub(super) fn interval(&self) -> Option<Duration> {
        self.interval
    }

    /// Whether one of the files is there and cannot be opened, for want of descriptors for one.
    #[must_use]
    pub fn are_shut(&self) -> bool {
        self.files.iter().any(|file| file.exists() && fs::File::open(file).is_err())
    }

    /// What the files are now.
    #[must_use]
    pub fn stamp(&self) -> Stamp {
        Stamp(self.files.iter().map(|file| stamp(file)).collect())
    }

    /// The directories to watch, each with the names of which writes matter. Where a symbolic link leads to one, the directory
    /// of the link is watched as well: the link may come to lead elsewhere.
    pub(super) fn watched(&self) -> BTreeMap<PathBuf, BTreeSet<&OsStr>> {
        let mut watched: BTreeMap<PathBuf, BTreeSet<&OsStr>> = BTreeMap::new();
        for (directory, names) in &self.directories {
            let own = watched.entry(directory.clone()).or_default();
            own.extend(names.iter().map(OsString::as_os_str));
            for link in directory.ancestors().filter(|path| path.is_symlink()) {
                watched.entry(parent(link).to_owned()).or_default();
            }
        }
        for file in &self.files {
            if let Some((names, name)) = watched.get_mut(parent(file)).zip(file.file_name()) {
                names.insert(name);
            }
        }
        watched
    }
}

/// The directory in which a path stands.
fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

fn stamp(file: &Path) -> Option<[i64; 7]> {
    let facts = fs::metadata(file).ok()?;
    let [device, inode, size] = [facts.dev(), facts.ino(), facts.size()].map(u64::cast_signed);
    Some([device, inode, size, facts.mtime(), facts.mtime_nsec(), facts.ctime(), facts.ctime_nsec()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_tells_writes_moves_links_and_absence_apart() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let mut places = Places::default();
        places.file(path("file"));
        let mut stamps = vec![places.stamp()];
        fs::write(path("file"), "one").unwrap();
        stamps.push(places.stamp());
        assert_eq!(places.stamp(), places.stamp());
        fs::write(path("file"), "more").unwrap();
        stamps.push(places.stamp());
        fs::write(path("new"), "more").unwrap();
        fs::rename(path("new"), path("file")).unwrap();
        stamps.push(places.stamp());
        fs::remove_file(path("file")).unwrap();
        fs::create_dir(path("data")).unwrap();
        fs::write(path("data/file"), "more").unwrap();
        std::os::unix::fs::symlink("data/file", path("file")).unwrap();
        stamps.push(places.stamp());
        for (index, stamp) in stamps.iter().enumerate() {
            assert!(!stamps[..index].contains(stamp), "{index}");
        }
    }

    #[test]
    fn links_on_the_way_are_watched_where_they_stand() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs::create_dir(root.join("v1")).unwrap();
        std::os::unix::fs::symlink("v1", root.join("now")).unwrap();
        let mut places = Places::default();
        places.file(root.join("now/file"));
        places.directories_of_files();
        let watched = places.watched();
        assert_eq!(watched.keys().cloned().collect::<Vec<_>>(), [root.to_owned(), root.join("now")]);
        assert!(watched[&root.join("now")].contains(OsStr::new("file")));
        assert!(watched[root].is_empty());
    }
}
