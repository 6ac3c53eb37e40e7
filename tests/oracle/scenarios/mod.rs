//! The table.

mod edge;
mod failures;
mod handshakes;
mod malformed;
mod messages;
mod routing;
mod secured;
mod settings;
mod timeouts;
mod versions;

use crate::scenario::Scenario;

/// Every scenario, in the order it runs within its stage.
pub(crate) fn all() -> Vec<Scenario> {
    [
        routing::scenarios(),
        messages::scenarios(),
        failures::scenarios(),
        secured::scenarios(),
        versions::scenarios(),
        malformed::scenarios(),
        timeouts::scenarios(),
        edge::scenarios(),
        handshakes::scenarios(),
        settings::scenarios(),
    ]
    .concat()
}
