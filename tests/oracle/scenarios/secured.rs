//! Backends under TLS.

use crate::scenario::{Scenario, get};

pub(super) fn scenarios() -> Vec<Scenario> {
    let named = |name| get("/tls/by-name").header("x-name", name);
    vec![
        Scenario::get("a backend under TLS", "/tls/secured"),
        Scenario::exchange("a backend under TLS by the name of the request", get("/tls/by-name")),
        Scenario::exchange("a backend under TLS by the name in a header", named("localhost:1")),
        Scenario::exchange("a backend under TLS by an address", named("127.0.0.1")),
        Scenario::exchange("a backend under TLS of another name", named("b.test")),
        Scenario::get("a backend under TLS of another authority", "/tls/of-stranger"),
        Scenario::get("a backend under TLS that wants a certificate and gets none", "/tls/wanting"),
        Scenario::get("a backend under TLS that is shown a certificate", "/tls/shown"),
        Scenario::get("a backend under TLS that says nothing", "/tls/silent"),
    ]
}
