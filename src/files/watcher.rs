//! Waits until something happens in a set of directories: inotify, or the clock where that cannot be had.
//!
//! It blocks the thread that waits, which has nothing else to do.

use std::collections::{BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init};
use rustix::io::Errno;

use super::bell::Bell;
use super::places::Places;

/// A watch over some places. Made anew after each change: a directory may be another by then.
#[derive(Debug)]
pub struct Watcher {
    inotify: Option<OwnedFd>,
    /// By the number that the kernel gave a directory, the names in it of which writes matter.
    names: HashMap<i32, BTreeSet<OsString>>,
    unwatched: Vec<(PathBuf, io::Error)>,
    /// How often the files are looked at, whatever happens.
    interval: Option<Duration>,
}

/// What ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Woken {
    Change,
    Bell,
    Time,
}

impl Watcher {
    /// Watches from now on. What cannot be watched, because it is not there yet for one, is looked at every few seconds.
    #[must_use]
    pub fn new(places: &Places) -> Self {
        let mut watcher =
            Self { inotify: None, names: HashMap::new(), unwatched: Vec::new(), interval: places.interval() };
        let inotify = match init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC) {
            Ok(inotify) => inotify,
            Err(error) => {
                watcher.unwatched = places.watched().into_keys().map(|directory| (directory, error.into())).collect();
                return watcher;
            }
        };
        for (directory, names) in places.watched() {
            match add_watch(&inotify, &directory, NOTICED) {
                // Two paths of one directory have one number.
                Ok(number) => {
                    watcher.names.entry(number).or_default().extend(names.into_iter().map(OsStr::to_owned));
                }
                Err(error) => watcher.unwatched.push((directory, error.into())),
            }
        }
        watcher.inotify = Some(inotify);
        watcher
    }

    /// The directories that cannot be watched, and why.
    #[must_use]
    pub fn unwatched(&self) -> &[(PathBuf, io::Error)] {
        &self.unwatched
    }

    /// Waits until something may have changed, and until it seems to be over: whoever replaces several files is given the time
    /// for it. Whoever rings the bell has done so.
    pub fn changed(&self, bell: &Bell) {
        let look = (!self.unwatched.is_empty()).then_some(LOOK).into_iter().chain(self.interval).min();
        if self.wait(look.map(|look| Instant::now() + look), bell) != Woken::Change {
            return;
        }
        let latest = Instant::now() + AT_MOST;
        while self.wait(Some(latest.min(Instant::now() + QUIET)), bell) == Woken::Change && Instant::now() < latest {}
    }

    /// Waits for an event that matters, until then at the latest.
    fn wait(&self, until: Option<Instant>, bell: &Bell) -> Woken {
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let left =
                left.map(|left| Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() });
            let mut ready = vec![PollFd::new(bell, PollFlags::IN)];
            ready.extend(self.inotify.iter().map(|inotify| PollFd::new(inotify, PollFlags::IN)));
            if poll(&mut ready, left.as_ref()) == Ok(0) {
                return Woken::Time;
            }
            if ready.first().is_some_and(|bell| bell.revents().contains(PollFlags::IN)) {
                return Woken::Bell;
            }
            match self.read() {
                Ok(false) if until.is_some_and(|until| Instant::now() >= until) => return Woken::Time,
                Ok(false) => {}
                // Of what cannot be read nobody knows: whoever looks finds what there is.
                Ok(true) | Err(_) => return Woken::Change,
            }
        }
    }

    /// Whether one of the waiting events matters.
    fn read(&self) -> Result<bool, Errno> {
        let Some(inotify) = &self.inotify else { return Ok(false) };
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(inotify, &mut buffer);
        let mut matters = false;
        loop {
            match reader.next() {
                Ok(event) => {
                    let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
                    matters |= self.matters(event.wd(), event.events(), name);
                }
                Err(Errno::AGAIN) => return Ok(matters),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn matters(&self, number: i32, events: ReadFlags, name: Option<&OsStr>) -> bool {
        // A directory that is gone or moved away, and a queue that was too short for all that happened.
        let any = ReadFlags::MOVED_TO
            | ReadFlags::CREATE
            | ReadFlags::DELETE_SELF
            | ReadFlags::MOVE_SELF
            | ReadFlags::IGNORED
            | ReadFlags::UNMOUNT
            | ReadFlags::QUEUE_OVERFLOW;
        let written = || self.names.get(&number).zip(name).is_some_and(|(names, name)| names.contains(name));
        events.intersects(any) || written()
    }
}

const NOTICED: WatchFlags = WatchFlags::MOVED_TO
    .union(WatchFlags::CREATE)
    .union(WatchFlags::MODIFY)
    .union(WatchFlags::CLOSE_WRITE)
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR);

/// A change is over when nothing has happened for this long: writers of several files are faster.
const QUIET: Duration = Duration::from_millis(50);

/// A change is looked at after this long, even when it goes on.
const AT_MOST: Duration = Duration::from_secs(1);

/// How often what cannot be watched is looked at.
const LOOK: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// Watches `file` while something is done to it.
    fn notices(file: &Path, act: impl FnOnce()) {
        let mut places = Places::default();
        places.file(file);
        places.directories_of_files();
        let watcher = Watcher::new(&places);
        act();
        watcher.changed(&Bell::new().unwrap());
    }

    #[test]
    fn moves_writes_and_links_are_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("file"), "one").unwrap();
        fs::create_dir(path("..1")).unwrap();
        notices(&path("file"), || fs::write(path("file"), "two").unwrap());
        fs::write(path("new"), "three").unwrap();
        notices(&path("file"), || fs::rename(path("new"), path("file")).unwrap());
        std::os::unix::fs::symlink("..1", path("..data_tmp")).unwrap();
        notices(&path("file"), || fs::rename(path("..data_tmp"), path("..data")).unwrap());
        // A directory through which the file is reached leads elsewhere, or is another.
        fs::create_dir(path("..2")).unwrap();
        std::os::unix::fs::symlink("..2", path("..data_tmp")).unwrap();
        notices(&path("..data/file"), || fs::rename(path("..data_tmp"), path("..data")).unwrap());
        notices(&path("..1/file"), || fs::rename(path("..1"), path("..3")).unwrap());
        notices(&path("..3/file"), || fs::remove_dir(path("..3")).unwrap());
    }

    #[test]
    fn what_cannot_be_watched_is_looked_at_now_and_then() {
        let directory = tempfile::tempdir().unwrap();
        notices(&directory.path().join("absent/file"), || ());
    }

    #[test]
    fn who_rings_is_heard_and_so_is_the_clock() {
        let bell = Bell::new().unwrap();
        bell.ring();
        Watcher::new(&Places::default()).changed(&bell);
        assert!(bell.take());
        let mut places = Places::default();
        places.every(Duration::from_millis(1));
        Watcher::new(&places).changed(&bell);
    }

    #[test]
    fn writes_to_other_files_do_not_matter() {
        let directory = tempfile::tempdir().unwrap();
        let mut places = Places::default();
        places.file(directory.path().join("file"));
        places.directory(directory.path());
        let watcher = Watcher::new(&places);
        let number = *watcher.names.keys().next().unwrap();
        for (name, events, matters) in [
            ("file", ReadFlags::MODIFY, true),
            ("file", ReadFlags::CLOSE_WRITE, true),
            ("log", ReadFlags::MODIFY, false),
            ("log", ReadFlags::CLOSE_WRITE, false),
            ("..data", ReadFlags::MOVED_TO, true),
            ("log", ReadFlags::CREATE, true),
        ] {
            assert_eq!(watcher.matters(number, events, Some(OsStr::new(name))), matters, "{name} {events:?}");
        }
        assert!(watcher.matters(-1, ReadFlags::QUEUE_OVERFLOW, None));
    }
}
