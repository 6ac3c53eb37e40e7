//! Certificates in files, and a configuration that names them.

use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Makes so many certificates, each with a key of its own, for `host0.test` and so on.
pub(crate) fn make(directory: &Path, count: usize) {
    for number in 0..count {
        let made = rcgen::generate_simple_self_signed([name(number)]).expect("a certificate");
        let write = |ending: &str, text: String| {
            fs::write(directory.join(format!("{number}.{ending}")), text).expect("a file is written");
        };
        write("crt", made.cert.pem());
        write("key", made.signing_key.serialize_pem());
    }
}

pub(crate) fn name(number: usize) -> String {
    format!("host{number}.test")
}

/// One listener with the first of these certificates.
pub(crate) fn configuration(directory: &Path, count: usize) -> String {
    let directory = directory.display();
    let mut text = HEAD.to_owned();
    for number in 0..count {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "            - certificate_chain: {{filename: \"{directory}/{number}.crt\"}}\n              private_key: {{filename: \"{directory}/{number}.key\"}}\n"
        );
    }
    text
}

const HEAD: &str = r#"static_resources:
  listeners:
  - name: https
    address: {socket_address: {address: 127.0.0.1, port_value: 0}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: http
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, direct_response: {status: 200}}]}]}
      transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          common_tls_context:
            tls_certificates:
"#;
