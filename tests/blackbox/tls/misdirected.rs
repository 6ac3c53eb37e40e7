//! Requests that came over a connection for another host.

use super::certificates::{CERTIFICATES, ecdsa};
use super::guest;
use crate::support::client::Version;
use crate::support::message::Request;

#[tokio::test]
async fn rfc9110_15_5_20_a_request_for_a_host_outside_the_certificate_is_misdirected() {
    let own = ecdsa(&["localhost", "also.test"]);
    let other = ecdsa(&["other.test", "*.other.test"]);
    let items = format!("tls_certificates: [{}, {}]", own.item(""), other.item(""));
    let edge = super::edge("", &[(CERTIFICATES, &items)]).await;
    let mut log = edge.process.log("access.log");
    for version in Version::ALL {
        // All of them ask for `localhost` in the handshake.
        let client = guest::client(&edge, version).await;
        for (authority, misdirected) in [
            ("localhost", false),
            ("LOCALHOST:8443", false),
            ("also.test", false),
            ("other.test", true),
            ("Other.Test:8443", true),
            ("x.other.test", true),
            // No certificate stands for these: whoever asks for them by name is shown the same one.
            ("elsewhere.test", false),
            ("127.0.0.1", false),
            ("[::1]:443", false),
        ] {
            let misdirected = misdirected && version != Version::Http1;
            let reply = client.send(Request::get("/").authority(authority)).await;
            assert_eq!(reply.status, if misdirected { 421 } else { 200 }, "{authority} {version:?}");
            let line = log.lines(1).await.remove(0);
            let details = if misdirected { "misdirected_request" } else { "direct_response" };
            assert_eq!(line["details"], details, "{authority} {version:?}");
        }
    }
}
