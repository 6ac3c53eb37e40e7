//! What the host allows this process: file descriptors.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the soft limit on open files to the hard one and returns the limit that now holds.
///
/// Each connection takes a descriptor, two with its upstream; the usual soft limit of 1024 is a leftover of `select`.
/// `None` means unlimited.
#[must_use]
pub fn raise_file_limit() -> Option<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let asked = rustix::process::Rlimit { current: limit.maximum, maximum: limit.maximum };
        if setrlimit(Resource::Nofile, asked).is_ok() {
            limit = getrlimit(Resource::Nofile);
        }
    }
    limit.current
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_reaches_the_hard_one() {
        let raised = raise_file_limit();
        assert_eq!(raised, getrlimit(Resource::Nofile).maximum);
    }
}
