//! Tunnels: what goes both ways once the upstream has granted a CONNECT (RFC 9110 §9.3.6), an extended one (RFC 8441,
//! RFC 9220) or an upgrade of HTTP/1 (RFC 9110 §7.8). All three are one thing here.
//!
//! A request that asks for one is sent without content: nothing of the client's goes upstream before the answer. A client
//! codec that gets a tunnel granted answers with the status of HTTP/1 (101 for an upgrade, 2xx for a plain CONNECT); what
//! comes from the upstream is the content of that response, and a [`Tunnel`] in its extensions takes what goes there.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use http::Method;

use super::{Body, ConnectProtocol, Request};

/// Where the client's side of a granted tunnel goes.
#[derive(Clone)]
pub struct Tunnel(Arc<Mutex<Option<Upload>>>);

type Upload = Box<dyn FnOnce(Body) -> Uploading + Send>;

/// Writes the client's side to its end, and then ends that direction alone. Dropped before, it breaks the tunnel off.
pub type Uploading = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Tunnel {
    /// `upload` writes all of a body to the upstream, then ends that direction.
    #[must_use]
    pub fn new<F>(upload: impl FnOnce(Body) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self(Arc::new(Mutex::new(Some(Box::new(|body| Box::pin(upload(body)))))))
    }

    /// Gives it what the client says. A tunnel is used once: `None` from then on.
    #[must_use]
    pub fn upload(&self, body: Body) -> Option<Uploading> {
        let upload = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        upload.map(|upload| upload(body))
    }
}

impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tunnel")
    }
}

/// What kind of tunnel a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskedTunnel {
    /// Bytes to the host that the request names.
    Connect,
    /// Another protocol with the resource that the request names.
    Upgrade(ConnectProtocol),
}

impl AskedTunnel {
    /// What this request asks for, if it asks for a tunnel at all.
    #[must_use]
    pub fn of(method: &Method, extensions: &http::Extensions) -> Option<Self> {
        match extensions.get::<ConnectProtocol>() {
            Some(protocol) => Some(Self::Upgrade(protocol.clone())),
            None => (method == Method::CONNECT).then_some(Self::Connect),
        }
    }

    /// The same of a whole request.
    #[must_use]
    pub fn of_request(request: &Request) -> Option<Self> {
        Self::of(request.method(), request.extensions())
    }
}
