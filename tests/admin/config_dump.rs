//! `/config_dump`: all of the configuration, and none of its secrets.

use serde_json::{Value, json};

use crate::rig::Rig;
use crate::support::certificates::Certificates;

fn dump<'a>(configs: &'a Value, name: &str) -> &'a Value {
    let url = format!("type.googleapis.com/envoy.admin.v3.{name}");
    let found = configs["configs"].as_array().and_then(|all| all.iter().find(|one| one["@type"] == url.as_str()));
    found.expect("a dump of that type")
}

#[tokio::test]
async fn the_dumps_stand_in_envoys_order() {
    let rig = Rig::start().await;
    let configs = rig.json("/config_dump").await;
    let types = |configs: &Value| -> Vec<String> {
        let all = configs["configs"].as_array().expect("a list").iter();
        all.map(|one| one["@type"].as_str().expect("a type").rsplit('.').next().unwrap_or_default().to_owned())
            .collect()
    };
    let expected = [
        "BootstrapConfigDump",
        "ClustersConfigDump",
        "ListenersConfigDump",
        "ScopedRoutesConfigDump",
        "RoutesConfigDump",
        "SecretsConfigDump",
    ];
    assert_eq!(types(&configs), expected);
    assert_eq!(types(&rig.json("/config_dump?include_eds").await)[2], "EndpointsConfigDump");
}

#[tokio::test]
async fn what_was_written_is_shown_with_its_types() {
    let rig = Rig::start().await;
    let configs = rig.json("/config_dump").await;
    let bootstrap = &dump(&configs, "BootstrapConfigDump")["bootstrap"];
    assert_eq!(
        (&bootstrap["node"]["id"], &bootstrap["node"]["user_agent_name"]),
        (&json!("edge-1"), &json!("quicgate"))
    );
    let cluster = &dump(&configs, "ClustersConfigDump")["static_clusters"][0];
    assert_eq!(cluster["cluster"]["@type"], "type.googleapis.com/envoy.config.cluster.v3.Cluster");
    assert_eq!(
        (&cluster["cluster"]["name"], &cluster["cluster"]["connect_timeout"]),
        (&json!("backend"), &json!("0.400s"))
    );
    assert!(cluster["last_updated"].as_str().is_some_and(|time| time.ends_with('Z') && time.starts_with("20")));
    let listener = &dump(&configs, "ListenersConfigDump")["static_listeners"][0]["listener"];
    let manager = &listener["filter_chains"][0]["filters"][0]["typed_config"];
    assert_eq!(
        manager["@type"],
        "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    );
    assert_eq!((&listener["traffic_direction"], &manager["stat_prefix"]), (&json!("INBOUND"), &json!("edge")));
    let routes = dump(&configs, "RoutesConfigDump")["static_route_configs"].as_array().expect("a list");
    let names: Vec<_> = routes.iter().map(|route| &route["route_config"]["name"]).collect();
    assert_eq!(names, ["routes", "routes", "routes", "quic-routes"]);
}

/// Names that only tell a person, or a management server, what is meant: this is where they are told.
#[tokio::test]
async fn labels_are_shown() {
    let rig = Rig::start().await;
    let configs = rig.json("/config_dump").await;
    let bootstrap = &dump(&configs, "BootstrapConfigDump")["bootstrap"];
    assert_eq!(bootstrap["admin"]["access_log"][0]["name"], "label of a log");
    let resources = &bootstrap["static_resources"];
    assert_eq!(resources["clusters"][0]["load_assignment"]["cluster_name"], "label of an assignment");
    let listeners = dump(&configs, "ListenersConfigDump")["static_listeners"].as_array().expect("a list");
    for (index, name) in ["in", "out", "tls", "quic"].iter().enumerate() {
        let chain = &listeners[index]["listener"]["filter_chains"][0];
        let filter = &chain["filters"][0];
        assert_eq!(filter["name"], "label of a network filter", "{name}");
        assert_eq!(filter["typed_config"]["http_filters"][0]["name"], "label of an HTTP filter", "{name}");
        let socket = if index < 2 { Value::Null } else { json!("label of a transport socket") };
        assert_eq!(chain["transport_socket"]["name"], socket, "{name}");
    }
    let manager = &listeners[3]["listener"]["filter_chains"][0]["filters"][0]["typed_config"];
    let route = &manager["route_config"]["virtual_hosts"][0]["routes"][0]["route"];
    assert_eq!(route["early_data_policy"]["name"], "label of an extension");
    let writer = &listeners[3]["listener"]["udp_listener_config"]["udp_packet_packet_writer_config"];
    assert_eq!(writer["name"], "label of a packet writer");
}

#[tokio::test]
async fn no_private_key_leaves_the_process() {
    let rig = Rig::start().await;
    for path in ["/config_dump", "/config_dump?resource=static_listeners", "/config_dump?mask=bootstrap"] {
        let text = rig.see(path).await.text();
        assert!(
            text.contains("\"inline_string\": \"[redacted]\"") && text.contains("\"filename\": \"[redacted]\""),
            "{path}"
        );
        assert!(!text.contains("PRIVATE KEY") && !text.contains("server.key"), "{path}");
        let secret = Certificates::of_this_run().key.lines().nth(1).expect("a line of the key");
        assert!(!text.contains(secret), "{path}");
        assert!(text.contains("server.crt"), "a certificate is no secret");
    }
}

#[tokio::test]
async fn a_resource_a_mask_and_names_choose() {
    let rig = Rig::start().await;
    let names = |configs: &Value, field: &str| -> Vec<String> {
        let all = configs["configs"].as_array().into_iter().flatten();
        all.map(|one| one[field]["name"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let listeners = rig.json("/config_dump?resource=static_listeners").await;
    assert_eq!(names(&listeners, "listener"), ["in", "out", "tls", "quic"]);
    let clusters = rig.json("/config_dump?resource=static_clusters&mask=cluster.name").await;
    let expected = json!({
        "@type": "type.googleapis.com/envoy.admin.v3.ClustersConfigDump.StaticCluster",
        "cluster": { "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", "name": "backend" },
    });
    assert_eq!(clusters["configs"][0], expected);
    let chosen = rig.json("/config_dump?resource=static_clusters&name_regex=o.*").await;
    assert_eq!(names(&chosen, "cluster"), ["other"]);
    let all = rig.json("/config_dump?name_regex=backend").await;
    assert_eq!(dump(&all, "ClustersConfigDump")["static_clusters"].as_array().map(Vec::len), Some(1));
    assert_eq!(dump(&all, "ListenersConfigDump").as_object().map(serde_json::Map::len), Some(1), "only its type");
    let masked = rig.json("/config_dump?mask=bootstrap.node.id").await;
    let expected = json!([{
        "@type": "type.googleapis.com/envoy.admin.v3.BootstrapConfigDump",
        "bootstrap": { "node": { "id": "edge-1" } },
    }]);
    assert_eq!(masked["configs"], expected);
    assert_eq!(rig.see("/config_dump?resource=dynamic_listeners").await.text(), "{}\n");
    let endpoints =
        rig.json("/config_dump?include_eds&resource=static_endpoint_configs&mask=endpoint_config.cluster_name").await;
    assert_eq!(endpoints["configs"][0]["endpoint_config"]["cluster_name"], "backend");
}

#[tokio::test]
async fn what_there_is_not_is_refused() {
    let rig = Rig::start().await;
    let refusals = [
        ("resource=zzz", 404, "zzz not found in config dump"),
        ("resource=bootstrap", 400, "bootstrap is not a repeated field. Use ?mask=bootstrap to get only this field"),
        ("mask=zzz", 400, "FieldMask zzz could not be successfully applied to any configs."),
        ("resource=static_clusters&mask=cluster.zzz", 400, "FieldMask cluster.zzz could not be successfully used."),
        ("name_regex=%5B", 400, "Error while parsing name_regex from ["),
    ];
    for (query, status, text) in refusals {
        let reply = rig.see(&format!("/config_dump?{query}")).await;
        assert_eq!((reply.status, reply.text().as_str()), (status, text), "{query}");
    }
}
