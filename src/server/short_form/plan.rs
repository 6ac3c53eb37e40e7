//! From options to what stands in the configuration: sites put together, ports chosen, certificates at hand.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};

use super::args::Edge;
use super::hosts::{VirtualHost, system, virtual_hosts};
use super::problem::Problem;
use crate::server::defaults;
use crate::server::local_ca::{Made, Names};

/// Everything that the text needs.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) hosts: Vec<VirtualHost>,
    /// TLS on TCP, QUIC on UDP.
    pub(super) https: SocketAddr,
    /// In the clear.
    pub(super) http: Option<SocketAddr>,
    pub(super) admin: Option<SocketAddr>,
    pub(super) certificates: Certificates,
}

/// The files of the certificate, as they stand in the configuration.
#[derive(Debug)]
pub(super) struct Certificates {
    pub(super) chain: String,
    pub(super) key: String,
    /// `None` where they were given.
    pub(super) local: Option<Local>,
}

/// Certificates of our own making.
#[derive(Debug)]
pub(super) struct Local {
    /// What clients trust.
    pub(super) ca: String,
    pub(super) made: Made,
    /// The names of sites that they are not for.
    pub(super) uncovered: Vec<String>,
}

impl Plan {
    /// Certificates are made or found last, when nothing else is wrong.
    ///
    /// # Errors
    /// The first [`Problem`].
    pub(super) fn of(edge: &Edge, state_dir: Option<&Path>) -> Result<Self, Problem> {
        let hosts = virtual_hosts(&edge.sites, &system)?;
        let port = match edge.https_port {
            0 => free_port(edge.address)?,
            port => port,
        };
        let https = SocketAddr::new(edge.address, port);
        let http = (edge.http_port != 0).then(|| SocketAddr::new(edge.address, edge.http_port));
        let admin = edge.admin_address.0;
        let listeners = [("--https-port", Some(https)), ("--http-port", http), ("--admin-address", admin)];
        apart(&listeners)?;
        let certificates = match (&edge.cert, &edge.key) {
            (Some(chain), Some(key)) => Certificates { chain: text_of(chain)?, key: text_of(key)?, local: None },
            _ => Certificates::local(&hosts, state_dir)?,
        };
        Ok(Self { hosts, https, http, admin, certificates })
    }

    /// Every place and where it leads.
    pub(super) fn places(&self) -> impl Iterator<Item = (&str, String)> {
        self.hosts.iter().flat_map(|host| &host.routes).map(|route| {
            let endpoints: Vec<String> = route.endpoints.iter().map(SocketAddr::to_string).collect();
            (route.place.as_str(), endpoints.join(", "))
        })
    }
}

impl Certificates {
    fn local(hosts: &[VirtualHost], state_dir: Option<&Path>) -> Result<Self, Problem> {
        let sites = || hosts.iter().map(|host| host.name.as_str());
        let names = Names::of_sites(sites());
        let below = Path::new("certs/sites").join(names.directory());
        let ca = defaults::certificates(state_dir, &below, &names).map_err(Problem::Certificates)?;
        let local = Local {
            ca: text_of(&ca.ca_cert)?,
            made: ca.made,
            uncovered: sites().filter(|name| !Names::can_be_covered(name)).map(str::to_owned).collect(),
        };
        Ok(Self { chain: text_of(&ca.leaf_cert)?, key: text_of(&ca.leaf_key)?, local: Some(local) })
    }
}

/// Two listeners on TCP cannot share an address.
fn apart(listeners: &[(&'static str, Option<SocketAddr>)]) -> Result<(), Problem> {
    let bound: Vec<(&'static str, SocketAddr)> =
        listeners.iter().filter_map(|(option, address)| Some((*option, (*address)?))).collect();
    for (index, (option, address)) in bound.iter().enumerate() {
        for (before, other) in bound.iter().take(index) {
            let same_ip = address.ip() == other.ip() || address.ip().is_unspecified() || other.ip().is_unspecified();
            let overlap = same_ip && address.is_ipv4() == other.is_ipv4();
            if overlap && address.port() == other.port() && address.port() != 0 {
                return Err(Problem::SamePort(address.port(), [before, option]));
            }
        }
    }
    Ok(())
}

/// A port that is free on TCP and on UDP now: two listeners share its number, so neither can be left to the system.
fn free_port(ip: std::net::IpAddr) -> Result<u16, Problem> {
    let any = SocketAddr::new(ip, 0);
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..ATTEMPTS {
        let port = TcpListener::bind(any).and_then(|tcp| {
            let port = tcp.local_addr()?.port();
            UdpSocket::bind(SocketAddr::new(ip, port)).map(|_| port)
        });
        match port {
            Ok(port) => return Ok(port),
            Err(error) => last = error,
        }
    }
    Err(Problem::NoPort(any, last))
}

fn text_of(path: &Path) -> Result<String, Problem> {
    let path = path.strip_prefix(".").unwrap_or(path);
    // YAML 1.1 ends a line, and so a comment, at the last two as well.
    let ends_a_line = |char: char| char.is_control() || matches!(char, '\u{2028}' | '\u{2029}');
    let text = path.to_str().filter(|text| !text.contains(ends_a_line));
    text.map(str::to_owned).ok_or_else(|| Problem::FileName(PathBuf::from(path)))
}

/// Ports to try before giving up.
const ATTEMPTS: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_on_one_port_are_told_apart_by_family_and_address() {
        let clash = |one: &str, other: &str| {
            let parsed = |text: &str| Some(text.parse().unwrap());
            apart(&[("--https-port", parsed(one)), ("--http-port", None), ("--admin-address", parsed(other))]).is_err()
        };
        assert!(clash("0.0.0.0:1", "127.0.0.1:1"));
        assert!(clash("127.0.0.1:1", "127.0.0.1:1"));
        assert!(clash("[::1]:1", "[::]:1"));
        assert!(!clash("[::]:1", "127.0.0.1:1"));
        assert!(!clash("127.0.0.2:1", "127.0.0.1:1"));
        assert!(!clash("0.0.0.0:1", "127.0.0.1:2"));
        assert!(!clash("127.0.0.1:0", "127.0.0.1:0"));
    }

    #[test]
    fn a_file_name_that_would_break_the_text_is_refused() {
        use std::os::unix::ffi::OsStrExt;
        assert_eq!(text_of(Path::new("./certs/a \"b\".crt")).unwrap(), "certs/a \"b\".crt");
        for name in [&b"a\nb"[..], b"\xff", "a\u{2028}b".as_bytes()] {
            let path = Path::new(std::ffi::OsStr::from_bytes(name));
            assert!(matches!(text_of(path), Err(Problem::FileName(_))));
        }
    }
}
