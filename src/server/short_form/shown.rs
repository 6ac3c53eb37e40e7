//! What a person sees of the sites once they are served, and the commands to go on with.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::args::{AdminAddress, ShortFormArgs};
use super::plan::{Local, Plan};
use super::shell::word;

impl Plan {
    /// Lines for the banner: where each site leads, what to try, what to do next.
    pub(super) fn lines(&self, args: &ShortFormArgs) -> String {
        let mut text = String::new();
        for (place, endpoints) in self.places() {
            let _ = writeln!(text, "  {place:24}  -> {endpoints}");
        }
        let mut title = "Try ";
        for command in self.commands() {
            let _ = writeln!(text, "{title:5} {command}");
            title = "";
        }
        let _ = writeln!(text, "Next  {} > edge.yaml", expand(args, self.https.port()));
        text.push_str("      Ctrl-C drains, twice stops\n");
        text
    }

    /// Commands that reach the first site as they stand here.
    fn commands(&self) -> Vec<String> {
        let Some(host) = self.hosts.first() else { return Vec::new() };
        let Some(path) = host.routes.last().map(|route| word(route.path.as_str())) else { return Vec::new() };
        let (name, port) = (host.name.example(), self.https.port());
        let (reached, to) = reached_at(self.https.ip());
        // The certificates made here are for these names, and for loopback addresses.
        let covered = |local: &&Local| !local.uncovered.iter().any(|site| site == host.name.as_str());
        let trust = match &self.certificates.local {
            Some(local) if to.is_loopback() => format!("--cacert {}", word(&local.ca)),
            _ => "-k".to_owned(),
        };
        let field = if name == reached { String::new() } else { format!(" -H host:{name}") };
        let mut commands = vec![format!("quicgate probe --http3 {trust}{field} https://{reached}:{port}{path}")];
        if let Some(local) = self.certificates.local.as_ref().filter(covered) {
            let (ca, to) = (word(&local.ca), bracketed(to));
            let url = format!("https://{name}:{port}{path}");
            commands
                .push(format!("curl --http2 --cacert {ca} --resolve {} {url}", word(&format!("{name}:{port}:{to}"))));
        }
        commands
    }
}

/// The command that writes what is served: `port` is the one in use.
fn expand(args: &ShortFormArgs, port: u16) -> String {
    let edge = &args.edge;
    let mut command = "quicgate expand".to_owned();
    let mut add = |option: &str, value: &str| {
        let _ = write!(command, " --{option} {}", word(value));
    };
    for site in &edge.sites {
        add("site", &site.to_string());
    }
    if port != 10443 {
        add("https-port", &port.to_string());
    }
    if edge.http_port != 10080 {
        add("http-port", &edge.http_port.to_string());
    }
    if edge.address != IpAddr::from([0, 0, 0, 0]) {
        add("address", &edge.address.to_string());
    }
    if edge.admin_address != AdminAddress::default() {
        add("admin-address", &edge.admin_address.to_string());
    }
    for (option, file) in [("cert", &edge.cert), ("key", &edge.key), ("state-dir", &args.serve.state_dir)] {
        if let Some(file) = file {
            add(option, &file.to_string_lossy());
        }
    }
    command
}

/// How this host reaches what listens there: as it stands in a URL, and the address.
fn reached_at(ip: IpAddr) -> (String, IpAddr) {
    let to = match ip {
        IpAddr::V4(v4) if v4.is_unspecified() => std::net::Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(v6) if v6.is_unspecified() => std::net::Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let name = if to == IpAddr::from([127, 0, 0, 1]) { "localhost".to_owned() } else { bracketed(to) };
    (name, to)
}

fn bracketed(ip: IpAddr) -> String {
    if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() }
}
