//! The configuration as text: `edge.yaml.in` with its places filled.
//!
//! Nothing that is filled in can end the place it stands in: names and paths have no quote, backslash or line end (they
//! were parsed), addresses are printed by Rust, and names of files are written as JSON, which YAML reads.

use std::fmt::Write as _;
use std::net::SocketAddr;

use super::fill::fill;
use super::hosts::{Route, VirtualHost};
use super::plan::{Certificates, Plan};

impl Plan {
    /// The text, which ends with a line end.
    pub(super) fn yaml(&self) -> String {
        let (ip, port) = (self.https.ip().to_string(), self.https.port().to_string());
        let text = fill(
            EDGE,
            &[
                ("ip", &ip),
                ("port", &port),
                ("places", &self.listed()),
                ("admin", &self.admin.map_or_else(String::new, admin)),
                ("virtual_hosts", &self.hosts.iter().map(virtual_host).collect::<String>()),
                ("about_certificates", &self.certificates.comment()),
                ("chain", &quoted(&self.certificates.chain)),
                ("key", &quoted(&self.certificates.key)),
                ("http", &self.http.map_or_else(String::new, |http| redirector(http, self.https.port()))),
                ("clusters", &self.hosts.iter().flat_map(|host| &host.routes).map(cluster).collect::<String>()),
            ],
        );
        format!("{}\n", text.trim_end())
    }

    fn listed(&self) -> String {
        self.places().fold(String::new(), |mut lines, (place, endpoints)| {
            let _ = writeln!(lines, "#   {place:24} -> {endpoints}");
            lines
        })
    }
}

impl Certificates {
    fn comment(&self) -> String {
        let Some(local) = &self.local else { return String::new() };
        let mut text = format!(
            "            # Made by Quicgate, for localhost and the names of the sites. For clients to trust: {}\n",
            local.ca
        );
        for name in &local.uncovered {
            let _ = writeln!(
                text,
                "            # No certificate can be made for `{name}`: for other names bring your own."
            );
        }
        text
    }
}

fn admin(address: SocketAddr) -> String {
    let (ip, port) = (address.ip(), address.port());
    format!(
        "
# Statistics, readiness, what is configured. Whoever reaches it can stop the gateway: keep it on loopback.
admin:
  address: {{socket_address: {{address: \"{ip}\", port_value: {port}}}}}
"
    )
}

fn virtual_host(host: &VirtualHost) -> String {
    let name = &host.name;
    let mut text =
        format!("            - name: \"{name}\"\n              domains: [\"{name}\"]\n              routes:\n");
    if host.routes.len() > 1 {
        text.push_str("              # The first that matches is taken.\n");
    }
    for route in &host.routes {
        let path = route.path.as_str();
        let field = if route.path.is_root() { "prefix" } else { "path_separated_prefix" };
        let _ = writeln!(text, "              - match: {{{field}: \"{path}\"}}");
        let _ = writeln!(text, "                route: {{cluster: \"{}\", timeout: 0s}}", route.place);
    }
    text
}

fn cluster(route: &Route) -> String {
    let place = &route.place;
    let mut text = String::new();
    for (name, addresses) in &route.looked_up {
        let _ = writeln!(
            text,
            "  # `{name}` was looked up once, as {addresses}: write another address here when it moves."
        );
    }
    let _ = write!(
        text,
        "  - name: \"{place}\"
    connect_timeout: 5s
    load_assignment:
      cluster_name: \"{place}\"
      endpoints:
      - lb_endpoints:
"
    );
    for endpoint in &route.endpoints {
        let (ip, port) = (endpoint.ip(), endpoint.port());
        let address = format!("{{socket_address: {{address: \"{ip}\", port_value: {port}}}}}");
        let _ = writeln!(text, "        - endpoint: {{address: {address}}}");
    }
    text
}

fn redirector(http: SocketAddr, https_port: u16) -> String {
    // A port in the request stays without `port_redirect`, unless it is the default one; so 443 is left out only for 80.
    let redirect = match (http.port(), https_port) {
        (80, 443) => "https_redirect: true".to_owned(),
        _ => format!("https_redirect: true, port_redirect: {https_port}"),
    };
    let (ip, port) = (http.ip().to_string(), http.port().to_string());
    fill(HTTP, &[("ip", &ip), ("port", &port), ("redirect", &redirect)])
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

const EDGE: &str = include_str!("edge.yaml.in");
const HTTP: &str = include_str!("http.yaml.in");
