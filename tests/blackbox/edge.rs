//! The edge that most tests stand on: three listeners with the same routes, one backend, logs in JSON.

use crate::support::backend::Backend;
use crate::support::client::{Client, Version};
use crate::support::process::Process;
use crate::support::program::{Gateway, Program};

/// A gateway on three listeners (`http`, `https`, `http3`), with routes as given.
pub(crate) struct Edge {
    pub(crate) process: Process,
}

impl Edge {
    /// Routes are the items of a `routes` list; the cluster `backend` is the backend.
    pub(crate) async fn start(backend: &Backend, routes: &str) -> Self {
        Self::with(backend, routes, "").await
    }

    /// The same, with more fields for every connection manager.
    pub(crate) async fn with(backend: &Backend, routes: &str, manager: &str) -> Self {
        let yaml = yaml(routes, manager, &cluster("backend", &backend.address().to_string()));
        Self { process: Gateway::start(&yaml).await }
    }

    /// The same with everything to the backend, by another program.
    pub(crate) async fn by(program: &Program, backend: &Backend) -> Self {
        let yaml = yaml(ALL, "", &cluster("backend", &backend.address().to_string()));
        Self { process: Process::start(program, &yaml).await }
    }

    /// The same in front of any clusters.
    pub(crate) async fn in_front_of(clusters: &str, routes: &str, manager: &str) -> Self {
        Self { process: Gateway::start(&yaml(routes, manager, clusters)).await }
    }

    /// The YAML of the same.
    pub(crate) fn yaml_in_front_of(clusters: &str, routes: &str) -> String {
        yaml(routes, "", clusters)
    }

    /// A gateway on this YAML.
    pub(crate) async fn of(yaml: &str) -> Self {
        Self { process: Gateway::start(yaml).await }
    }

    /// The same, with texts of the configuration replaced wherever they stand.
    pub(crate) async fn altered(backend: &Backend, changes: &[(&str, &str)]) -> Self {
        let mut yaml = yaml(ALL, "", &cluster("backend", &backend.address().to_string()));
        for (from, to) in changes {
            assert!(yaml.contains(from), "nothing to replace: {from}");
            yaml = yaml.replace(from, to);
        }
        Self { process: Gateway::start(&yaml).await }
    }

    /// The same with a fourth listener, `other`: `http3` once more, with texts replaced.
    pub(crate) async fn beside(program: &Program, backend: &Backend, changes: &[(&str, &str)]) -> Self {
        let yaml = yaml(ALL, "", &cluster("backend", &backend.address().to_string()));
        let mut other = listener("http3", ALL, "").replace("- name: http3", "- name: other");
        for (from, to) in changes {
            assert!(other.contains(from), "nothing to replace: {from}");
            other = other.replace(from, to);
        }
        let yaml = yaml.replace("  clusters:\n", &format!("{other}  clusters:\n"));
        Self { process: Process::start(program, &yaml).await }
    }

    /// The same, with `https` and `http3` on one port.
    pub(crate) async fn on_one_port(backend: &Backend, port: u16) -> Self {
        Self::on_one_port_with(backend, port, "{}").await
    }

    /// The same with these `quic_options`.
    pub(crate) async fn on_one_port_with(backend: &Backend, port: u16, options: &str) -> Self {
        let yaml = yaml(ALL, "", &cluster("backend", &backend.address().to_string()));
        let yaml = yaml.replace("quic_options: {}", &format!("quic_options: {options}"));
        let (http, rest) = yaml.split_at(yaml.find("  - name: https").expect("the second listener"));
        let rest = rest.replace("port_value: 0}", &format!("port_value: {port}}}"));
        Self { process: Gateway::start(&format!("{http}{rest}")).await }
    }

    /// A connection of that version, under TLS.
    pub(crate) async fn client(&self, version: Version) -> Client {
        let listener = if version == Version::Http3 { "http3" } else { "https" };
        self.process.client(version, listener).await
    }
}

/// A cluster with one host.
pub(crate) fn cluster(name: &str, address: &str) -> String {
    let (ip, port) = address.rsplit_once(':').expect("an address with a port");
    // Only where nobody answers is it worth giving up early.
    let patience = if name == "unanswering" { "0.5s" } else { "20s" };
    format!(
        "  - name: {name}
    connect_timeout: {patience}
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        \"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {{http_protocol_options: {{enable_trailers: true}}}}
    load_assignment:
      cluster_name: {name}
      endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: {ip}, port_value: {port}}}}}}}}}]}}]
"
    )
}

fn yaml(routes: &str, manager: &str, clusters: &str) -> String {
    let listeners: String = ["http", "https", "http3"].iter().map(|name| listener(name, routes, manager)).collect();
    format!("static_resources:\n  listeners:\n{listeners}  clusters:\n{clusters}")
}

fn listener(name: &str, routes: &str, manager: &str) -> String {
    let protocol = if name == "http3" { "protocol: UDP, " } else { "" };
    let udp = if name == "http3" { "    udp_listener_config: {quic_options: {}}\n" } else { "" };
    let codec = if name == "http3" { "          codec_type: HTTP3\n" } else { "" };
    let certificates = "tls_certificates: [{certificate_chain: {filename: \"${dir}/server.crt\"}, private_key: {filename: \"${dir}/server.key\"}}]";
    let transport = match name {
        "https" => format!(
            "      transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          common_tls_context: {{alpn_protocols: [h2, http/1.1], {certificates}}}
"
        ),
        "http3" => format!(
            "      transport_socket:
        name: envoy.transport_sockets.quic
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.quic.v3.QuicDownstreamTransport
          downstream_tls_context: {{common_tls_context: {{{certificates}}}}}
"
        ),
        _ => String::new(),
    };
    format!(
        "  - name: {name}
    address: {{socket_address: {{{protocol}address: 127.0.0.1, port_value: 0}}}}
{udp}    access_log:
    - name: envoy.access_loggers.file
      typed_config:
        \"@type\": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
        path: ${{dir}}/connections.log
        log_format: {{json_format: {{listener: {name}, reason: \"%DOWNSTREAM_TRANSPORT_FAILURE_REASON%\", remote: \"%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%\"}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: edge
{codec}{manager}          http_protocol_options: {{enable_trailers: true}}
          access_log:
          - name: envoy.access_loggers.file
            typed_config:
              \"@type\": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
              path: ${{dir}}/access.log
              log_format:
                json_format:
                  method: \"%REQ(:METHOD)%\"
                  path: \"%REQ(:PATH)%\"
                  code: \"%RESPONSE_CODE%\"
                  flags: \"%RESPONSE_FLAGS%\"
                  details: \"%RESPONSE_CODE_DETAILS%\"
                  protocol: \"%PROTOCOL%\"
                  received: \"%BYTES_RECEIVED%\"
                  sent: \"%BYTES_SENT%\"
                  cluster: \"%UPSTREAM_CLUSTER%\"
                  upstream: \"%UPSTREAM_HOST%\"
                  upstream_protocol: \"%UPSTREAM_PROTOCOL%\"
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
          route_config:
            name: edge
            virtual_hosts:
            - name: edge
              domains: [\"*\"]
              routes:
{routes}{transport}"
    )
}

/// Everything to the backend.
pub(crate) const ALL: &str = "              - {match: {prefix: /}, route: {cluster: backend}}\n";
