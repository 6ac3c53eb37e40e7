//! All sites together: a virtual host for each name, its routes in the order in which they are tried.

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;

use super::backend::Backend;
use super::name::SiteName;
use super::path::SitePath;
use super::problem::Problem;
use super::site::Site;

/// What requests for one name can lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct VirtualHost {
    pub(super) name: SiteName,
    /// Longest path first: the first that matches is taken.
    pub(super) routes: Vec<Route>,
}

/// Where requests below one path go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// Name and path, which are the name of the cluster as well.
    pub(super) place: String,
    pub(super) path: SitePath,
    /// At least one, each once.
    pub(super) endpoints: Vec<SocketAddr>,
    /// The backends that were names, each with its addresses.
    pub(super) looked_up: Vec<(String, String)>,
}

/// Puts sites together, in the order of their first mention. `look_up` finds the addresses of a name.
///
/// # Errors
/// [`Problem`] where two sites are one, or a name has no address.
pub(super) fn virtual_hosts(
    sites: &[Site],
    look_up: &dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>>,
) -> Result<Vec<VirtualHost>, Problem> {
    let mut hosts: Vec<VirtualHost> = Vec::new();
    for site in sites {
        let route = Route::new(site, look_up)?;
        match hosts.iter_mut().find(|host| host.name == site.name) {
            None => hosts.push(VirtualHost { name: site.name.clone(), routes: vec![route] }),
            Some(host) if host.routes.iter().any(|other| other.path == site.path) => {
                return Err(Problem::Twice(site.place()));
            }
            Some(host) => host.routes.push(route),
        }
    }
    for host in &mut hosts {
        // `/` is one byte long as well as the shortest.
        host.routes.sort_by_key(|route| std::cmp::Reverse(route.path.as_str().len()));
    }
    Ok(hosts)
}

/// The addresses of a name, as the system's resolver has them.
pub(super) fn system(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    std::net::ToSocketAddrs::to_socket_addrs(&(host, port)).map(Iterator::collect)
}

impl Route {
    fn new(site: &Site, look_up: &dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>>) -> Result<Self, Problem> {
        let mut route =
            Self { place: site.place(), path: site.path.clone(), endpoints: Vec::new(), looked_up: Vec::new() };
        for backend in &site.backends {
            let found = match backend {
                Backend::Address(address) => vec![*address],
                Backend::Name { host, port } => {
                    let found = look_up(host, *port).and_then(one_family);
                    let found = found.map_err(|source| Problem::LookUp { host: host.clone(), source })?;
                    let ips: Vec<String> = found.iter().map(|address| address.ip().to_string()).collect();
                    route.looked_up.push((backend.to_string(), ips.join(" and ")));
                    found
                }
            };
            for address in found {
                if !route.endpoints.contains(&address) {
                    route.endpoints.push(address);
                }
            }
        }
        Ok(route)
    }
}

/// The IPv4 addresses, or where there are none, all; each once. A host with both families is one host, and many a server
/// listens on one of them: half of the requests to `localhost` would fail.
fn one_family(addresses: Vec<SocketAddr>) -> io::Result<Vec<SocketAddr>> {
    let (v4, v6): (Vec<_>, Vec<_>) = addresses.into_iter().partition(SocketAddr::is_ipv4);
    let mut addresses = if v4.is_empty() { v6 } else { v4 };
    let mut seen = HashSet::new();
    addresses.retain(|address| seen.insert(*address));
    if addresses.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(addresses) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(sites: &[&str]) -> Result<Vec<VirtualHost>, Problem> {
        let sites: Vec<Site> = sites.iter().map(|site| site.parse().unwrap()).collect();
        virtual_hosts(&sites, &|host, port| match host {
            "both" => Ok(["[::1]", "127.0.0.1", "127.0.0.2", "127.0.0.1"]
                .map(|ip| format!("{ip}:{port}").parse().unwrap())
                .to_vec()),
            "v6" => Ok(vec![format!("[::1]:{port}").parse().unwrap()]),
            "empty" => Ok(Vec::new()),
            _ => Err(io::Error::other("no such name")),
        })
    }

    fn endpoints(site: &str) -> Vec<String> {
        hosts(&[site]).unwrap()[0].routes[0].endpoints.iter().map(SocketAddr::to_string).collect()
    }

    #[test]
    fn the_longest_path_is_first_whatever_the_order() {
        let hosts =
            hosts(&["a.test=127.0.0.1:1", "b.test=127.0.0.1:2", "a.test/a/b=127.0.0.1:3", "A.test/a/=127.0.0.1:4"]);
        let hosts = hosts.unwrap();
        let names: Vec<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
        assert_eq!(names, ["a.test", "b.test"]);
        let paths: Vec<&str> = hosts[0].routes.iter().map(|route| route.path.as_str()).collect();
        assert_eq!(paths, ["/a/b", "/a", "/"]);
    }

    #[test]
    fn a_name_becomes_its_addresses_of_one_family() {
        assert_eq!(endpoints("a.test=both:80,127.0.0.1:80"), ["127.0.0.1:80", "127.0.0.2:80"]);
        assert_eq!(endpoints("a.test=v6:80"), ["[::1]:80"]);
        for name in ["empty", "unknown"] {
            let site = format!("a.test={name}:80");
            assert!(matches!(hosts(&[&site]), Err(Problem::LookUp { host, .. }) if host == name));
        }
    }

    #[test]
    fn a_place_stands_once() {
        let twice = hosts(&["a.test/x=127.0.0.1:1", "A.TEST/x/=127.0.0.1:2"]);
        assert!(matches!(twice, Err(Problem::Twice(place)) if place == "a.test/x"));
    }
}
