"""The real Envoy as an HTTP/3 server: a proxy in front of the backends."""

import pathlib
import urllib.request

from envoy_front import run_envoy
from server import start, write

CONFIGURATION = """
admin: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: 0 }} }} }}
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
                access_log:
                  - name: envoy.access_loggers.stderr
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StderrAccessLog
                      log_format:
                        text_format_source: {{ inline_string: "access %REQ(:PATH)% %BYTES_SENT% %RESPONSE_CODE%\\n" }}
                http_filters:
                  - name: envoy.filters.http.router
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
                route_config:
                  virtual_hosts:
                    - name: backends
                      domains: [ "*" ]
                      routes:
                        - {{ match: {{ path: /held }}, route: {{ cluster: backend, timeout: 0s }} }}
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


def drain(admin):
    """With its next response on a connection it says GOAWAY, and goes on listening."""
    address = pathlib.Path(admin).read_text(encoding="utf-8").strip()
    urllib.request.urlopen(f"http://{address}/drain_listeners?graceful&skip_exit", data=b"").close()


if __name__ == "__main__":
    told = start()
    path = write(told["directory"], "server.yaml", CONFIGURATION.format(**told))
    admin = f"{told['directory']}/server-admin"
    run_envoy(path, admin, "--concurrency", "1", "--drain-strategy", "immediate", drain=lambda _: drain(admin))
