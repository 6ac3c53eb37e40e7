//! What is counted of handshakes with upstreams: `cluster.<name>.ssl.*`, with Envoy's names, over TCP and over QUIC.

use std::io;

use rustls::{CertificateError, Error};

use crate::observe::access_log::Tls;
use crate::observe::stats::{Counter, Scope};
use crate::tls::Agreed;

/// `cluster.<name>.ssl.*`
#[derive(Clone, Debug)]
pub struct SslStats {
    handshake: Counter,
    session_reused: Counter,
    /// Handshakes and connections that broke TLS; a certificate that was not verified is not among them.
    connection_error: Counter,
    fail_verify_error: Counter,
    fail_verify_san: Counter,
    agreed: Agreed,
    /// The cluster's.
    scope: Scope,
}

impl SslStats {
    /// `scope` is the cluster's.
    #[must_use]
    pub fn new(scope: &Scope) -> Self {
        let ssl = scope.scope("ssl");
        Self {
            handshake: ssl.counter("handshake"),
            session_reused: ssl.counter("session_reused"),
            connection_error: ssl.counter("connection_error"),
            fail_verify_error: ssl.counter("fail_verify_error"),
            fail_verify_san: ssl.counter("fail_verify_san"),
            agreed: Agreed::new(&ssl),
            scope: scope.clone(),
        }
    }

    pub(super) fn scope(&self) -> &Scope {
        &self.scope
    }

    /// A handshake is complete.
    pub fn complete(&self, tls: &Tls, resumed: bool) {
        self.handshake.inc();
        if resumed {
            self.session_reused.inc();
        }
        self.agreed.count(tls);
    }

    /// Something other than a certificate broke a handshake or a connection.
    pub fn broken(&self) {
        self.connection_error.inc();
    }

    /// Counts what ended a handshake or a connection over TCP, and says why as Envoy's logs frame it; `None` where the
    /// upstream has only left.
    #[must_use]
    pub fn failed(&self, error: &io::Error) -> Option<String> {
        let fault = error.get_ref().and_then(|error| error.downcast_ref::<Error>());
        match fault {
            // Its verifier has counted it.
            Some(Error::InvalidCertificate(_)) => {}
            Some(_) => self.connection_error.inc(),
            None if error.kind() == io::ErrorKind::UnexpectedEof => return None,
            None => {}
        }
        let text = error.to_string();
        let words = text.split(" (os error").next().unwrap_or(&text);
        Some(format!("TLS_error:|{words}:TLS_error_end").replace(' ', "_"))
    }

    pub(super) fn not_verified(&self, error: &Error) {
        use CertificateError::{NotValidForName, NotValidForNameContext};
        match error {
            Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }) => self.fail_verify_san.inc(),
            _ => self.fail_verify_error.inc(),
        }
    }
}
