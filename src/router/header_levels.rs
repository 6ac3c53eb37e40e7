//! The changes of header fields that apply to a route: its own, those of its virtual host and those of the whole table.

use std::sync::Arc;

use http::HeaderMap;

use crate::config::proto::envoy::config::core::v3::HeaderValueOption;
use crate::config::proto::envoy::config::route::v3::{Route, RouteConfiguration, VirtualHost};
use crate::config::{At, Invalid};

use super::header_mutation::{Direction, HeaderMutations};

/// The changes of the three levels.
#[derive(Clone, Debug, Default)]
pub(super) struct HeaderLevels {
    /// Whether the route has the last word; else the table has it.
    most_specific_wins: bool,
    table: Arc<Level>,
    virtual_host: Arc<Level>,
    route: Arc<Level>,
}

/// The changes of one level.
#[derive(Debug, Default)]
struct Level {
    request: HeaderMutations,
    response: HeaderMutations,
}

// === impl HeaderLevels ===

impl HeaderLevels {
    /// Those of the table.
    pub(super) fn of_table(at: At<'_>, proto: &RouteConfiguration) -> Result<Self, Invalid> {
        let request = (&*proto.request_headers_to_add, &*proto.request_headers_to_remove);
        let response = (&*proto.response_headers_to_add, &*proto.response_headers_to_remove);
        let most_specific_wins = proto.most_specific_header_mutations_wins;
        Level::build(at, request, response).map(|table| Self { most_specific_wins, table, ..Self::default() })
    }

    /// Those of a virtual host inside.
    pub(super) fn of_virtual_host(&self, at: At<'_>, proto: &VirtualHost) -> Result<Self, Invalid> {
        let request = (&*proto.request_headers_to_add, &*proto.request_headers_to_remove);
        let response = (&*proto.response_headers_to_add, &*proto.response_headers_to_remove);
        Level::build(at, request, response).map(|virtual_host| Self { virtual_host, ..self.clone() })
    }

    /// Those of a route inside.
    pub(super) fn of_route(&self, at: At<'_>, proto: &Route) -> Result<Self, Invalid> {
        let request = (&*proto.request_headers_to_add, &*proto.request_headers_to_remove);
        let response = (&*proto.response_headers_to_add, &*proto.response_headers_to_remove);
        Level::build(at, request, response).map(|route| Self { route, ..self.clone() })
    }

    /// Changes the fields of a request.
    pub(super) fn change_request(&self, headers: &mut HeaderMap) {
        self.in_order().into_iter().for_each(|level| level.request.apply(headers));
    }

    /// Changes the fields of a response.
    pub(super) fn change_response(&self, headers: &mut HeaderMap) {
        self.in_order().into_iter().for_each(|level| level.response.apply(headers));
    }

    fn in_order(&self) -> [&Level; 3] {
        let mut levels = [&*self.route, &*self.virtual_host, &*self.table];
        if self.most_specific_wins {
            levels.reverse();
        }
        levels
    }
}

// === impl Level ===

impl Level {
    fn build(at: At<'_>, request: Changes<'_>, response: Changes<'_>) -> Result<Arc<Self>, Invalid> {
        let request = HeaderMutations::build(at, Direction::Request, request.0, request.1);
        let response = HeaderMutations::build(at, Direction::Response, response.0, response.1);
        Ok(Arc::new(Self { request: request?, response: response? }))
    }
}

/// What is added and what is removed.
type Changes<'a> = (&'a [HeaderValueOption], &'a [String]);
