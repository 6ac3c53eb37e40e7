//! The admin interface is no way to exhaust the process.

use crate::rig::Rig;
use crate::support::deadline::until;
use crate::support::message::Request;
use crate::support::wire::{Wire, tcp};

#[tokio::test]
async fn connections_are_few_and_a_place_is_given_back() {
    let rig = Rig::start().await;
    let mut taken = Vec::new();
    // One more than there are places: it waits in the backlog, and is accepted when another goes.
    for _ in 0..65 {
        taken.push(tcp(rig.admin()).await.expect("the kernel accepts"));
    }
    let mut last = Wire::over(taken.pop().expect("the last one")).expect("a socket");
    last.write("GET /stats?filter=listener.admin.downstream_cx_active HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .expect("written");
    taken.pop();
    let reply = last.reply("GET").await;
    assert_eq!(reply.text(), "listener.admin.downstream_cx_active: 64\n");
    drop(taken);
    drop(last);
    until("all places to be free", async || {
        (rig.see("/stats?filter=listener.admin.downstream_cx_active").await.text().trim().ends_with(": 1"))
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_form_has_a_size() {
    let rig = Rig::start().await;
    let form = |size: usize| {
        Request::post("/logging", "x".repeat(size)).header("content-type", "application/x-www-form-urlencoded")
    };
    assert_eq!(rig.ask(form(64 * 1024)).await.status, 200, "a name without a value is no parameter");
    assert_eq!(rig.ask(form(64 * 1024 + 1)).await.status, 413);
}

#[tokio::test]
async fn a_head_has_a_size() {
    let rig = Rig::start().await;
    let request = Request::get("/ready").header("x-long", &"x".repeat(4 * 1024 * 1024));
    // The answer may be lost to the reset that follows it, as the client goes on writing.
    assert_ne!(rig.ask(request).await.status, 200);
    let many = (0..200).fold(Request::get("/ready"), |request, _| request.header("x-many", "1"));
    assert_eq!(rig.ask(many).await.status, 431);
}

#[tokio::test]
async fn a_request_that_never_comes_holds_up_nobody() {
    let rig = Rig::start().await;
    let mut stalled = Wire::tcp(rig.admin()).await.expect("the admin interface accepts");
    stalled.write("POST /logging HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 9\r\n\r\nlev").await.expect("written");
    assert_eq!(rig.see("/ready").await.status, 200);
    // It is answered when the patience with it is over.
    assert_eq!(stalled.reply("POST").await.status, 408);
}
