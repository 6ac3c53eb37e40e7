//! `x-forwarded-client-cert`: what upstreams are told of the client's certificate.
//!
//! As Envoy writes it: an element is pairs with `;` between, elements have `,` between, and proxies on the way add theirs behind
//! those that came. Called by the exchange once hop-by-hop fields are gone, so that no client can name it in `connection`.

use std::sync::OnceLock;

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};

use crate::config::proto::envoy::extensions::filters::network::http_connection_manager::v3 as proto;
use crate::observe::access_log::{Certificate, Tls};

/// `forward_client_cert_details`, and what `set_current_client_cert_details` adds.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClientCert {
    forward: Mode,
    details: Details,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Sanitize,
    ForwardOnly,
    AppendForward,
    SanitizeSet,
    AlwaysForwardOnly,
}

/// What is said beside the hash of the certificate.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they are Envoy's settings, each on its own")]
struct Details {
    subject: bool,
    cert: bool,
    chain: bool,
    uri: bool,
    dns: bool,
    issuer: bool,
}

impl ClientCert {
    /// What a connection manager is to do.
    pub(super) fn of(written: &proto::HttpConnectionManager) -> Self {
        use proto::http_connection_manager::ForwardClientCertDetails as Written;
        let forward = match written.forward_client_cert_details() {
            Written::Sanitize => Mode::Sanitize,
            Written::ForwardOnly => Mode::ForwardOnly,
            Written::AppendForward => Mode::AppendForward,
            Written::SanitizeSet => Mode::SanitizeSet,
            Written::AlwaysForwardOnly => Mode::AlwaysForwardOnly,
        };
        let details = written.set_current_client_cert_details.unwrap_or_default();
        let details = Details {
            subject: details.subject.unwrap_or(false),
            cert: details.cert,
            chain: details.chain,
            uri: details.uri,
            dns: details.dns,
            issuer: details.issuer,
        };
        Self { forward, details }
    }

    /// Whether anything is said of certificates of clients.
    pub(super) fn sets(self) -> bool {
        matches!(self.forward, Mode::AppendForward | Mode::SanitizeSet)
    }

    /// Brings the field into the form that goes upstream from a connection with this TLS; `element` is what the connection says
    /// of its client, once a request has asked.
    pub(super) fn apply(self, headers: &mut HeaderMap, tls: Option<&Tls>, element: &OnceLock<String>) {
        let peer = tls.and_then(|tls| Some((tls, tls.peer.as_deref()?)));
        match (self.forward, peer) {
            (Mode::AlwaysForwardOnly, _) | (Mode::ForwardOnly, Some(_)) => {}
            (Mode::Sanitize, _) | (_, None) => drop(headers.remove(FIELD)),
            (Mode::AppendForward | Mode::SanitizeSet, Some((tls, peer))) => {
                let before = headers.get_all(FIELD).iter().filter(|_| self.forward == Mode::AppendForward);
                let own = element.get_or_init(|| self.element(peer, tls.local.as_deref()));
                let elements: Vec<_> = before.map(HeaderValue::as_bytes).chain([own.as_bytes()]).collect();
                match HeaderValue::from_bytes(&elements.join(&b","[..])) {
                    Ok(value) => drop(headers.insert(FIELD, value)),
                    // A name with a line break in it: nothing is better than half of it.
                    Err(_) => drop(headers.remove(FIELD)),
                }
            }
        }
    }

    fn element(self, peer: &Certificate, local: Option<&Certificate>) -> String {
        let Details { subject, cert, chain, uri, dns, issuer } = self.details;
        let mut pairs = Vec::new();
        pairs.extend(local.iter().flat_map(|local| &local.uris).map(|uri| format!("By={}", safe(uri))));
        pairs.extend(peer.chain.first().map(|leaf| format!("Hash={}", leaf.fingerprint)));
        if cert {
            pairs.push(format!("Cert=\"{}\"", peer.encoded()));
        }
        if chain {
            pairs.push(format!("Chain=\"{}\"", peer.encoded_chain()));
        }
        if subject {
            // RFC 2253 has a backslash before every quote in it.
            pairs.push(format!("Subject=\"{}\"", peer.subject));
        }
        if uri {
            pairs.extend(peer.uris.iter().map(|uri| format!("URI={}", safe(uri))));
            if peer.uris.is_empty() {
                pairs.push("URI=".to_owned());
            }
        }
        if dns {
            pairs.extend(peer.hosts.iter().map(|host| format!("DNS={}", safe(host))));
        }
        if issuer {
            pairs.push(format!("Issuer=\"{}\"", peer.issuer));
        }
        pairs.join(";")
    }
}

/// A name as it stands, or in quotes where it would be read as more than one: Envoy never quotes it.
fn safe(name: &str) -> String {
    if name.contains([',', ';', '"']) {
        format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        name.to_owned()
    }
}

const FIELD: HeaderName = HeaderName::from_static("x-forwarded-client-cert");

#[cfg(test)]
mod tests;
