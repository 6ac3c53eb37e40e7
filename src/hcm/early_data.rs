//! What becomes of requests in TLS early data (RFC 8470, RFC 9114 §10.9): a route decides.
//!
//! A request in early data may be a replay as long as its handshake is not complete. [`EarlyDataPolicy`] says which ones go
//! upstream all the same, marked with `early-data: 1`, which wait, and which are answered 425. `exchange` asks it for the
//! [`Way`] of a request, `forward` goes it.

use http::header::HeaderName;
use http::request::Parts;
use http::{HeaderValue, Method};
use http_body::Body as _;

use super::exchange::Exchange;
use crate::config::proto::envoy::config::core::v3::TypedExtensionConfig;
use crate::config::proto::envoy::extensions::early_data::v3::DefaultEarlyDataPolicy;
use crate::config::proto::quicgate::extensions::early_data::v1 as own;
use crate::config::{At, Invalid, type_name};
use crate::http::{AskedTunnel, Body, EarlyData, Failure, Request};

/// `early_data_policy` of a route.
#[derive(Clone, Copy, Debug)]
pub(super) struct EarlyDataPolicy {
    /// Of requests that may be done twice: of a safe method, without content, that ask for no tunnel.
    safe: Treatment,
    other: Treatment,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Treatment {
    Forward,
    Wait,
    TooEarly,
}

/// What a request does now.
#[derive(Debug)]
pub(super) enum Way {
    /// It goes upstream: its handshake is complete.
    Open,
    /// It goes when its handshake is complete.
    Wait(EarlyData),
    /// It goes, and says that it is early.
    Early(Early),
}

/// A request that goes upstream before its handshake is complete.
#[derive(Debug)]
pub(super) struct Early {
    /// The end of its handshake.
    handshake: EarlyData,
    /// Whether who sent it has said that it is early, and sends it again by itself.
    was_told: bool,
}

/// What goes upstream when the first was too early there.
#[derive(Debug)]
pub(super) struct Again {
    handshake: EarlyData,
    request: Request,
}

impl Way {
    /// Waits as long as it says, and returns what is early then.
    pub(super) async fn go(self, exchange: &Exchange) -> Result<Option<Early>, Failure> {
        match self {
            Self::Open => Ok(None),
            Self::Wait(mut handshake) => {
                exchange.in_time(handshake.over()).await?;
                exchange.stats().rq_early_data_waited.inc();
                Ok(None)
            }
            Self::Early(early) => {
                exchange.stats().rq_early_data_forwarded.inc();
                Ok(Some(early))
            }
        }
    }
}

impl Early {
    /// The same request once more, should it be too early. RFC 8470 §5.2: not where who sent it has said so itself.
    pub(super) fn again(self, request: &Request) -> Option<Again> {
        if self.was_told {
            return None;
        }
        // It has no content, or it would not be early.
        let mut again = http::Request::new(Body::Empty);
        request.method().clone_into(again.method_mut());
        request.uri().clone_into(again.uri_mut());
        *again.version_mut() = request.version();
        request.headers().clone_into(again.headers_mut());
        again.headers_mut().remove(EARLY_DATA);
        Some(Again { handshake: self.handshake, request: again })
    }
}

impl Again {
    /// The request, when its handshake is complete.
    pub(super) async fn when_complete(mut self, exchange: &mut Exchange) -> Result<Request, Failure> {
        exchange.in_time(self.handshake.over()).await?;
        exchange.again();
        Ok(self.request)
    }
}

impl EarlyDataPolicy {
    /// Builds the policy of a route; `at` stands on the extension.
    ///
    /// # Errors
    /// [`Invalid`] where it is none, or would let unsafe requests be replayed.
    pub(super) fn build(written: Option<&TypedExtensionConfig>, at: At<'_>) -> Result<Self, Invalid> {
        let Some(extension) = written else { return Ok(DEFAULT) };
        let any = at.required("typed_config", extension.typed_config.as_ref())?;
        let at = at.field("typed_config");
        match type_name(&any.type_url) {
            // As in Envoy: to name it is to let nothing go early.
            ENVOYS => at.unpack::<DefaultEarlyDataPolicy>(any).map(|_| NOTHING_EARLY),
            OWN => Self::own(at.unpack(any)?, at),
            other => Err(at.error(format_args!("holds `{other}`, which is no early data policy"))),
        }
    }

    fn own(written: own::EarlyDataPolicy, at: At<'_>) -> Result<Self, Invalid> {
        use own::early_data_policy::Treatment as Written;
        let treatment = |written, default| match written {
            Written::Default => default,
            Written::Forward => Treatment::Forward,
            Written::Wait => Treatment::Wait,
            Written::TooEarly => Treatment::TooEarly,
        };
        let policy = Self {
            safe: treatment(written.safe_methods(), DEFAULT.safe),
            other: treatment(written.other_methods(), DEFAULT.other),
        };
        if policy.other == Treatment::Forward {
            // RFC 8470 §4: an unsafe request that is replayed is done twice.
            return Err(at.field("other_methods").error(
                "FORWARD is for safe methods only: what changes something would be done again by whoever records and repeats it; set WAIT or TOO_EARLY",
            ));
        }
        Ok(policy)
    }

    /// What becomes of a request that is about to go upstream. One that goes early says so from now on.
    ///
    /// # Errors
    /// [`Failure::TooEarly`] where it is to come again later.
    pub(super) fn way(self, head: &mut Parts, body: &Body) -> Result<Way, Failure> {
        let Some(handshake) = head.extensions.remove::<EarlyData>() else { return Ok(Way::Open) };
        if handshake.is_over() {
            return Ok(Way::Open);
        }
        // What asks for a tunnel looks like a GET by now, and is none.
        let asks_for_tunnel = AskedTunnel::of(&head.method, &head.extensions).is_some();
        let safe = SAFE.contains(&head.method) && body.is_end_stream() && !asks_for_tunnel;
        match if safe { self.safe } else { self.other } {
            Treatment::Wait => Ok(Way::Wait(handshake)),
            Treatment::TooEarly => Err(Failure::TooEarly),
            Treatment::Forward => {
                // RFC 8470 §5.1: it has the value 1, and whatever stands there means as much.
                let was_told = head.headers.insert(EARLY_DATA, HeaderValue::from_static("1")).is_some();
                Ok(Way::Early(Early { handshake, was_told }))
            }
        }
    }
}

/// What routes do that say nothing.
const DEFAULT: EarlyDataPolicy = EarlyDataPolicy { safe: Treatment::Forward, other: Treatment::Wait };
const NOTHING_EARLY: EarlyDataPolicy = EarlyDataPolicy { safe: Treatment::Wait, other: Treatment::Wait };

/// RFC 9110 §9.2.1.
const SAFE: [Method; 4] = [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE];

/// RFC 8470 §5.1.
pub(super) const EARLY_DATA: HeaderName = HeaderName::from_static("early-data");

const ENVOYS: &str = "envoy.extensions.early_data.v3.DefaultEarlyDataPolicy";
const OWN: &str = "quicgate.extensions.early_data.v1.EarlyDataPolicy";

#[cfg(test)]
mod tests {
    use tokio::sync::watch;

    use super::*;
    use crate::http::ConnectProtocol;

    fn head(method: Method) -> Parts {
        let mut head = http::Request::new(()).into_parts().0;
        head.method = method;
        head
    }

    /// The way of a request in early data, and how it says that it is early.
    fn way(policy: EarlyDataPolicy, method: Method, body: &Body, complete: bool) -> (Result<Way, Failure>, usize) {
        let mut head = head(method);
        head.extensions.insert(EarlyData::until(watch::channel(complete).1));
        let way = policy.way(&mut head, body);
        assert!(head.extensions.get::<EarlyData>().is_none());
        (way, head.headers.get_all(EARLY_DATA).iter().filter(|value| *value == "1").count())
    }

    #[test]
    fn rfc8470_5_1_safe_requests_without_content_go_early_and_say_so() {
        for method in SAFE {
            let (way, said) = way(DEFAULT, method, &Body::Empty, false);
            assert!(matches!(way, Ok(Way::Early(Early { was_told: false, .. }))), "{way:?}");
            assert_eq!(said, 1);
        }
    }

    #[test]
    fn rfc8470_3_others_wait_and_say_nothing() {
        for (method, body) in [
            (Method::POST, Body::Empty),
            (Method::DELETE, Body::Empty),
            (Method::CONNECT, Body::Empty),
            (Method::from_bytes(b"QUERY").unwrap(), Body::Empty),
            (Method::GET, Body::from(bytes::Bytes::from_static(b"content"))),
        ] {
            let (way, said) = way(DEFAULT, method, &body, false);
            assert!(matches!(way, Ok(Way::Wait(_))), "{way:?}");
            assert_eq!(said, 0);
        }
    }

    #[test]
    fn rfc8470_3_what_asks_for_a_tunnel_is_not_safe() {
        let mut head = head(Method::GET);
        head.extensions.insert(EarlyData::until(watch::channel(false).1));
        head.extensions.insert(ConnectProtocol::try_from(bytes::Bytes::from_static(b"websocket")).unwrap());
        assert!(matches!(DEFAULT.way(&mut head, &Body::Empty), Ok(Way::Wait(_))));
        assert!(!head.headers.contains_key(EARLY_DATA));
    }

    #[test]
    fn a_complete_handshake_makes_every_request_like_any_other() {
        let strict = EarlyDataPolicy { safe: Treatment::TooEarly, other: Treatment::TooEarly };
        for method in [Method::GET, Method::POST] {
            let (way, said) = way(strict, method, &Body::Empty, true);
            assert!(matches!(way, Ok(Way::Open)), "{way:?}");
            assert_eq!(said, 0);
        }
        assert!(matches!(strict.way(&mut head(Method::GET), &Body::Empty), Ok(Way::Open)));
    }

    #[test]
    fn rfc8470_5_2_who_is_told_so_comes_again() {
        let strict = EarlyDataPolicy { safe: Treatment::TooEarly, other: Treatment::Wait };
        assert!(matches!(way(strict, Method::GET, &Body::Empty, false).0, Err(Failure::TooEarly)));
        assert!(matches!(way(strict, Method::POST, &Body::Empty, false).0, Ok(Way::Wait(_))));
    }

    #[test]
    fn rfc8470_5_1_what_the_client_says_itself_is_one_field() {
        let mut head = head(Method::GET);
        head.extensions.insert(EarlyData::until(watch::channel(false).1));
        for value in ["0", "1"] {
            head.headers.append(EARLY_DATA, HeaderValue::from_static(value));
        }
        assert!(matches!(DEFAULT.way(&mut head, &Body::Empty), Ok(Way::Early(Early { was_told: true, .. }))));
        assert_eq!(head.headers.get_all(EARLY_DATA).iter().collect::<Vec<_>>(), ["1"]);
    }
}
