//! The texts of `/stats`, checked against those of Envoy.

use std::sync::Arc;

use super::*;

/// A store with one of each, and the values Envoy 1.40 was seen with.
fn store() -> Arc<Store> {
    let store = Store::new();
    let cluster = store.scope("cluster.up");
    cluster.counter("upstream_rq_total").add(23);
    cluster.counter("upstream_rq_503").add(1);
    cluster.counter("upstream_rq_timeout").add(0);
    cluster.gauge("upstream_rq_active").set(0);
    cluster.gauge("circuit_breakers.default.remaining_cx_pools").set(u64::MAX);
    let per_connection = cluster.histogram("upstream_rq_per_cx");
    for value in [1, 5, 5, 10] {
        per_connection.record(value);
    }
    store.latch();
    for value in [25, 26, 99, 100, 101, 250, 999, 1000, 1005] {
        per_connection.record(value);
    }
    let _unused = cluster.histogram("upstream_cx_length_ms");
    store.scope("cluster_manager").counter("cluster_added").add(2);
    store.scope("cluster.a-b").counter("upstream_rq_total").add(0);
    store.scope("server").gauge("live").set(1);
    store
}

fn only(filter: &str) -> Query {
    Query { filter: Some(Regex::new(filter).unwrap()), ..Query::default() }
}

#[test]
fn text_is_envoys() {
    insta::assert_snapshot!(text(&store(), &Query::default()), @r"
    cluster.a-b.upstream_rq_total: 0
    cluster.up.circuit_breakers.default.remaining_cx_pools: 18446744073709551615
    cluster.up.upstream_rq_503: 1
    cluster.up.upstream_rq_active: 0
    cluster.up.upstream_rq_timeout: 0
    cluster.up.upstream_rq_total: 23
    cluster_manager.cluster_added: 2
    server.live: 1
    cluster.up.upstream_cx_length_ms: No recorded values
    cluster.up.upstream_rq_per_cx: P0(1.05,1.05) P25(1.05,10.5) P50(5.033333333333333,99.5) P75(5.066666666666666,255) P90(10.5,1033.3333333333333) P95(10.5,1066.6666666666667) P99(10.5,1066.6666666666667) P99.5(10.5,1066.6666666666667) P99.9(10.5,1066.6666666666667) P100(10.5,1066.6666666666667)
    ");
}

#[test]
fn used_only_filter_and_kind_choose_lines() {
    let store = store();
    let used = Query { used_only: true, ..only(r"cluster\.up\.") };
    insta::assert_snapshot!(text(&store, &Query { kind: Kind::Counters, ..used.clone() }), @r"
    cluster.up.upstream_rq_503: 1
    cluster.up.upstream_rq_total: 23
    ");
    insta::assert_snapshot!(text(&store, &Query { kind: Kind::Gauges, ..used.clone() }), @r"
    cluster.up.circuit_breakers.default.remaining_cx_pools: 18446744073709551615
    cluster.up.upstream_rq_active: 0
    ");
    assert!(!text(&store, &used).contains("upstream_cx_length_ms"));
    assert_eq!(text(&store, &Query { invert: true, ..only("cluster|server") }), "");
    assert_eq!(text(&store, &Query { kind: Kind::TextReadouts, ..Query::default() }), "");
}

#[test]
fn buckets_in_text_are_envoys() {
    let (store, query) = (store(), only("per_cx"));
    insta::assert_snapshot!(text(&store, &Query { buckets: Buckets::Cumulative, ..query.clone() }), @"cluster.up.upstream_rq_per_cx: B0.5(0,0) B1(1,1) B5(3,3) B10(4,4) B25(4,5) B50(4,6) B100(4,9) B250(4,10) B500(4,10) B1000(4,13) B2500(4,13) B5000(4,13) B10000(4,13) B30000(4,13) B60000(4,13) B300000(4,13) B600000(4,13) B1.8e+06(4,13) B3.6e+06(4,13)");
    insta::assert_snapshot!(text(&store, &Query { buckets: Buckets::Disjoint, ..query.clone() }), @"cluster.up.upstream_rq_per_cx: B0.5(0,0) B1(1,1) B5(2,2) B10(1,1) B25(0,1) B50(0,1) B100(0,3) B250(0,1) B500(0,0) B1000(0,3) B2500(0,0) B5000(0,0) B10000(0,0) B30000(0,0) B60000(0,0) B300000(0,0) B600000(0,0) B1.8e+06(0,0) B3.6e+06(0,0)");
    insta::assert_snapshot!(text(&store, &Query { buckets: Buckets::Detailed, ..query }), @r"
    cluster.up.upstream_rq_per_cx:
      totals=1,0.1:1, 5,0.1:2, 10,1:1, 25,1:1, 26,1:1, 99,1:1, 100,10:2, 250,10:1, 990,10:1, 1000,100:2
      intervals=1,0.1:1, 5,0.1:2, 10,1:1
      summary=P0(1.05,1.05) P25(1.05,10.5) P50(5.033333333333333,99.5) P75(5.066666666666666,255) P90(10.5,1033.3333333333333) P95(10.5,1066.6666666666667) P99(10.5,1066.6666666666667) P99.5(10.5,1066.6666666666667) P99.9(10.5,1066.6666666666667) P100(10.5,1066.6666666666667)
    ");
}

#[test]
fn json_is_envoys() {
    let store = store();
    insta::assert_snapshot!(json(&store, &only("live|rq_total|no_such")), @r#"{"stats":[{"name":"cluster.a-b.upstream_rq_total","value":0},{"name":"cluster.up.upstream_rq_total","value":23},{"name":"server.live","value":1}]}"#);
    assert_eq!(json(&store, &only("no_such")), r#"{"stats":[]}"#);
    let quantiles: serde_json::Value = serde_json::from_str(&json(&store, &only("per_cx|length_ms"))).unwrap();
    let histograms = &quantiles["stats"][0]["histograms"];
    assert_eq!(histograms["supported_quantiles"].to_string(), "[0,25,50,75,90,95,99,99.5,99.9,100]");
    let unused = &histograms["computed_quantiles"][0];
    assert_eq!(unused["name"], "cluster.up.upstream_cx_length_ms");
    assert_eq!(unused["values"][0].to_string(), r#"{"cumulative":null,"interval":null}"#);
    let used = &histograms["computed_quantiles"][1]["values"];
    assert_eq!(used[3].to_string(), r#"{"cumulative":255,"interval":5.066666666666666}"#);
}

#[test]
fn buckets_in_json_are_envoys() {
    let (store, query) = (store(), only("per_cx"));
    let parsed = |buckets| -> serde_json::Value {
        serde_json::from_str(&json(&store, &Query { buckets, ..query.clone() })).unwrap()
    };
    let cumulative = &parsed(Buckets::Cumulative)["stats"][0]["histograms"][0]["buckets"];
    assert_eq!(cumulative[0].to_string(), r#"{"upper_bound":0.5,"interval":0,"cumulative":0}"#);
    assert_eq!(cumulative[18].to_string(), r#"{"upper_bound":3600000,"interval":4,"cumulative":13}"#);
    let disjoint = &parsed(Buckets::Disjoint)["stats"][0]["histograms"][0]["buckets"];
    assert_eq!(disjoint[2].to_string(), r#"{"upper_bound":5,"interval":2,"cumulative":2}"#);
    let detailed = &parsed(Buckets::Detailed)["stats"][0]["histograms"];
    assert_eq!(detailed["details"][0]["intervals"][1].to_string(), r#"{"lower_bound":5,"width":0.1,"count":2}"#);
    assert_eq!(detailed["supported_percentiles"][7], 99.5);
}

#[test]
fn prometheus_is_envoys() {
    insta::assert_snapshot!(prometheus(&store(), &Query::default()), @r#"
    # TYPE envoy_cluster_upstream_rq counter
    envoy_cluster_upstream_rq{envoy_response_code="503",envoy_cluster_name="up"} 1
    # TYPE envoy_cluster_upstream_rq_timeout counter
    envoy_cluster_upstream_rq_timeout{envoy_cluster_name="up"} 0
    # TYPE envoy_cluster_upstream_rq_total counter
    envoy_cluster_upstream_rq_total{envoy_cluster_name="a-b"} 0
    envoy_cluster_upstream_rq_total{envoy_cluster_name="up"} 23
    # TYPE envoy_cluster_manager_cluster_added counter
    envoy_cluster_manager_cluster_added{} 2
    # TYPE envoy_cluster_circuit_breakers_default_remaining_cx_pools gauge
    envoy_cluster_circuit_breakers_default_remaining_cx_pools{envoy_cluster_name="up"} 18446744073709551615
    # TYPE envoy_cluster_upstream_rq_active gauge
    envoy_cluster_upstream_rq_active{envoy_cluster_name="up"} 0
    # TYPE envoy_server_live gauge
    envoy_server_live{} 1
    # TYPE envoy_cluster_upstream_cx_length_ms histogram
    envoy_cluster_upstream_cx_length_ms_bucket{envoy_cluster_name="up",le="0.5"} 0
    envoy_cluster_upstream_cx_length_ms_bucket{envoy_cluster_name="up",le="1"} 0
    envoy_cluster_upstream_cx_length_ms_bucket{envoy_cluster_name="up",le="5"} 0
    envoy_cluster_upstream_cx_length_ms_bucket{envoy_cluster_name="up",le="10"} 0
    envoy_cluster_upstream_cx_length_ms_bucket{envoy_cluster_name="up",le="25"} 0
    envoy_cluster_upstream_cx_length_ms_bucket{envoy_cluster_name="up",le="50"} 0
    envoy_cluster_upstream_cx_length_ms_bucket{envoy_cluster_name="up",le="100"} 0
    envoy_cluster_upstream_cx_length_ms_bucket{envoy_cluster_name="up",le="250"} 0
    envoy_cluster_upstream_cx_length_ms_bucket{envoy_cluster_name="up",le="500"} 0
    envoy_cluster_upstream_cx_length_ms_bucket{envoy_cluster_name="up",le="1000"} 0
    envoy_cluster_upstream_cx_length_ms_bucket{envoy_cluster_name="up",le="2500"} 0
    envoy_cluster_upstream_cx_length_ms_bucket{envoy_cluster_name="up",le="5000"} 0
    envoy_cluster_upstream_cx_length_ms_bucket{envoy_cluster_name="up",le="10000"} 0
    envoy_cluster_upstream_cx_length_ms_bucket{envoy_cluster_name="up",le="30000"} 0
    envoy_cluster_upstream_cx_length_ms_bucket{envoy_cluster_name="up",le="60000"} 0
    envoy_cluster_upstream_cx_length_ms_bucket{envoy_cluster_name="up",le="300000"} 0
    envoy_cluster_upstream_cx_length_ms_bucket{envoy_cluster_name="up",le="600000"} 0
    envoy_cluster_upstream_cx_length_ms_bucket{envoy_cluster_name="up",le="1800000"} 0
    envoy_cluster_upstream_cx_length_ms_bucket{envoy_cluster_name="up",le="3600000"} 0
    envoy_cluster_upstream_cx_length_ms_bucket{envoy_cluster_name="up",le="+Inf"} 0
    envoy_cluster_upstream_cx_length_ms_sum{envoy_cluster_name="up"} 0
    envoy_cluster_upstream_cx_length_ms_count{envoy_cluster_name="up"} 0
    # TYPE envoy_cluster_upstream_rq_per_cx histogram
    envoy_cluster_upstream_rq_per_cx_bucket{envoy_cluster_name="up",le="0.5"} 0
    envoy_cluster_upstream_rq_per_cx_bucket{envoy_cluster_name="up",le="1"} 1
    envoy_cluster_upstream_rq_per_cx_bucket{envoy_cluster_name="up",le="5"} 3
    envoy_cluster_upstream_rq_per_cx_bucket{envoy_cluster_name="up",le="10"} 4
    envoy_cluster_upstream_rq_per_cx_bucket{envoy_cluster_name="up",le="25"} 5
    envoy_cluster_upstream_rq_per_cx_bucket{envoy_cluster_name="up",le="50"} 6
    envoy_cluster_upstream_rq_per_cx_bucket{envoy_cluster_name="up",le="100"} 9
    envoy_cluster_upstream_rq_per_cx_bucket{envoy_cluster_name="up",le="250"} 10
    envoy_cluster_upstream_rq_per_cx_bucket{envoy_cluster_name="up",le="500"} 10
    envoy_cluster_upstream_rq_per_cx_bucket{envoy_cluster_name="up",le="1000"} 13
    envoy_cluster_upstream_rq_per_cx_bucket{envoy_cluster_name="up",le="2500"} 13
    envoy_cluster_upstream_rq_per_cx_bucket{envoy_cluster_name="up",le="5000"} 13
    envoy_cluster_upstream_rq_per_cx_bucket{envoy_cluster_name="up",le="10000"} 13
    envoy_cluster_upstream_rq_per_cx_bucket{envoy_cluster_name="up",le="30000"} 13
    envoy_cluster_upstream_rq_per_cx_bucket{envoy_cluster_name="up",le="60000"} 13
    envoy_cluster_upstream_rq_per_cx_bucket{envoy_cluster_name="up",le="300000"} 13
    envoy_cluster_upstream_rq_per_cx_bucket{envoy_cluster_name="up",le="600000"} 13
    envoy_cluster_upstream_rq_per_cx_bucket{envoy_cluster_name="up",le="1800000"} 13
    envoy_cluster_upstream_rq_per_cx_bucket{envoy_cluster_name="up",le="3600000"} 13
    envoy_cluster_upstream_rq_per_cx_bucket{envoy_cluster_name="up",le="+Inf"} 13
    envoy_cluster_upstream_rq_per_cx_sum{envoy_cluster_name="up"} 3626
    envoy_cluster_upstream_rq_per_cx_count{envoy_cluster_name="up"} 13
    "#);
}

#[test]
fn a_summary_for_prometheus_is_of_the_interval() {
    let query = Query { buckets: Buckets::Summary, ..only("per_cx") };
    insta::assert_snapshot!(prometheus(&store(), &query), @r#"
    # TYPE envoy_cluster_upstream_rq_per_cx summary
    envoy_cluster_upstream_rq_per_cx{envoy_cluster_name="up",quantile="0"} 1.05
    envoy_cluster_upstream_rq_per_cx{envoy_cluster_name="up",quantile="0.25"} 1.05
    envoy_cluster_upstream_rq_per_cx{envoy_cluster_name="up",quantile="0.5"} 5.033333333333333
    envoy_cluster_upstream_rq_per_cx{envoy_cluster_name="up",quantile="0.75"} 5.066666666666666
    envoy_cluster_upstream_rq_per_cx{envoy_cluster_name="up",quantile="0.9"} 10.5
    envoy_cluster_upstream_rq_per_cx{envoy_cluster_name="up",quantile="0.95"} 10.5
    envoy_cluster_upstream_rq_per_cx{envoy_cluster_name="up",quantile="0.99"} 10.5
    envoy_cluster_upstream_rq_per_cx{envoy_cluster_name="up",quantile="0.995"} 10.5
    envoy_cluster_upstream_rq_per_cx{envoy_cluster_name="up",quantile="0.999"} 10.5
    envoy_cluster_upstream_rq_per_cx{envoy_cluster_name="up",quantile="1"} 10.5
    envoy_cluster_upstream_rq_per_cx_sum{envoy_cluster_name="up"} 21
    envoy_cluster_upstream_rq_per_cx_count{envoy_cluster_name="up"} 4
    "#);
}
