//! Which tunnels are allowed.

use super::client::{Asked, ask};
use super::echo;
use crate::edge::Edge;
use crate::support::client::Version;

const OPTIONS: &str = "          http2_protocol_options: {allow_connect: true}
          http3_protocol_options: {allow_extended_connect: true}
";

#[tokio::test]
async fn what_is_allowed_is_said_by_the_manager_and_by_the_route() {
    let backend = echo().await;
    let websocket = |status| (Asked::Upgrade("WebSocket", "/"), status);
    let connect = |status| (Asked::Connect("a.test:443"), status);
    let rows = [
        ("", "", vec![websocket(403), connect(403)]),
        ("{upgrade_type: WEBSOCKET}", "", vec![websocket(101), connect(403), (Asked::Upgrade("web", "/"), 403)]),
        ("{upgrade_type: CONNECT}", "", vec![websocket(403), connect(200)]),
        ("{upgrade_type: websocket, enabled: false}", "", vec![websocket(403)]),
        ("", "{upgrade_type: websocket}", vec![websocket(101), connect(403)]),
        ("", "{upgrade_type: CONNECT}", vec![connect(200)]),
        ("{upgrade_type: websocket}", "{upgrade_type: websocket, enabled: false}", vec![websocket(403)]),
        ("{upgrade_type: websocket, enabled: false}", "{upgrade_type: websocket}", vec![websocket(101)]),
    ];
    for (manager, route, wants) in rows {
        let options = format!("          upgrade_configs: [{manager}]\n{OPTIONS}");
        let action = format!("route: {{cluster: backend, upgrade_configs: [{route}]}}}}\n");
        let routes = ["connect_matcher: {}", "prefix: /"]
            .map(|matched| format!("              - {{match: {{{matched}}}, {action}"));
        let edge = Edge::with(&backend, &routes.concat(), &options).await;
        for version in Version::ALL {
            for (asked, status) in &wants {
                let status = if *status == 101 && version != Version::Http1 { 200 } else { *status };
                let answered = ask(&edge, version, *asked, "").await;
                assert_eq!(answered.status, status, "{version:?} {asked:?} {manager} {route}");
            }
        }
        let stats = edge.process.stats().await;
        let granted = wants.iter().filter(|(_, status)| *status != 403).count() * 3;
        assert_eq!(
            stats.of("http.edge.downstream_cx_upgrades_total"),
            i64::try_from(granted).expect("few"),
            "{manager} {route}"
        );
        let refused = wants.len() * 3 - granted;
        assert_eq!(
            stats.of("http.edge.downstream_rq_ws_on_non_ws_route"),
            i64::try_from(refused).expect("few"),
            "{manager} {route}"
        );
    }
}

/// A 2xx would open the tunnel (RFC 9110 §9.3.6, RFC 8441 §5), and nobody has opened one.
#[tokio::test]
async fn rfc9110_9_3_6_what_the_gateway_answers_by_itself_opens_no_tunnel() {
    let backend = echo().await;
    let direct = |status| format!("direct_response: {{status: {status}, body: {{inline_string: hello}}}}");
    let mapper = "          local_reply_config: {mappers: [{status_code: 200, filter: {status_code_filter: {comparison: {op: EQ, value: {default_value: 403, runtime_key: k}}}}}]}\n";
    let allowed = "          upgrade_configs: [{upgrade_type: websocket}, {upgrade_type: CONNECT}]\n";
    let forward = "route: {cluster: backend}".to_owned();
    for (action, manager, details) in [
        (direct(200), allowed.to_owned(), "upgrade_failed"),
        (direct(204), allowed.to_owned(), "upgrade_failed"),
        (direct(403), format!("{allowed}{mapper}"), "upgrade_failed"),
        (forward, mapper.to_owned(), "upgrade_failed"),
    ] {
        let routes = ["connect_matcher: {}", "prefix: /"]
            .map(|matched| format!("              - {{match: {{{matched}}}, {action}}}\n"));
        let edge = Edge::with(&backend, &routes.concat(), &format!("{OPTIONS}{manager}")).await;
        let mut log = edge.process.log("access.log");
        log.lines_so_far();
        for version in Version::ALL {
            for asked in [Asked::Connect("a.test:443"), Asked::Upgrade("websocket", "/")] {
                let mut answered = ask(&edge, version, asked, "").await;
                if matches!((version, asked), (Version::Http1, Asked::Upgrade(..))) {
                    // There only 101 opens a tunnel.
                    assert!((200..300).contains(&answered.status), "{asked:?} {action} {}", answered.status);
                    log.lines(1).await;
                    continue;
                }
                assert_eq!(answered.status, 403, "{version:?} {asked:?} {action}");
                assert_eq!(answered.rest().await.as_deref(), Ok(""), "{version:?} {asked:?} {action}");
                let line = log.lines(1).await.remove(0);
                let seen = [&line["code"], &line["details"]].map(|value| value.to_string().replace('"', ""));
                assert_eq!(seen, ["403", details], "{version:?} {asked:?} {action}");
            }
        }
    }
    assert!(backend.received().is_empty());
}
