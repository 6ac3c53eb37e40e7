//! What becomes of a request at the hands of a connection manager that does nothing but follow the route.

use http::header::{HeaderName, LOCATION};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::super::super::{Action, Authority, Forward, Outcome, Request, Route, Target, over_tls};
use super::Table;

/// A request in one line: `METHOD authority target | field: value | field: value`.
pub(super) struct Exchange {
    method: Method,
    scheme: String,
    authority: String,
    target: String,
    headers: HeaderMap,
}

// === impl Exchange ===

impl Exchange {
    pub(super) fn parse(line: &str) -> Self {
        let mut parts = line.split(" | ");
        let mut words = parts.next().unwrap().splitn(3, ' ');
        let method = Method::from_bytes(words.next().unwrap().as_bytes()).unwrap();
        let (mut authority, mut target) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
        let mut headers = HeaderMap::new();
        for part in parts {
            let (name, value) = part.split_once(':').unwrap();
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            // A letter stands for the byte of its number.
            let value: Vec<u8> = value.trim().chars().map(|letter| u8::try_from(letter).unwrap()).collect();
            headers.append(name, HeaderValue::from_bytes(&value).unwrap());
        }
        headers.entry("x-forwarded-proto").or_insert(HeaderValue::from_static("http"));
        let mut scheme = forwarded_proto(&headers).to_owned();
        if method == Method::CONNECT {
            target.clear();
        } else if let Some((absolute, rest)) = target.clone().split_once("://") {
            let (host, _) = rest.split_once('/').unwrap();
            scheme = absolute.to_ascii_lowercase();
            authority = host.to_owned();
            target = rest.strip_prefix(host).unwrap().to_owned();
        }
        Self { method, scheme, authority, target, headers }
    }

    pub(super) fn request(&self) -> Request<'_> {
        Request {
            method: &self.method,
            scheme: &self.scheme,
            forwarded_proto: forwarded_proto(&self.headers),
            authority: &self.authority,
            target: Target::new(&self.target),
            headers: &self.headers,
            is_internal: false,
        }
    }

    /// The answer: status, then the body or what the upstream receives, then the fields in braces.
    pub(super) fn answer(&self, table: &Table) -> String {
        let request = self.request();
        let mut headers = HeaderMap::new();
        let route = match table.find(&request, 0) {
            Outcome::NoRoute(_) | Outcome::NoVirtualHost => return "404".to_owned(),
            Outcome::TlsRequired => {
                headers.insert(LOCATION, over_tls(&request).unwrap());
                return shown(StatusCode::MOVED_PERMANENTLY, "", &headers);
            }
            Outcome::Route(route) => route,
        };
        let (status, body) = match route.action() {
            Action::Forward(forward) => {
                headers.insert("x-a", HeaderValue::from_static("up"));
                (StatusCode::OK, self.forwarded(route, forward))
            }
            Action::Redirect(redirect) => {
                headers.insert(LOCATION, redirect.location(&request).unwrap());
                (redirect.status(), String::new())
            }
            Action::DirectResponse(response) => {
                headers.extend(response.location(&request).map(|location| (LOCATION, location)));
                (response.status(), String::from_utf8(response.body().to_vec()).unwrap())
            }
        };
        route.mutate_response(&mut headers);
        shown(status, &body, &headers)
    }

    /// What an upstream receives, without the fields that every request has.
    fn forwarded(&self, route: &Route<String>, forward: &Forward<String>) -> String {
        let mut headers = self.headers.clone();
        route.mutate_request(&mut headers);
        let target = Target::new(&self.target);
        let rewritten = forward.rewrite.target(target);
        if rewritten.is_some() {
            headers.insert("x-envoy-original-path", HeaderValue::from_str(&self.target).unwrap());
        }
        let mut authority = self.authority.clone();
        if let Authority::Set(host) = forward.rewrite.authority(target, &headers) {
            let original = HeaderValue::from_str(&self.authority).unwrap();
            if forward.append_x_forwarded_host {
                let before = headers.remove("x-forwarded-host");
                let both = before.map(|before| format!("{},{}", before.to_str().unwrap(), self.authority));
                let both = both.map_or_else(|| original.clone(), |both| HeaderValue::try_from(both).unwrap());
                headers.insert("x-forwarded-host", both);
            }
            headers.insert("x-envoy-original-host", original);
            authority = host.to_str().unwrap().to_owned();
        }
        let target = rewritten.unwrap_or_else(|| self.target.clone());
        let fields: Vec<_> = fields(&headers).into_iter().map(|field| format!("; {field}")).collect();
        format!("-> {authority} {target}{}", fields.concat())
    }
}

fn forwarded_proto(headers: &HeaderMap) -> &str {
    headers["x-forwarded-proto"].to_str().unwrap()
}

fn shown(status: StatusCode, body: &str, headers: &HeaderMap) -> String {
    let fields = fields(headers);
    let body = if body.is_empty() { String::new() } else { format!(" {body}") };
    let fields = if fields.is_empty() { String::new() } else { format!(" {{{}}}", fields.join("; ")) };
    format!("{}{body}{fields}", status.as_u16())
}

/// The fields in the order of their names, lines of one name in theirs.
fn fields(headers: &HeaderMap) -> Vec<String> {
    let mut fields: Vec<_> = headers
        .iter()
        .filter(|(name, value)| !HIDDEN.contains(&name.as_str()) && (*name != "x-a" || *value != "up"))
        .map(|(name, value)| {
            let value: String = value.as_bytes().iter().map(|byte| char::from(*byte)).collect();
            (name.as_str(), format!("{name}: {value}"))
        })
        .collect();
    fields.sort_by_key(|(name, _)| *name);
    fields.into_iter().map(|(_, field)| field).collect()
}

/// Fields that a connection manager deals with.
const HIDDEN: [&str; 1] = ["x-forwarded-proto"];
