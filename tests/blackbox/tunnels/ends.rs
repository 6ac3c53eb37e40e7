//! How tunnels end: each direction by itself, both when one breaks off, and in time.

use super::client::{Asked, ask};
use super::{MANAGER, ROUTES, Ways, echo, granting};
use crate::edge::Edge;
use crate::support::backend::{Backend, Script};
use crate::support::client::Version;
use crate::support::deadline::until;

#[tokio::test]
async fn what_comes_may_go_on_when_what_goes_has_ended() {
    let backend =
        Backend::start(|received| Script::bytes(granting(received)).when_released().then("still here").close()).await;
    let ways = Ways::to(&backend).await;
    for (cell, edge, version) in ways.cells() {
        let mut tunnel = ask(edge, version, Asked::Upgrade("other", "/"), "").await;
        // The script says nothing unasked, and ends by itself.
        backend.release();
        assert_eq!(tunnel.hear(10).await, "still here", "{cell}");
        assert_eq!(tunnel.rest().await.as_deref(), Ok(""), "{cell}");
    }
}

#[tokio::test]
async fn an_upstream_that_breaks_off_breaks_the_tunnel() {
    let backend =
        Backend::start(|received| Script::bytes(granting(received)).then("half").when_released().reset()).await;
    let ways = Ways::to(&backend).await;
    for (cell, edge, version) in ways.cells() {
        let mut tunnel = ask(edge, version, Asked::Upgrade("other", "/"), "").await;
        assert_eq!(tunnel.hear(4).await, "half", "{cell}");
        backend.release();
        let end = tunnel.rest().await;
        // TLS without close_notify is how HTTP/1 shows it.
        assert!(end.is_err() || version == Version::Http1, "{cell}: {end:?}");
    }
}

#[tokio::test]
async fn a_tunnel_in_which_nothing_moves_is_over() {
    let backend = echo().await;
    let manager = format!("{MANAGER}          stream_idle_timeout: 0.5s\n");
    let edge = Edge::with(&backend, ROUTES, &manager).await;
    for version in Version::ALL {
        let mut log = edge.process.log("access.log");
        log.lines_so_far();
        let mut tunnel = ask(&edge, version, Asked::Upgrade("other", "/"), "").await;
        tunnel.say("ping").await;
        assert_eq!(tunnel.hear(4).await, "ping", "{version:?}");
        drop(tunnel.rest().await);
        let line = log.lines(1).await.remove(0);
        assert_eq!(
            (&line["flags"], &line["details"]),
            (&"SI".into(), &"stream_idle_timeout".into()),
            "{version:?}: {line}"
        );
    }
    assert_eq!(edge.process.stats().await.of("http.edge.downstream_cx_upgrades_active"), 0);
}

#[tokio::test]
async fn a_tunnel_whose_client_has_left_is_over() {
    let backend = echo().await;
    let edge = Edge::with(&backend, ROUTES, MANAGER).await;
    for version in Version::ALL {
        let mut log = edge.process.log("access.log");
        log.lines_so_far();
        let tunnel = ask(&edge, version, Asked::Upgrade("other", "/"), "").await;
        let stats = edge.process.stats().await;
        let active = ["http.edge.downstream_cx_upgrades_active", "cluster.backend.upstream_cx_active"];
        assert_eq!(active.map(|name| stats.of(name)), [1, 1], "{version:?}");
        drop(tunnel);
        log.lines(1).await;
        until("nothing is active any more", async || {
            let stats = edge.process.stats().await;
            (active.map(|name| stats.of(name)) == [0, 0]).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn draining_ends_tunnels_in_its_time() {
    let backend = echo().await;
    for version in Version::ALL {
        let program = crate::support::program::Program {
            arguments: &["--drain-time-s", "1"],
            ..crate::support::program::Gateway::program()
        };
        let clusters = crate::edge::cluster("backend", &backend.address().to_string());
        let yaml = Edge::yaml_in_front_of(&clusters, ROUTES)
            .replace("          stat_prefix: edge\n", &format!("          stat_prefix: edge\n{MANAGER}"));
        let mut process = crate::support::process::Process::start(&program, &yaml).await;
        let status = {
            let edge = Edge { process };
            let mut tunnel = ask(&edge, version, Asked::Upgrade("other", "/"), "").await;
            edge.process.terminate();
            // It goes on meanwhile.
            tunnel.say("ping").await;
            assert_eq!(tunnel.hear(4).await, "ping", "{version:?}");
            process = edge.process;
            let status = process.exit().await;
            drop(tunnel.rest().await);
            status
        };
        assert!(status.success(), "{version:?}: {status}");
    }
}

#[tokio::test]
async fn what_goes_may_go_on_when_what_comes_has_ended() {
    let backend = Backend::start(|received| Script::bytes(granting(received)).then("bye").finishes()).await;
    let ways = Ways::to(&backend).await;
    for (count, (cell, edge, version)) in ways.cells().enumerate() {
        let mut log = edge.process.log("access.log");
        log.lines_so_far();
        let mut tunnel = ask(edge, version, Asked::Upgrade("other", "/"), "").await;
        assert_eq!(tunnel.rest().await.as_deref(), Ok("bye"), "{cell}");
        tunnel.say("one ").await;
        tunnel.say("more").await;
        tunnel.finish().await;
        let heard = backend.heard(count + 1).await;
        assert_eq!(heard.last().map(Vec::as_slice), Some(&b"one more"[..]), "{cell}");
        // The exchange is over with the second of the two.
        let line = log.lines(1).await.remove(0);
        assert_eq!(["received", "sent"].map(|name| line[name].to_string()), ["8", "3"], "{cell}: {line}");
    }
}
