//! A route: what becomes of the requests that it matches.

use std::sync::Arc;

use http::HeaderMap;

use crate::config::proto::envoy::config::route::v3::route::Action as Proto;
use crate::config::{At, Invalid};

use super::attach::{Attach, Scope};
use super::direct_response::{self, DirectResponse};
use super::header_levels::HeaderLevels;
use super::path_match::PathMatch;
use super::redirect::Redirect;
use super::rewrite::Rewrite;
use super::route_match::RouteMatch;

/// A route. `F` is what the floors above attach to routes that forward, `R` what they attach to all.
#[derive(Debug)]
pub struct Route<F, R = ()> {
    name: Arc<str>,
    virtual_host: Arc<str>,
    matches: RouteMatch,
    action: Action<F>,
    attached: R,
    levels: HeaderLevels,
}

/// What a route does with a request.
#[derive(Debug)]
pub enum Action<F> {
    /// Send it to an upstream.
    Forward(Forward<F>),
    /// Send the client elsewhere.
    Redirect(Redirect),
    /// Answer it here.
    DirectResponse(DirectResponse),
}

/// How a request is forwarded.
#[derive(Debug)]
pub struct Forward<F> {
    /// What changes in path and authority.
    pub rewrite: Rewrite,
    /// Whether the authority that a rewrite replaces is appended to `x-forwarded-host`.
    pub append_x_forwarded_host: bool,
    /// What the floors above attached.
    pub attached: F,
}

// === impl Route ===

impl<F, R> Route<F, R> {
    pub(super) fn build(
        at: At<'_>,
        scope: Scope<'_>,
        virtual_host: &Arc<str>,
        around: &HeaderLevels,
        attach: &mut impl Attach<Forward = F, Route = R>,
    ) -> Result<Self, Invalid> {
        let proto = scope.route;
        let matches = at.required("match", proto.r#match.as_ref());
        let matches = matches.and_then(|matches| RouteMatch::build(at.field("match"), matches));
        // The action is looked at even when the match is faulty, so that one run finds all faults.
        let path = matches.as_ref().map_or(&PathMatch::Connect, RouteMatch::path);
        let action = Action::build(at, scope, path, attach);
        let attached = attach.route(at, scope);
        let levels = around.of_route(at, proto);
        Ok(Self {
            name: proto.name.as_str().into(),
            virtual_host: Arc::clone(virtual_host),
            action: action?,
            matches: matches?,
            attached: attached?,
            levels: levels?,
        })
    }

    /// Its name, which may be empty.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The name of its virtual host.
    #[must_use]
    pub fn virtual_host(&self) -> &Arc<str> {
        &self.virtual_host
    }

    /// Which requests it is for.
    #[must_use]
    pub fn matches(&self) -> &RouteMatch {
        &self.matches
    }

    /// What it does with a request.
    #[must_use]
    pub fn action(&self) -> &Action<F> {
        &self.action
    }

    /// What the floors above attached to it.
    #[must_use]
    pub fn attached(&self) -> &R {
        &self.attached
    }

    /// Changes the fields of a request that is forwarded, before path and authority are rewritten.
    pub fn mutate_request(&self, headers: &mut HeaderMap) {
        self.levels.change_request(headers);
    }

    /// Changes the fields of a response, whether it came from the upstream or from the route itself.
    pub fn mutate_response(&self, headers: &mut HeaderMap) {
        self.levels.change_response(headers);
    }
}

// === impl Action ===

impl<F> Action<F> {
    fn build(
        at: At<'_>,
        scope: Scope<'_>,
        path: &PathMatch,
        attach: &mut impl Attach<Forward = F>,
    ) -> Result<Self, Invalid> {
        match &scope.route.action {
            Some(Proto::Route(action)) => {
                let at = at.field("route");
                let rewrite = Rewrite::build(at, action, path);
                let attached = attach.forward(at, action, scope);
                let append_x_forwarded_host = action.append_x_forwarded_host;
                Ok(Self::Forward(Forward { rewrite: rewrite?, append_x_forwarded_host, attached: attached? }))
            }
            Some(Proto::Redirect(redirect)) => {
                Redirect::build(at.field("redirect"), redirect, path).map(Self::Redirect)
            }
            Some(Proto::DirectResponse(response)) => {
                let limit = direct_response::body_limit(scope.configuration);
                DirectResponse::build(at.field("direct_response"), response, limit).map(Self::DirectResponse)
            }
            Some(Proto::FilterAction(_)) => Err(at.field("filter_action").not_implemented()),
            Some(Proto::NonForwardingAction(_)) => Err(at.field("non_forwarding_action").not_implemented()),
            None => Err(at.error("needs one of route, redirect and direct_response")),
        }
    }
}
