//! What all QUIC endpoints of the process have in common: made once, random, never written down.
//!
//! With another process goes another key, and ids of before name workers by chance. An upgrade that is to keep connections can
//! hand the keys over, or offer datagrams of unknown ids to the process before.

use std::sync::LazyLock;

use quinn::EndpointConfig;

use super::ids::Ids;
use super::rule::Rule;

/// The rule of the process for as many workers.
pub(super) fn rule(workers: usize) -> Rule {
    Rule::new(COMMON.steering, workers)
}

/// The endpoint of one worker. All have one key of stateless resets (RFC 9000 §10.3), so that each can answer for any.
pub(super) fn endpoint(rule: Rule, worker: usize) -> EndpointConfig {
    let mut config = COMMON.endpoint.clone();
    config.cid_generator(move || Box::new(Ids::new(rule, worker)));
    config
}

struct Common {
    steering: [u32; 2],
    /// quinn makes a random key of resets with it; clones share that.
    endpoint: EndpointConfig,
}

static COMMON: LazyLock<Common> =
    LazyLock::new(|| Common { steering: rand::random(), endpoint: EndpointConfig::default() });
