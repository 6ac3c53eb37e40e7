//! `/stats` in its forms, and what is counted of the process itself.

use serde_json::Value;

use crate::exposition;
use crate::rig::Rig;
use crate::support::message::Request;

async fn served() -> Rig {
    let rig = Rig::start().await;
    let client = rig.process.plain_client("in").await;
    for _ in 0..3 {
        assert_eq!(client.send(Request::get("/")).await.status, 200);
    }
    rig
}

fn names(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| Some(line.split_once(": ")?.0)).collect()
}

#[tokio::test]
async fn text_is_sorted_scalars_then_histograms() {
    let rig = served().await;
    let text = rig.see("/stats").await.text();
    let is_histogram = |line: &&str| line.contains(": P0(") || line.ends_with(": No recorded values");
    let scalars: Vec<&str> = text.lines().take_while(|line| !is_histogram(line)).collect();
    assert!(names(&scalars.join("\n")).is_sorted());
    assert!(scalars.contains(&"cluster.backend.upstream_rq_total: 3"), "{text}");
    let histograms = &text.lines().collect::<Vec<_>>()[scalars.len()..];
    assert!(!histograms.is_empty() && histograms.iter().all(is_histogram), "{histograms:?}");
    assert!(histograms.iter().any(|line| line.starts_with("cluster.backend.upstream_rq_time: P0(")));
}

#[tokio::test]
async fn filters_choose_by_name_by_use_and_by_type() {
    let rig = served().await;
    let see = async |query: &str| rig.see(&format!("/stats?{query}")).await.text();
    let all = see("").await;
    let chosen = see("filter=^cluster\\.backend\\.upstream_rq_2").await;
    assert_eq!(chosen, "cluster.backend.upstream_rq_200: 3\ncluster.backend.upstream_rq_2xx: 3\n");
    let rest = see("filter=upstream&invert_filter").await;
    assert!(!rest.contains("upstream") && rest.contains("server.live: 1\n"));
    let used = see("usedonly").await;
    assert!(used.lines().count() < all.lines().count() && !used.contains("No recorded values"));
    assert!(all.contains("cluster.other.upstream_rq_total: 0\n") && !used.contains("cluster.other.upstream_rq_total"));
    assert!(see("type=Gauges").await.contains("server.state: 0\n"));
    assert!(!see("type=Gauges").await.contains("upstream_rq_total"));
    assert!(see("type=Histograms").await.lines().all(|line| line.contains(": P0(") || line.contains("No recorded")));
    assert_eq!(see("type=TextReadouts").await, "");
    let buckets = see("filter=cluster.backend.upstream_rq_time$&histogram_buckets=cumulative").await;
    assert!(
        buckets.starts_with("cluster.backend.upstream_rq_time: B0.5(") && buckets.trim().ends_with(",3)"),
        "{buckets}"
    );
}

#[tokio::test]
async fn json_has_envoys_shape() {
    let rig = served().await;
    let stats = rig.json("/stats?format=json").await;
    let stats = stats["stats"].as_array().expect("a list");
    let (histograms, scalars) = stats.split_last().expect("statistics");
    assert!(scalars.iter().all(|stat| stat["name"].is_string() && stat["value"].is_u64()));
    let requests = scalars.iter().find(|stat| stat["name"] == "cluster.backend.upstream_rq_total");
    assert_eq!(requests.expect("a counter")["value"], 3);
    let histograms = &histograms["histograms"];
    assert_eq!(histograms["supported_quantiles"], serde_json::json!([0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 100]));
    let time = histograms["computed_quantiles"].as_array().expect("a list").iter();
    let time = time.clone().find(|one| one["name"] == "cluster.backend.upstream_rq_time").expect("a histogram");
    assert_eq!(time["values"].as_array().map(Vec::len), Some(10));
    assert!(time["values"].as_array().is_some_and(|all| all.iter().all(|one| one["cumulative"].is_number())));
}

#[tokio::test]
async fn html_is_a_form_with_the_same_statistics() {
    let rig = served().await;
    let page = rig.see("/stats?format=html&filter=%3Cb%3E%7Cserver.state").await.text();
    assert!(page.contains("<pre>server.state: 0\n</pre>"), "{page}");
    assert!(page.contains("value=\"&lt;b&gt;|server.state\"") && !page.contains("<b>"));
}

#[tokio::test]
async fn what_there_is_not_is_refused() {
    let rig = Rig::start().await;
    let refusals = [
        ("/stats?format=xx", "usage: /stats?format=(html|json|prometheus|text)\n\n"),
        ("/stats?filter=%5B", "Invalid re2 regex: unclosed character class"),
        ("/stats?type=zz", "invalid &type= param"),
        ("/stats?histogram_buckets=zz", "usage: /stats?histogram_buckets=(cumulative|disjoint|detailed|summary)\n"),
        ("/stats/prometheus?histogram_buckets=detailed", "unsupported prometheus histogram bucket mode"),
    ];
    for (path, text) in refusals {
        let reply = rig.see(path).await;
        assert_eq!((reply.status, reply.text().as_str()), (400, text), "{path}");
    }
}

#[tokio::test]
async fn prometheus_can_read_all_of_it() {
    let rig = served().await;
    let text = rig.see("/stats/prometheus").await.text();
    let samples = exposition::check(&text).unwrap_or_else(|fault| panic!("{fault}"));
    let value = |name: &str, label: (&str, &str)| {
        let found = samples.iter().find(|sample| {
            sample.name == name && sample.labels.iter().any(|(name, value)| (name.as_str(), value.as_str()) == label)
        });
        found.map(|sample| sample.value)
    };
    let backend = ("envoy_cluster_name", "backend");
    assert_eq!(value("envoy_cluster_upstream_rq_total", backend), Some(3.0));
    assert_eq!(value("envoy_cluster_upstream_rq", ("envoy_response_code", "200")), Some(3.0));
    assert_eq!(value("envoy_cluster_upstream_rq_time_count", backend), Some(3.0));
    let live = samples.iter().find(|sample| sample.name == "envoy_server_live");
    assert_eq!(live.map(|sample| sample.value), Some(1.0));
    assert_eq!(
        rig.see("/stats?format=prometheus&filter=server.live").await.text(),
        "# TYPE envoy_server_live gauge\nenvoy_server_live{} 1\n"
    );
}

#[tokio::test]
async fn prometheus_can_read_the_other_forms_too() {
    let rig = served().await;
    for query in ["usedonly", "filter=cluster", "histogram_buckets=summary", "filter=upstream_rq&invert_filter"] {
        let text = rig.see(&format!("/stats/prometheus?{query}")).await.text();
        let samples = exposition::check(&text).unwrap_or_else(|fault| panic!("{query}: {fault}"));
        assert!(!samples.is_empty(), "{query}");
    }
}

#[tokio::test]
async fn counters_are_reset_and_gauges_stay() {
    let rig = served().await;
    assert_eq!(rig.stat("cluster.backend.upstream_rq_total").await, 3);
    rig.order("/reset_counters").await;
    let stats = rig.process.stats().await;
    assert_eq!(stats.of("cluster.backend.upstream_rq_total"), 0);
    assert_eq!(stats.of("cluster.backend.membership_total"), 1);
    assert_eq!(stats.of("listener_manager.total_listeners_active"), 4);
}

#[tokio::test]
async fn the_process_is_counted_as_it_is() {
    let rig = Rig::start().await;
    let client = rig.process.plain_client("in").await;
    client.send(Request::get("/")).await;
    let stats = rig.process.stats().await;
    let expected = [
        ("server.live", 1),
        ("server.state", 0),
        ("server.concurrency", 2),
        ("server.total_connections", 1),
        ("server.hot_restart_epoch", 0),
        ("listener_manager.listener_added", 4),
        ("listener_manager.listener_create_success", 8),
        ("listener_manager.total_listeners_active", 4),
        ("listener_manager.workers_started", 1),
        ("cluster_manager.active_clusters", 2),
        ("cluster_manager.cluster_added", 2),
    ];
    for (name, value) in expected {
        assert_eq!(stats.of(name), value, "{name}");
    }
    let certificate = stats.of("server.days_until_first_cert_expiring");
    assert!(certificate > 0 && certificate < i64::from(u32::MAX), "{certificate}");
    let memory = rig.json("/memory").await;
    let figure =
        |name: &str| memory[name].as_str().and_then(|text| text.parse::<i64>().ok()).expect("a string of digits");
    for (stat, field) in [
        ("memory_allocated", "allocated"),
        ("memory_heap_size", "heap_size"),
        ("memory_physical_size", "total_physical_bytes"),
    ] {
        assert!(stats.of(&format!("server.{stat}")) > 100_000 && figure(field) > 100_000, "{stat}");
    }
    assert!(figure("total_physical_bytes") >= figure("allocated"));
}

#[tokio::test]
async fn what_comes_to_the_admin_interface_is_counted_too() {
    let rig = Rig::start().await;
    rig.order("/reset_counters").await;
    rig.see("/ready").await;
    rig.see("/nope").await;
    let stats: Value = rig.json("/stats?format=json&filter=^http.admin.downstream_rq&type=Counters").await;
    let value = |name: &str| {
        stats["stats"]
            .as_array()
            .and_then(|all| all.iter().find(|one| one["name"] == name))
            .map(|one| one["value"].clone())
    };
    assert_eq!(value("http.admin.downstream_rq_total"), Some(3.into()));
    // The reset itself is answered after it has reset.
    assert_eq!(value("http.admin.downstream_rq_2xx"), Some(2.into()));
    assert_eq!(value("http.admin.downstream_rq_4xx"), Some(1.into()));
}
