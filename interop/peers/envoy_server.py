"""The real Envoy as an HTTP/3 server: a proxy in front of the backends."""

from envoy_front import run_envoy
from server import start, write

CONFIGURATION = """
static_resources:
  listeners:
    - address: {{ socket_address: {{ protocol: UDP, address: 127.0.0.1, port_value: {port} }} }}
      udp_listener_config: {{ quic_options: {{}}, downstream_socket_config: {{ prefer_gro: true }} }}
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                codec_type: HTTP3
                stat_prefix: server
                proxy_100_continue: true
                http_filters:
                  - name: envoy.filters.http.router
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
                route_config:
                  virtual_hosts:
                    - name: backends
                      domains: [ "*" ]
                      routes:
                        - {{ match: {{ path: /trailers }}, route: {{ cluster: backend, timeout: 0s }} }}
                        - {{ match: {{ path: /early-hints }}, route: {{ cluster: backend, timeout: 0s }} }}
                        - {{ match: {{ path: /upload }}, route: {{ cluster: backend, timeout: 0s }} }}
                        - {{ match: {{ prefix: / }}, route: {{ cluster: demo, timeout: 0s }} }}
          transport_socket:
            name: envoy.transport_sockets.quic
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.transport_sockets.quic.v3.QuicDownstreamTransport
              downstream_tls_context:
                common_tls_context:
                  tls_certificates:
                    - certificate_chain: {{ filename: "{directory}/server.crt" }}
                      private_key: {{ filename: "{directory}/server.key" }}
  clusters:
    - name: demo
      typed_extension_protocol_options: &trailers
        envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
          "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
          explicit_http_config: {{ http_protocol_options: {{ enable_trailers: true }} }}
      load_assignment:
        cluster_name: demo
        endpoints: [ {{ lb_endpoints: [ {{ endpoint: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: {demo} }} }} }} }} ] }} ]
    - name: backend
      typed_extension_protocol_options: *trailers
      load_assignment:
        cluster_name: backend
        endpoints: [ {{ lb_endpoints: [ {{ endpoint: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: {backend} }} }} }} }} ] }} ]
"""

if __name__ == "__main__":
    told = start()
    run_envoy(write(told["directory"], "server.yaml", CONFIGURATION.format(**told)))
