//! The access log of the admin interface, and `/reopen_logs`.

use serde_json::json;

use crate::rig::Rig;
use crate::support::deadline::until;
use crate::support::message::Request;

#[tokio::test]
async fn every_request_leaves_a_line() {
    let rig = Rig::start().await;
    let mut log = rig.process.log("admin.log");
    log.lines_so_far();
    rig.ask(Request::new("HEAD", "/ready?who=me")).await;
    rig.see("/quitquitquit").await;
    let form =
        Request::post("/drain_listeners", "skip_exit=on").header("content-type", "application/x-www-form-urlencoded");
    rig.ask(form).await;
    let ours = async |path: &str| {
        until(format!("the line of {path}"), async || {
            let text = std::fs::read_to_string(rig.process.directory().join("admin.log")).ok()?;
            text.lines()
                .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
                .find(|line| line["path"] == path)
        })
        .await
    };
    let expected = json!({
        "code": 200, "details": "admin_filter_response", "method": "HEAD", "path": "/ready?who=me", "received": 0,
        "remote": "127.0.0.1", "sent": 0,
    });
    assert_eq!(ours("/ready?who=me").await, expected);
    let refused = ours("/quitquitquit").await;
    assert_eq!(
        (&refused["code"], &refused["sent"]),
        (&json!(405), &json!("Method GET not allowed, POST required.".len()))
    );
    assert_eq!(ours("/drain_listeners").await["received"], "skip_exit=on".len());
}

#[tokio::test]
async fn logs_are_reopened() {
    let rig = Rig::start().await;
    let path = rig.process.directory().join("admin.log");
    std::fs::rename(&path, rig.process.directory().join("moved.log")).expect("the log can be moved");
    rig.order("/reopen_logs").await;
    until("the log to be opened again", async || path.exists().then_some(())).await;
    rig.see("/ready?after").await;
    let found = until("a line in the new file", async || {
        std::fs::read_to_string(&path).ok().filter(|text| text.contains("/ready?after"))
    });
    found.await;
}
