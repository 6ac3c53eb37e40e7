//! Lines of the process log, and the levels that let them pass.

use std::fs;

use tracing::{debug, info, warn};

use super::*;

/// The log in a file, for the events of this thread only.
fn within(levels: &Levels, destination: &Destination, events: impl FnOnce(&Logs)) {
    let output = Arc::new(Output::open(destination).unwrap());
    let logs = Logs { levels: levels.clone(), output: Arc::clone(&output) };
    let lines = Registry::default().with(Lines::new(levels.clone(), output, Pattern::DEFAULT.parse().unwrap()));
    tracing::subscriber::with_default(lines, || events(&logs));
}

/// What follows the time in each line.
fn told(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.split_once(']').unwrap().1.to_owned()).collect()
}

fn event(number: u32) {
    debug!(target: "quicgate::quic::endpoint", number, "a datagram");
}

#[test]
fn events_become_lines_and_levels_change_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.log");
    let levels = Levels::new(Level::Info);
    within(&levels, &Destination::File(path.clone()), |logs| {
        event(1);
        info!(target: "quicgate::listener::tcp", address = %"127.0.0.1:1", name = "a b", "accepted");
        logs.levels().set("quic", Level::Debug).unwrap();
        event(2);
        logs.levels().set_all(Level::Error);
        event(3);
        warn!(target: "h2", "not shown");
    });
    assert_eq!(
        told(&path),
        ["[info][listener] accepted address=127.0.0.1:1 name=\"a b\"", "[debug][quic] a datagram number=2"]
    );
}

#[test]
fn a_rotated_file_is_opened_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (path, old) = (folder.path().join("q.log"), folder.path().join("q.log.1"));
    within(&Levels::new(Level::Info), &Destination::File(path.clone()), |logs| {
        info!(target: "quicgate::server", "one");
        fs::rename(&path, &old).unwrap();
        logs.reopen().unwrap();
        info!(target: "quicgate::server", "two");
    });
    assert_eq!(told(&old), ["[info][server] one"]);
    assert_eq!(told(&path), ["[info][server] two"]);
}

#[test]
fn a_file_that_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = Output::open(&Destination::File(folder.path().join("none/q.log"))).unwrap_err();
    let message = error.to_string().replace(folder.path().to_str().unwrap(), "/var");
    insta::assert_snapshot!(message, @"cannot open the log file /var/none/q.log: No such file or directory (os error 2); name a file that can be written");
}

#[test]
fn what_a_peer_provokes_in_a_library_is_limited() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.log");
    within(&Levels::new(Level::Info), &Destination::File(path.clone()), |_| {
        for number in 0..100 {
            warn!(target: "quinn_proto::connection", number, "illegal packet");
            info!(target: "quicgate::server", number, "ours");
        }
    });
    let lines = told(&path);
    let foreign = lines.iter().filter(|line| line.contains("illegal packet")).count();
    assert!(foreign > 0 && foreign < 100, "{foreign}");
    assert_eq!(lines.len() - foreign, 100);
}
