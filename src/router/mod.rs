//! Floor 6: which route? (stand-in)
#![expect(missing_docs, reason = "stand-in")]

use std::sync::Arc;

use http::{HeaderMap, Method, StatusCode};

use crate::config::proto::envoy::config::route::v3 as proto;
use crate::config::{At, Invalid};
use crate::http::Failure;

#[derive(Debug)]
pub struct RouteTable<T> {
    routes: Vec<Route<T>>,
}
#[derive(Debug)]
pub struct Route<T> {
    name: Option<Arc<str>>,
    action: Action<T>,
    prefix: String,
}
#[derive(Debug)]
pub enum Action<T> {
    Forward(T),
    Redirect(Redirect),
    DirectResponse(DirectResponse),
}
#[derive(Debug)]
pub struct Redirect {}
#[derive(Debug)]
pub struct DirectResponse {
    status: StatusCode,
    body: bytes::Bytes,
}
#[derive(Debug)]
pub struct Location {
    pub status: StatusCode,
    pub url: String,
}
pub enum Matched<'a, T> {
    Route(&'a Route<T>),
    RequireTls(Location),
}
pub struct Target<'a> {
    pub method: &'a Method,
    pub scheme: &'a str,
    pub authority: &'a str,
    pub path_and_query: &'a str,
    pub headers: &'a HeaderMap,
}

impl<T> RouteTable<T> {
    pub fn build(
        w: &proto::RouteConfiguration,
        at: At<'_>,
        mut f: impl FnMut(&proto::RouteAction, At<'_>) -> Result<T, Invalid>,
    ) -> Result<Self, Invalid> {
        let mut routes = Vec::new();
        for vh in &w.virtual_hosts {
            for r in &vh.routes {
                let prefix = match r.r#match.as_ref().and_then(|m| m.path_specifier.as_ref()) {
                    Some(proto::route_match::PathSpecifier::Prefix(p)) => p.clone(),
                    _ => "/".into(),
                };
                let action = match &r.action {
                    Some(proto::route::Action::Route(a)) => Action::Forward(f(a, at)?),
                    Some(proto::route::Action::DirectResponse(d)) => Action::DirectResponse(DirectResponse {
                        status: StatusCode::from_u16(d.status as u16).unwrap_or_default(),
                        body: bytes::Bytes::new(),
                    }),
                    _ => Action::Redirect(Redirect {}),
                };
                routes.push(Route { name: Some(r.name.as_str().into()), action, prefix });
            }
        }
        Ok(Self { routes })
    }
    pub fn find(&self, t: &Target<'_>, _random: u64) -> Option<Matched<'_, T>> {
        self.routes.iter().find(|r| t.path_and_query.starts_with(&r.prefix)).map(Matched::Route)
    }
}
impl<T> Route<T> {
    pub fn name(&self) -> Option<&Arc<str>> {
        self.name.as_ref()
    }
    pub fn action(&self) -> &Action<T> {
        &self.action
    }
    pub fn mutate_request(&self, _h: &mut HeaderMap) {}
    pub fn mutate_response(&self, _h: &mut HeaderMap) {}
    pub fn rewrite(&self, _h: &mut http::request::Parts) -> Result<(), Failure> {
        Ok(())
    }
}
impl Redirect {
    pub fn location(&self, t: &Target<'_>) -> Location {
        Location { status: StatusCode::MOVED_PERMANENTLY, url: t.path_and_query.into() }
    }
}
impl DirectResponse {
    pub fn status(&self) -> StatusCode {
        self.status
    }
    pub fn body(&self) -> &bytes::Bytes {
        &self.body
    }
}
