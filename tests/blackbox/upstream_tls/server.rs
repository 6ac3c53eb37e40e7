//! Upstreams under TLS.

use std::sync::Arc;

use rustls::ServerConfig;

use crate::support::backend::{Backend, Script};

pub(super) use crate::support::tls_server::{Setup, TLS12_ONLY};

/// An upstream that echoes.
pub(super) async fn echo(configuration: ServerConfig) -> Backend {
    Backend::secured(Arc::new(configuration), Script::echo).await
}

/// One that closes each connection after its answer.
pub(super) async fn brief(configuration: ServerConfig) -> Backend {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
    Backend::secured(Arc::new(configuration), move |_| Script::bytes(answer)).await
}
