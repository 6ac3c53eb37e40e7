//! What a client is asked and what it says it saw: the words between this program and the adapters of the clients.
//!
//! Each client stands behind an adapter: a program that takes one [`Ask`] as its last argument, in JSON, does it with
//! that client, and prints one [`Said`]. It judges nothing. Adapters written in Rust include this file.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

/// Requests to send one after the other, on one connection if the client can.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Ask {
    /// `https://localhost:PORT`.
    pub(crate) url: String,
    /// The authority that signed the server's certificate, in PEM.
    pub(crate) authority: PathBuf,
    pub(crate) requests: Vec<Request>,
    /// Stay after the last response until GOAWAY has come.
    pub(crate) await_goaway: bool,
}

/// One request.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) fields: Vec<(String, String)>,
    /// The file that holds the content to send.
    pub(crate) body: Option<PathBuf>,
    pub(crate) trailers: Vec<(String, String)>,
    /// Give the request up once its response has begun.
    pub(crate) cancel: bool,
    /// Where the content of the response goes.
    pub(crate) save: PathBuf,
}

/// What became of it.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Said {
    Seen(Seen),
    /// The client has no way to do this.
    Cannot(String),
    Failed(String),
}

/// A run of the client that came to its end.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Seen {
    /// What the connection was like, in a few words.
    pub(crate) connection: String,
    /// One for each request that was not cancelled.
    pub(crate) replies: Vec<Reply>,
    /// Whether GOAWAY came; nothing when the client does not show it.
    pub(crate) goaway: Option<bool>,
}

/// A response; its content is in the file that was asked for.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The statuses of interim responses.
    #[serde(default)]
    pub(crate) interim: Vec<u16>,
    pub(crate) fields: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) trailers: BTreeMap<String, String>,
}
