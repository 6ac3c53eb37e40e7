//! The routes of some domains.

use std::sync::Arc;

use crate::config::proto::envoy::config::route::v3::virtual_host::TlsRequirementType;
use crate::config::proto::envoy::config::route::v3::{RouteConfiguration, VirtualHost as Proto};
use crate::config::{At, Invalid};

use super::attach::{Attach, Scope};
use super::header_levels::HeaderLevels;
use super::request::Request;
use super::route::Route;
use super::unreachable;

/// A virtual host.
#[derive(Debug)]
pub struct VirtualHost<F, R = ()> {
    name: Arc<str>,
    require_tls: RequireTls,
    routes: Box<[Arc<Route<F, R>>]>,
}

/// Which requests have to come over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequireTls {
    /// None.
    Never,
    /// Those from outside.
    External,
    /// All.
    Always,
}

// === impl VirtualHost ===

impl<F, R> VirtualHost<F, R> {
    pub(super) fn build(
        at: At<'_>,
        configuration: &RouteConfiguration,
        virtual_host: &Proto,
        levels: &HeaderLevels,
        attach: &mut impl Attach<Forward = F, Route = R>,
    ) -> Result<Self, Invalid> {
        let name: Arc<str> = virtual_host.name.as_str().into();
        let require_tls = RequireTls::build(at.field("require_tls"), virtual_host.require_tls);
        let levels = levels.of_virtual_host(at, virtual_host);
        // Routes are built even when a level around them is faulty, so that one run finds all faults.
        let around = levels.clone().unwrap_or_default();
        let routes = at.each("routes", &virtual_host.routes, |at, route| {
            let scope = Scope { configuration, virtual_host, route };
            Route::build(at, scope, &name, &around, attach).map(Arc::new)
        });
        levels?;
        let routes = routes?;
        unreachable::lint(&virtual_host.routes, at);
        Ok(Self { require_tls: require_tls?, routes: routes.into(), name })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Which requests have to come over TLS.
    #[must_use]
    pub fn require_tls(&self) -> RequireTls {
        self.require_tls
    }

    /// Its routes, in the order in which they are tried.
    #[must_use]
    pub fn routes(&self) -> &[Arc<Route<F, R>>] {
        &self.routes
    }
}

// === impl RequireTls ===

impl RequireTls {
    fn build(at: At<'_>, proto: i32) -> Result<Self, Invalid> {
        match TlsRequirementType::try_from(proto) {
            Ok(TlsRequirementType::None) => Ok(Self::Never),
            Ok(TlsRequirementType::ExternalOnly) => Ok(Self::External),
            Ok(TlsRequirementType::All) => Ok(Self::Always),
            Err(error) => Err(at.error(error)),
        }
    }

    /// Whether a request has to come again over TLS.
    #[must_use]
    pub fn refuses(self, request: &Request<'_>) -> bool {
        let over_tls = request.forwarded_proto == "https";
        match self {
            Self::Never => false,
            Self::External => !over_tls && !request.is_internal,
            Self::Always => !over_tls,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method};

    use super::super::request::Target;
    use super::*;

    #[test]
    fn tls_is_what_the_client_used_and_inside_may_be_let_off() {
        let refused = |require: RequireTls, forwarded_proto, is_internal| {
            require.refuses(&Request {
                method: &Method::GET,
                // The URL says nothing about the connection.
                scheme: "https",
                forwarded_proto,
                authority: "a",
                target: Target::new("/"),
                headers: &HeaderMap::new(),
                is_internal,
            })
        };
        for (require, outside, inside) in
            [(RequireTls::Never, false, false), (RequireTls::External, true, false), (RequireTls::Always, true, true)]
        {
            assert_eq!(refused(require, "http", false), outside, "{require:?}");
            assert_eq!(refused(require, "http", true), inside, "{require:?}");
            assert!(!refused(require, "https", false), "{require:?}");
            assert!(!refused(require, "https", true), "{require:?}");
        }
    }
}
