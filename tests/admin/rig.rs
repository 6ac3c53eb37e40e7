//! The gateway that these tests ask: two clear listeners, one of them inbound, and one under TLS.

use std::net::SocketAddr;

use serde_json::Value;

use crate::support::backend::Backend;
use crate::support::certificates::Certificates;
use crate::support::client::Client;
use crate::support::message::{Reply, Request};
use crate::support::process::Process;
use crate::support::program::{Gateway, Program};

/// A gateway with its backend.
pub(crate) struct Rig {
    pub(crate) process: Process,
    pub(crate) backend: Backend,
}

impl Rig {
    /// In front of a backend that echoes.
    pub(crate) async fn start() -> Self {
        Self::in_front_of(Backend::echo().await).await
    }

    /// In front of this backend.
    pub(crate) async fn in_front_of(backend: Backend) -> Self {
        Self { process: Gateway::start(&yaml(&backend)).await, backend }
    }

    /// The same, with arguments of its own.
    pub(crate) async fn with(arguments: &'static [&'static str]) -> Self {
        let backend = Backend::echo().await;
        let program = Program { arguments, ..Gateway::program() };
        Self { process: Process::start(&program, &yaml(&backend)).await, backend }
    }

    /// Where the admin interface listens.
    pub(crate) fn admin(&self) -> SocketAddr {
        let file = self.process.directory().join("admin-address");
        let address = std::fs::read_to_string(file).expect("--admin-address-path was written");
        address.trim().parse().expect("an address")
    }

    /// Sends `request` to the admin interface, on a connection of its own.
    pub(crate) async fn ask(&self, request: Request) -> Reply {
        Client::http1(self.admin(), None).await.expect("the admin interface accepts").send(request).await
    }

    /// GET on the admin interface.
    pub(crate) async fn see(&self, path: &str) -> Reply {
        self.ask(Request::get(path)).await
    }

    /// POST on the admin interface, which has to be answered with `OK`.
    pub(crate) async fn order(&self, path: &str) {
        let reply = self.ask(Request::new("POST", path)).await;
        assert_eq!((reply.status, reply.text().as_str()), (200, "OK\n"), "{path}");
    }

    /// GET on the admin interface, read as JSON.
    pub(crate) async fn json(&self, path: &str) -> Value {
        let reply = self.see(path).await;
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")), "{path}");
        serde_json::from_slice(&reply.body).expect("JSON")
    }

    /// The value of one counter or gauge.
    pub(crate) async fn stat(&self, name: &str) -> i64 {
        self.process.stats().await.of(name)
    }
}

fn yaml(backend: &Backend) -> String {
    let port = backend.port();
    let key = Certificates::of_this_run().key.replace('\n', "\\n");
    YAML.replace("$PORT", &port.to_string()).replace("$KEY", &key)
}

const YAML: &str = r#"
node: {id: edge-1, cluster: edges, locality: {region: r, zone: z, sub_zone: s}}
admin:
  address: {socket_address: {address: 127.0.0.1, port_value: 0}}
  access_log:
  - name: label of a log
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
      path: ${dir}/admin.log
      log_format:
        json_format:
          method: "%REQ(:METHOD)%"
          path: "%REQ(:PATH)%"
          code: "%RESPONSE_CODE%"
          details: "%RESPONSE_CODE_DETAILS%"
          sent: "%BYTES_SENT%"
          received: "%BYTES_RECEIVED%"
          remote: "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"
static_resources:
  clusters:
  - name: backend
    connect_timeout: 0.4s
    load_assignment:
      cluster_name: label of an assignment
      endpoints:
      - locality: {region: here, zone: a, sub_zone: a1}
        lb_endpoints:
        - endpoint: {hostname: first, address: {socket_address: {address: 127.0.0.1, port_value: $PORT}}}
          load_balancing_weight: 3
  - {name: other, load_assignment: {cluster_name: other}}
  listeners:
  - name: in
    traffic_direction: INBOUND
    address: {socket_address: {address: 127.0.0.1, port_value: 0}}
    filter_chains:
    - filters: &filters
      - name: label of a network filter
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: edge
          http_filters:
          - name: label of an HTTP filter
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            name: routes
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes: [{match: {prefix: /}, route: {cluster: backend, timeout: 20s}}]
  - name: out
    traffic_direction: OUTBOUND
    address: {socket_address: {address: 127.0.0.1, port_value: 0}}
    filter_chains: [{filters: *filters}]
  - name: tls
    address: {socket_address: {address: 127.0.0.1, port_value: 0}}
    filter_chains:
    - filters: *filters
      transport_socket:
        name: label of a transport socket
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          common_tls_context:
            alpn_protocols: [h2, http/1.1]
            tls_certificates:
            - certificate_chain: {filename: "${dir}/server.crt"}
              private_key: {inline_string: "$KEY"}
  - name: quic
    address: {socket_address: {protocol: UDP, address: 127.0.0.1, port_value: 0}}
    udp_listener_config:
      quic_options: {}
      udp_packet_packet_writer_config:
        name: label of a packet writer
        typed_config: {"@type": type.googleapis.com/envoy.extensions.udp_packet_writer.v3.UdpGsoBatchWriterFactory}
    filter_chains:
    - filters:
      - name: label of a network filter
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: quic
          codec_type: HTTP3
          http_filters:
          - name: label of an HTTP filter
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            name: quic-routes
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {prefix: /}
                route:
                  cluster: backend
                  timeout: 20s
                  early_data_policy:
                    name: label of an extension
                    typed_config: {"@type": type.googleapis.com/envoy.extensions.early_data.v3.DefaultEarlyDataPolicy}
      transport_socket:
        name: label of a transport socket
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.quic.v3.QuicDownstreamTransport
          downstream_tls_context:
            common_tls_context:
              tls_certificates:
              - certificate_chain: {filename: "${dir}/server.crt"}
                private_key: {filename: "${dir}/server.key"}
"#;
