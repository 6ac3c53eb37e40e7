//! From a dotted name to a family and its labels, by Envoy's default tag rules.
//!
//! `cluster.web.upstream_rq_503` is the family `cluster.upstream_rq` with `envoy_cluster_name="web"` and
//! `envoy_response_code="503"`. Used by `render::prometheus`; each name is taken apart once.

use regex::Regex;

/// The rules, compiled.
#[derive(Debug)]
pub(super) struct Tags(Vec<Rule>);

/// A name taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tagged {
    /// The name without what became labels: `cluster.upstream_rq`.
    pub(super) family: String,
    /// The labels as Prometheus reads them: `envoy_response_code="503",envoy_cluster_name="web"`.
    pub(super) labels: String,
}

#[derive(Debug)]
struct Rule {
    label: &'static str,
    pattern: Regex,
}

// === impl Tags ===

impl Tags {
    /// Envoy's default rules for the parts of Envoy that exist here.
    pub(super) fn envoy() -> Self {
        let rule = |&(label, pattern): &(&'static str, &str)| {
            let pattern = pattern.replace("<V>", r"[^.]+").replace("<ADDRESS>", ADDRESS);
            // A rule that did not compile would be missing, and a test with it: `every_rule_compiles`.
            Regex::new(&pattern).ok().map(|pattern| Rule { label, pattern })
        };
        Self(RULES.iter().filter_map(rule).collect())
    }

    /// Every rule looks at the whole name; what each one took is cut out at the end. A label is given once.
    pub(super) fn extract(&self, name: &str) -> Tagged {
        let mut labels: Vec<(&str, &str)> = Vec::new();
        let mut cut: Vec<(usize, usize)> = Vec::new();
        for rule in &self.0 {
            let Some(found) = rule.pattern.captures(name) else { continue };
            let (Some(outer), Some(value)) = (found.get(1), found.get(2)) else { continue };
            // Envoy's own admin listener is not an address.
            let admin = rule.label == LISTENER_ADDRESS && value.as_str() == "admin";
            if !admin && labels.iter().all(|(label, _)| *label != rule.label) {
                labels.push((rule.label, value.as_str()));
                cut.push((outer.start(), outer.end()));
            }
        }
        Tagged { family: without(name, &cut), labels: printed(&labels) }
    }
}

/// `name` without the ranges in `cut`, which may overlap.
fn without(name: &str, cut: &[(usize, usize)]) -> String {
    let kept = |index: &usize| !cut.iter().any(|(start, end)| (start..end).contains(&index));
    name.char_indices().filter(|(index, _)| kept(index)).map(|(_, character)| character).collect()
}

fn printed(labels: &[(&str, &str)]) -> String {
    let escaped = |value: &str| value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
    let pairs: Vec<_> = labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
    pairs.join(",")
}

const LISTENER_ADDRESS: &str = "envoy_listener_address";

const ADDRESS: &str = r"(?:(?:\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[[a-fA-F_\d]+\])_\d+)";

/// Label and pattern: group 1 leaves the name, group 2 is the value. `<V>` is one part of a name, `<ADDRESS>` an address and
/// port. The order is the one in which Envoy prints labels: what is more special comes first.
const RULES: &[(&str, &str)] = &[
    ("envoy_response_code", r"_rq(_(\d{3}))$"),
    ("envoy_response_code_class", r"_rq_((\d))xx$"),
    ("envoy_http_user_agent", r"^http\.<V>\.user_agent\.((<V>)\.).+"),
    ("envoy_virtual_cluster", r"^vhost\.<V>\.vcluster\.((<V>)\.).+"),
    ("envoy_fault_downstream_cluster", r"^http\.<V>\.fault\.((<V>)\.).+"),
    ("envoy_ssl_cipher", r"^(?:listener|cluster)\..*?\.ssl\.ciphers(\.([\w-]+))$"),
    ("envoy_ssl_curve", r"^(?:listener|cluster)\..*?\.ssl\.curves(\.([\w-]+))$"),
    ("envoy_ssl_sigalg", r"^(?:listener|cluster)\..*?\.ssl\.sigalgs(\.([\w-]+))$"),
    ("envoy_ssl_version", r"^(?:listener|cluster)\..*?\.ssl\.versions(\.([\w.-]+))$"),
    ("envoy_tls_certificate", r"^(?:listener|cluster)\..*?\.ssl\.certificate\.((<V>)\.).*$"),
    ("envoy_ext_authz_prefix", r"^(?:cluster|http)\.<V>\.ext_authz\.((<V>)\.).+"),
    ("envoy_tcp_prefix", r"^tcp\.((<V>)\.).+"),
    ("envoy_udp_prefix", r"^udp\.((<V>)\.).+"),
    ("envoy_ratelimit_prefix", r"^ratelimit\.((<V>)\.).+"),
    ("envoy_cluster_name", r"^cluster\.((<V>)\.).+"),
    ("envoy_rds_route_config", r"^http\.<V>\.rds\.(([\w\-./]+)\.)\w+?$"),
    (
        "envoy_rbac_policy_name",
        r"^http\.<V>\.rbac\.(?:<V>\.)?policy\.((<V>)\.)(?:allowed|shadow_allowed|denied|shadow_denied)$",
    ),
    ("envoy_rbac_http_prefix", r"^http\.<V>\.rbac\.((<V>)\.)"),
    (
        "envoy_worker_id",
        r"^(?:listener\.(?:<ADDRESS>|<V>)|server|listener_manager|thread_local_cluster_manager)\.worker_((\d+)\.)",
    ),
    ("envoy_http_conn_manager_prefix", r"^listener\..*?\.http\.((<V>)\.)"),
    ("envoy_http_conn_manager_prefix", r"^http\.((<V>)\.).+"),
    (LISTENER_ADDRESS, r"^listener\.((<ADDRESS>|<V>)\.)"),
    ("envoy_virtual_host", r"^vhost\.((<V>)\.).+"),
    ("envoy_route", r"^vhost\.<V>\.route\.((<V>)\.).+"),
    ("envoy_local_http_ratelimit_prefix", r"^((<V>)\.)http_local_rate_limit\..+"),
    ("envoy_local_network_ratelimit_prefix", r"^local_rate_limit\.((<V>)\.).+"),
    ("envoy_local_listener_ratelimit_prefix", r"^listener_local_ratelimit\.((<V>)\.).+"),
    ("envoy_connection_limit_prefix", r"^connection_limit\.((<V>)\.).+"),
    ("envoy_rbac_prefix", r"^((<V>)\.)rbac\..+"),
    ("envoy_proxy_protocol_prefix", r"^proxy_proto\.((<V>)\.).+$"),
    ("envoy_proxy_protocol_version", r"^proxy_proto\.((?:<V>\.)?versions\.v(\d)\.)\w+$"),
    ("envoy_xds_resource_name", r"^sds\.((<V>)\.).+"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_compiles() {
        assert_eq!(Tags::envoy().0.len(), RULES.len());
    }

    /// Names and what Envoy 1.40 made of them.
    #[test]
    fn names_become_the_labels_envoy_gives() {
        let tags = Tags::envoy();
        for (name, family, labels) in FACTS {
            let expected = Tagged { family: (*family).to_owned(), labels: (*labels).to_owned() };
            assert_eq!(tags.extract(name), expected, "{name}");
        }
    }

    #[test]
    fn a_label_value_is_escaped() {
        assert_eq!(printed(&[("a", "b\\\"c\nd")]), r#"a="b\\\"c\nd""#);
    }

    const FACTS: &[(&str, &str, &str)] = &[
        ("server.live", "server.live", ""),
        ("cluster_manager.active_clusters", "cluster_manager.active_clusters", ""),
        ("filesystem.write_buffered", "filesystem.write_buffered", ""),
        ("cluster.up.upstream_cx_total", "cluster.upstream_cx_total", r#"envoy_cluster_name="up""#),
        ("cluster.a.b_c.upstream_cx_total", "cluster.b_c.upstream_cx_total", r#"envoy_cluster_name="a""#),
        ("cluster.up.upstream_rq_503", "cluster.upstream_rq", r#"envoy_response_code="503",envoy_cluster_name="up""#),
        (
            "cluster.up.upstream_rq_5xx",
            "cluster.upstream_rq_xx",
            r#"envoy_response_code_class="5",envoy_cluster_name="up""#,
        ),
        (
            "cluster.up.external.upstream_rq_503",
            "cluster.external.upstream_rq",
            r#"envoy_response_code="503",envoy_cluster_name="up""#,
        ),
        (
            "cluster.up.circuit_breakers.default.rq_open",
            "cluster.circuit_breakers.default.rq_open",
            r#"envoy_cluster_name="up""#,
        ),
        ("http.ing.downstream_rq_total", "http.downstream_rq_total", r#"envoy_http_conn_manager_prefix="ing""#),
        ("http.async-client.no_route", "http.no_route", r#"envoy_http_conn_manager_prefix="async-client""#),
        (
            "http.ing.downstream_rq_1xx",
            "http.downstream_rq_xx",
            r#"envoy_response_code_class="1",envoy_http_conn_manager_prefix="ing""#,
        ),
        ("http.ing.tracing.random_sampling", "http.tracing.random_sampling", r#"envoy_http_conn_manager_prefix="ing""#),
        ("http.ing.fault.active_faults", "http.fault.active_faults", r#"envoy_http_conn_manager_prefix="ing""#),
        (
            "http.ing.fault.c.delays_injected",
            "http.fault.delays_injected",
            r#"envoy_fault_downstream_cluster="c",envoy_http_conn_manager_prefix="ing""#,
        ),
        (
            "http.ing.rds.my.route.version",
            "http.rds.version",
            r#"envoy_rds_route_config="my.route",envoy_http_conn_manager_prefix="ing""#,
        ),
        (
            "http.ing.ext_authz.extp.denied",
            "http.ext_authz.denied",
            r#"envoy_ext_authz_prefix="extp",envoy_http_conn_manager_prefix="ing""#,
        ),
        ("http1.response_flood", "http1.response_flood", ""),
        ("listener.admin.downstream_cx_total", "listener.admin.downstream_cx_total", ""),
        ("listener.admin.main_thread.downstream_cx_total", "listener.admin.main_thread.downstream_cx_total", ""),
        (
            "listener.admin.http.admin.downstream_rq_2xx",
            "listener.admin.http.downstream_rq_xx",
            r#"envoy_response_code_class="2",envoy_http_conn_manager_prefix="admin""#,
        ),
        (
            "listener.127.0.0.1_443.downstream_cx_total",
            "listener.downstream_cx_total",
            r#"envoy_listener_address="127.0.0.1_443""#,
        ),
        (
            "listener.[__1]_443.downstream_cx_total",
            "listener.downstream_cx_total",
            r#"envoy_listener_address="[__1]_443""#,
        ),
        ("listener.edge.downstream_cx_total", "listener.downstream_cx_total", r#"envoy_listener_address="edge""#),
        ("listener.st.dot.downstream_cx_total", "listener.dot.downstream_cx_total", r#"envoy_listener_address="st""#),
        (
            "listener.127.0.0.1_443.worker_1.downstream_cx_active",
            "listener.worker_downstream_cx_active",
            r#"envoy_worker_id="1",envoy_listener_address="127.0.0.1_443""#,
        ),
        (
            "listener.127.0.0.1_443.http.ing.downstream_rq_4xx",
            "listener.http.downstream_rq_xx",
            r#"envoy_response_code_class="4",envoy_http_conn_manager_prefix="ing",envoy_listener_address="127.0.0.1_443""#,
        ),
        (
            "listener.127.0.0.1_443.ssl.ciphers.TLS_AES_256_GCM_SHA384",
            "listener.ssl.ciphers",
            r#"envoy_ssl_cipher="TLS_AES_256_GCM_SHA384",envoy_listener_address="127.0.0.1_443""#,
        ),
        (
            "listener.127.0.0.1_443.ssl.versions.TLSv1.3",
            "listener.ssl.versions",
            r#"envoy_ssl_version="TLSv1.3",envoy_listener_address="127.0.0.1_443""#,
        ),
        (
            "listener.127.0.0.1_443.ssl.certificate.unnamed_cert_e3b0c442.expiration_unix_time_seconds",
            "listener.ssl.certificate.expiration_unix_time_seconds",
            r#"envoy_tls_certificate="unnamed_cert_e3b0c442",envoy_listener_address="127.0.0.1_443""#,
        ),
        ("listener_manager.listener_added", "listener_manager.listener_added", ""),
        ("server.worker_0.watchdog_miss", "server.worker_watchdog_miss", r#"envoy_worker_id="0""#),
        ("tcp.tp.downstream_cx_total", "tcp.downstream_cx_total", r#"envoy_tcp_prefix="tp""#),
        ("udp.up.downstream_sess_total", "udp.downstream_sess_total", r#"envoy_udp_prefix="up""#),
        (
            "vhost.v.vcluster.vc.upstream_rq_503",
            "vhost.vcluster.upstream_rq",
            r#"envoy_response_code="503",envoy_virtual_cluster="vc",envoy_virtual_host="v""#,
        ),
        (
            "vhost.v.route.rt.upstream_rq_5xx",
            "vhost.route.upstream_rq_xx",
            r#"envoy_response_code_class="5",envoy_virtual_host="v",envoy_route="rt""#,
        ),
        (
            "http.ing.rbac.rbp.policy.pol1.allowed",
            "http.rbac.policy.allowed",
            r#"envoy_rbac_policy_name="pol1",envoy_rbac_http_prefix="rbp",envoy_http_conn_manager_prefix="ing""#,
        ),
        ("nrb.rbac.denied", "rbac.denied", r#"envoy_rbac_prefix="nrb""#),
        (
            "connection_limit.clp.active_connections",
            "connection_limit.active_connections",
            r#"envoy_connection_limit_prefix="clp""#,
        ),
        (
            "listener_local_ratelimit.llp.rate_limited",
            "listener_local_ratelimit.rate_limited",
            r#"envoy_local_listener_ratelimit_prefix="llp""#,
        ),
        (
            "local_rate_limit.nlp.rate_limited",
            "local_rate_limit.rate_limited",
            r#"envoy_local_network_ratelimit_prefix="nlp""#,
        ),
        ("rlp.http_local_rate_limit.ok", "http_local_rate_limit.ok", r#"envoy_local_http_ratelimit_prefix="rlp""#),
        ("proxy_proto.ppx.not_found_allowed", "proxy_proto.not_found_allowed", r#"envoy_proxy_protocol_prefix="ppx""#),
        (
            "proxy_proto.ppx.versions.v1.found",
            "proxy_proto.found",
            r#"envoy_proxy_protocol_prefix="ppx",envoy_proxy_protocol_version="1""#,
        ),
    ];
}
