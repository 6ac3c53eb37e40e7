//! All routes of a listener: Envoy's `RouteConfiguration`, ready to be searched.

use std::borrow::Cow;
use std::sync::Arc;

use http::HeaderName;

use crate::config::proto::envoy::config::route::v3::RouteConfiguration;
use crate::config::{At, Invalid};

use super::attach::Attach;
use super::domains::{Domains, without_port};
use super::header_levels::HeaderLevels;
use super::path_match::without_parameters;
use super::request::Request;
use super::route::Route;
use super::virtual_host::VirtualHost;

/// A route table. It does not change: workers share it behind an `Arc`, and a new configuration is a new table.
///
/// `F` is what the floors above attach to routes that forward, `R` what they attach to all routes.
#[derive(Debug)]
pub struct RouteTable<F, R = ()> {
    name: Box<str>,
    domains: Domains,
    virtual_hosts: Box<[VirtualHost<F, R>]>,
    internal_only_headers: Box<[HeaderName]>,
    ignore_port: bool,
    ignore_path_parameters: bool,
}

/// What a search finds.
#[derive(Debug)]
pub enum Outcome<'t, F, R = ()> {
    /// The first route of the virtual host that matches.
    Route(&'t Arc<Route<F, R>>),
    /// The virtual host takes the request only over TLS: the answer is a 301 to `over_tls`.
    TlsRequired,
    /// No route of the virtual host matches.
    NoRoute(&'t VirtualHost<F, R>),
    /// No virtual host has the authority among its domains.
    NoVirtualHost,
}

// === impl RouteTable ===

impl<F, R> RouteTable<F, R> {
    /// Builds the table. `attach` builds what the floors above need of a route.
    ///
    /// # Errors
    /// When a part cannot be built, a domain stands twice, or something is asked for that is not implemented. All
    /// faults have been reported then.
    pub fn build(
        at: At<'_>,
        proto: &RouteConfiguration,
        attach: &mut impl Attach<Forward = F, Route = R>,
    ) -> Result<Self, Invalid> {
        let levels = HeaderLevels::of_table(at, proto);
        let around = levels.clone().unwrap_or_default();
        let virtual_hosts = at.each("virtual_hosts", &proto.virtual_hosts, |at, virtual_host| {
            VirtualHost::build(at, proto, virtual_host, &around, attach)
        });
        let domains = domains(at, proto);
        let internal_only_headers = at.each("internal_only_headers", &proto.internal_only_headers, |at, name| {
            let name = HeaderName::from_bytes(name.as_bytes());
            name.map_err(|_| at.error("no header field can have this name"))
        });
        levels?;
        Ok(Self {
            name: proto.name.as_str().into(),
            domains: domains?,
            virtual_hosts: virtual_hosts?.into(),
            internal_only_headers: internal_only_headers?.into(),
            ignore_port: proto.ignore_port_in_host_matching,
            ignore_path_parameters: proto.ignore_path_parameters_in_path_matching,
        })
    }

    /// Its name, which may be empty.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its virtual hosts, in the order of the configuration.
    #[must_use]
    pub fn virtual_hosts(&self) -> &[VirtualHost<F, R>] {
        &self.virtual_hosts
    }

    /// The fields that are taken away from requests that come from outside.
    #[must_use]
    pub fn internal_only_headers(&self) -> &[HeaderName] {
        &self.internal_only_headers
    }

    /// The virtual host for an authority.
    #[must_use]
    pub fn virtual_host(&self, authority: &str) -> Option<&VirtualHost<F, R>> {
        let host = if self.ignore_port { without_port(authority) } else { authority };
        self.virtual_hosts.get(self.domains.find(host)?)
    }

    /// What is to be done with a request. `random` is a number of its own, evenly distributed; the same number gives
    /// the same answer.
    #[must_use]
    pub fn find(&self, request: &Request<'_>, random: u64) -> Outcome<'_, F, R> {
        let Some(virtual_host) = self.virtual_host(request.authority) else { return Outcome::NoVirtualHost };
        if virtual_host.require_tls().refuses(request) {
            return Outcome::TlsRequired;
        }
        let path = request.target.path();
        let path = if self.ignore_path_parameters { without_parameters(path) } else { Cow::Borrowed(path) };
        let mut routes = virtual_host.routes().iter();
        match routes.find(|route| route.matches().is_match(request, &path, random)) {
            Some(route) => Outcome::Route(route),
            None => Outcome::NoRoute(virtual_host),
        }
    }
}

fn domains(at: At<'_>, proto: &RouteConfiguration) -> Result<Domains, Invalid> {
    let mut domains = Domains::default();
    let mut fault = Ok(());
    for (index, (at, virtual_host)) in at.items("virtual_hosts", &proto.virtual_hosts).enumerate() {
        for (at, domain) in at.items("domains", &virtual_host.domains) {
            // What could not be read is empty: it is no domain, and nobody has it twice.
            if domain.is_empty() && at.is_tainted() {
                continue;
            }
            if let Err(taken) = domains.insert(domain, index) {
                let owner = proto.virtual_hosts.get(taken.by).map_or("", |owner| &owner.name);
                fault = Err(at.error(format_args!(
                    "`{domain}` is a domain of the virtual host `{owner}` already: a domain leads to one virtual host"
                )));
            }
        }
    }
    fault.map(|()| domains)
}

#[cfg(test)]
mod tests;
