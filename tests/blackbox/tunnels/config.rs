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
