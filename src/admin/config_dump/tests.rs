//! What the parameters of a dump choose, and what they are refused with.

use prost_types::Any;

use super::*;
use crate::config::proto::envoy::admin::v3::clusters_config_dump::StaticCluster;
use crate::config::proto::envoy::admin::v3::{BootstrapConfigDump, ClustersConfigDump};
use crate::config::proto::envoy::config::bootstrap::v3::Bootstrap;
use crate::config::proto::envoy::config::cluster::v3::Cluster;
use crate::config::proto::envoy::config::core::v3::Node;

fn dumps() -> Vec<DynamicMessage> {
    let node = Node { id: "n1".to_owned(), cluster: "c1".to_owned(), ..Node::default() };
    let bootstrap = Bootstrap { node: Some(node), ..Bootstrap::default() };
    let at = Some(prost_types::Timestamp { seconds: 1, nanos: 0 });
    let cluster = |name: &str| Cluster { name: name.to_owned(), alt_stat_name: "alt".to_owned(), ..Cluster::default() };
    let one = |name: &str| StaticCluster { cluster: Some(Any::from_msg(&cluster(name)).unwrap()), last_updated: at };
    let clusters = ClustersConfigDump { static_clusters: vec![one("b"), one("c")], ..Default::default() };
    let bootstrap = BootstrapConfigDump { bootstrap: Some(bootstrap), last_updated: at };
    [json::dynamic(&bootstrap), json::dynamic(&clusters)].into_iter().flatten().collect()
}

fn chosen(query: &str) -> Result<Value, Refusal> {
    let chosen = choose(dumps(), &Query::parse(query))?;
    Ok(chosen.iter().map(json::with_type).collect())
}

#[test]
fn without_parameters_all_is_dumped() {
    let all = chosen("").unwrap();
    assert_eq!(all[0]["@type"], "type.googleapis.com/envoy.admin.v3.BootstrapConfigDump");
    assert_eq!(all[1]["static_clusters"][1]["cluster"]["name"], "c");
}

#[test]
fn a_resource_is_dumped_by_its_elements() {
    let clusters = chosen("resource=static_clusters").unwrap();
    assert_eq!(clusters.as_array().unwrap().len(), 2);
    assert_eq!(clusters[0]["@type"], "type.googleapis.com/envoy.admin.v3.ClustersConfigDump.StaticCluster");
    assert_eq!(chosen("resource=dynamic_active_clusters").unwrap(), json!([]));
}

#[test]
fn a_mask_reaches_into_what_is_packed() {
    let clusters = chosen("resource=static_clusters&mask=cluster.name").unwrap();
    let expected = json!({
        "@type": "type.googleapis.com/envoy.admin.v3.ClustersConfigDump.StaticCluster",
        "cluster": { "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", "name": "b" },
    });
    assert_eq!(clusters[0], expected);
}

#[test]
fn a_mask_alone_drops_the_configurations_that_it_does_not_fit() {
    let expected = json!([{
        "@type": "type.googleapis.com/envoy.admin.v3.BootstrapConfigDump",
        "bootstrap": { "node": { "id": "n1" } },
        "last_updated": "1970-01-01T00:00:01Z",
    }]);
    assert_eq!(chosen("mask=bootstrap.node.id,last_updated").unwrap(), expected);
}

#[test]
fn refusals_are_envoys() {
    let refused = |query| {
        let refusal = chosen(query).unwrap_err();
        format!("{} {refusal}", refusal.status().as_u16())
    };
    let queries = [
        "resource=zzz",
        "resource=last_updated",
        "mask=zzz",
        "mask=static_clusters.cluster.name",
        "mask=bootstrap.node.id,static_clusters",
        "resource=static_clusters&mask=cluster.zzz",
        "resource=static_clusters&mask=cluster.name.x",
    ];
    insta::assert_snapshot!(queries.map(refused).join("\n"), @r"
    404 zzz not found in config dump
    400 last_updated is not a repeated field. Use ?mask=last_updated to get only this field
    400 FieldMask zzz could not be successfully applied to any configs.
    400 FieldMask static_clusters.cluster.name could not be successfully applied to any configs.
    400 FieldMask bootstrap.node.id,static_clusters could not be successfully applied to any configs.
    400 FieldMask cluster.zzz could not be successfully used.
    400 FieldMask cluster.name.x could not be successfully used.
    ");
}

#[test]
fn a_mask_leads_no_deeper_than_a_message_goes() {
    let deep = |times| format!("mask=bootstrap{}", ".listener_manager.typed_config".repeat(times));
    assert!(chosen(&deep(1)).is_ok(), "what would be packed there is not known");
    assert!(matches!(chosen(&deep(20_000)), Err(Refusal::MaskFitsNone(_))));
}

#[test]
fn a_name_is_matched_as_a_whole() {
    let names = |query| Names::asked(&Query::parse(query));
    let some = names("name_regex=a|bc").unwrap();
    assert_eq!([some.take("a"), some.take("bc"), some.take("abc")], [true, true, false]);
    assert!(names("").unwrap().take("anything"));
    assert_eq!(names("name_regex=%5B").unwrap_err(), Refusal::NoRegex("[".to_owned()));
}
