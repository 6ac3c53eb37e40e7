//! The seam to the floors above: what a route carries for them.

use crate::config::proto::envoy::config::route::v3::{Route, RouteAction, RouteConfiguration, VirtualHost};
use crate::config::{At, Invalid};

/// Builds what routes carry and the router never looks into: which cluster, which timeouts, which settings of filters.
///
/// A closure `FnMut(At, &RouteAction, Scope) -> Result<F, Invalid>` builds the part of routes that forward and leaves
/// the other empty.
pub trait Attach {
    /// Carried by a route that forwards.
    type Forward;
    /// Carried by every route, whatever it does.
    type Route;

    /// Builds the part of a route that forwards; `at` is the place of the action.
    ///
    /// # Errors
    /// When the action cannot be built, which has been reported.
    fn forward(&mut self, at: At<'_>, action: &RouteAction, scope: Scope<'_>) -> Result<Self::Forward, Invalid>;

    /// Builds the part of every route; `at` is the place of the route.
    ///
    /// # Errors
    /// When it cannot be built, which has been reported.
    fn route(&mut self, at: At<'_>, scope: Scope<'_>) -> Result<Self::Route, Invalid>;
}

/// Where a route stands: what is not said there may be said further out.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// All of the table.
    pub configuration: &'a RouteConfiguration,
    /// The virtual host with the route.
    pub virtual_host: &'a VirtualHost,
    /// The route.
    pub route: &'a Route,
}

impl<C, F> Attach for C
where
    C: FnMut(At<'_>, &RouteAction, Scope<'_>) -> Result<F, Invalid>,
{
    type Forward = F;
    type Route = ();

    fn forward(&mut self, at: At<'_>, action: &RouteAction, scope: Scope<'_>) -> Result<F, Invalid> {
        self(at, action, scope)
    }

    fn route(&mut self, _: At<'_>, _: Scope<'_>) -> Result<(), Invalid> {
        Ok(())
    }
}
