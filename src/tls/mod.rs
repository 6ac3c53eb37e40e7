//! Floor 3: TLS for TCP and QUIC, by rustls.
//!
//! [`ServerTls`] is a `DownstreamTlsContext` as it runs; `listener` uses it for handshakes on TCP and `quic` for QUIC.
//! [`ClientTls`] is an `UpstreamTlsContext`, for `upstream`; [`Handshakes`] remembers sessions of each host. Sessions of clients
//! resume on every worker: those of TCP are in tickets whose keys belong to the context, those of QUIC in the [`SessionStore`] of
//! the process, or in tickets where keys are configured. Certificates and keys in files may change: [`Rotation`] takes up what is
//! new.

mod agreed;
mod certificate;
mod choice;
mod client;
mod expiry;
mod facts;
mod key_log;
mod live;
mod params;
mod rotation;
mod schemes;
mod secrets;
mod server;
mod sessions;
mod shown;
mod tickets;
mod validation;

pub use agreed::Agreed;
pub use certificate::{CertificateFacts, shown};
pub use client::{Asked, ClientTls, Handshake, Handshakes, NEEDS_AUTHORITY, SslStats, Wanted, client, protocols};
pub use facts::{CIPHERS, GROUPS, VERSIONS, facts, facts_of};
pub use live::Generation;
pub use rotation::{Reread, Rotation};
pub use secrets::Secrets;
pub use server::{ServerTls, has_ticket_keys, server};
pub use sessions::{Scope, SessionStore};
pub use shown::Shown;
pub use validation::{Cause, VerifyStats, cause, in_words};

/// The transport that a context stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TLS records on TCP, RFC 8446.
    Tcp,
    /// The TLS handshake within QUIC, RFC 9001.
    Quic {
        /// Whether sessions resume.
        resumption: bool,
        /// Whether clients that resume may send early data.
        early_data: bool,
    },
}
