//! Backends that fail, and clients that leave.

use crate::scenario::{Act, Scenario, get};

pub(super) fn scenarios() -> Vec<Scenario> {
    let mut scenarios = vec![
        Scenario::get("a cluster without endpoints", "/no-endpoint"),
        Scenario::get("a connection refused", "/refused"),
        Scenario::get("a connection not answered", "/unanswered"),
        Scenario::get("the backend closes before a reply", "/said/nothing-and-close"),
        Scenario::get("the backend resets before a reply", "/said/nothing-and-reset"),
        Scenario::get("the backend speaks no HTTP", "/said/garbage"),
        Scenario::get("a reply framed twice", "/said/both-framings"),
        Scenario::get("a reply with two lengths", "/said/two-lengths"),
        Scenario::get("no reply in time", "/slow/silent"),
        Scenario::get("no end of the reply in time", "/slow/body"),
        Scenario::new("the client leaves before a reply", Act::LeaveBeforeReply(get("/hang/silent"))),
        Scenario::new("the client leaves in a reply", Act::LeaveInReply(get("/hang/body"))),
    ];
    scenarios.extend(
        [
            ("the backend closes within a body of known length", "/said/cut-by-length"),
            ("the backend resets within a body", "/said/cut-by-reset"),
            ("the backend closes within a chunk", "/said/cut-in-chunk"),
            ("the backend sends no chunk size", "/said/bad-chunk"),
        ]
        .map(|(name, path)| Scenario::new(name, Act::ReadThenRelease(get(path)))),
    );
    scenarios
}
