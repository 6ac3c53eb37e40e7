//! RFC 9114 §4.4 and RFC 9220: CONNECT as a message. Where tunnels lead is in `tunnels`.

use super::client::{Client, endpoint};
use super::row::{Last, Row};
use super::table::{play, play_with};
use super::wire::{SETTINGS, data, headers, pairs};

/// RFC 9220 §3.
const ENABLE_CONNECT_PROTOCOL: u64 = 0x8;

const TO: (&str, &str) = (":authority", "localhost:443");

fn connect(name: &str, fields: &[(&str, &str)]) -> Row {
    Row::new(name).whole(headers(&[&[(":method", "CONNECT")], fields].concat()))
}

/// An extended CONNECT of this protocol, its path named for the row.
fn extended(name: &str, method: &str, protocol: &str) -> Vec<u8> {
    let path = format!("/{name}");
    let target = [(":scheme", "https"), (":path", &path), (":authority", "localhost")];
    headers(&[&[(":method", method), (":protocol", protocol)], &target[..]].concat())
}

#[tokio::test]
async fn rfc9114_4_4_connect() {
    let bad = |name: &str, fields: &[(&str, &str)]| connect(name, fields).malformed();
    play(vec![
        bad("rfc9114_4_4_connect_with_path", &[TO, (":path", "/")]),
        bad("rfc9114_4_4_connect_with_scheme", &[TO, (":scheme", "https")]),
        bad("rfc9114_4_4_connect_with_both", &[TO, (":scheme", "https"), (":path", "/")]),
        bad("rfc9114_4_4_connect_to_nobody", &[]),
        bad("rfc9114_4_4_connect_to_host_only", &[("host", "localhost:443")]),
        bad("rfc9114_4_4_connect_without_port", &[(":authority", "localhost")]),
        bad("rfc9114_4_4_connect_to_nothing", &[(":authority", "")]),
        // Nothing leads a tunnel anywhere here.
        connect("rfc9114_4_4_connect_is_not_forwarded", &[TO]).answers(&[404]),
        // It was not announced in SETTINGS.
        Row::new("rfc9220_3_extended_connect").whole(extended("", "CONNECT", "websocket")).malformed(),
        bad("rfc9220_3_protocol_of_nothing", &[TO, (":protocol", "")]),
        Row::new("rfc9220_3_protocol_without_connect").whole(extended("", "GET", "websocket")).malformed(),
    ])
    .await;
}

#[tokio::test]
async fn rfc9220_3_extended_connect_is_taken_where_it_is_enabled() {
    let row = |name: &str, method: &str, protocol: &str| Row::new(name).whole(extended(name, method, protocol));
    let enabled = "          http3_protocol_options: {allow_extended_connect: true}\n";
    let open = "rfc9220_3_a_tunnel_that_is_not_configured";
    let edge = play_with(
        enabled,
        vec![
            row("rfc9220_3_no_upgrade_is_configured", "CONNECT", "websocket").answers(&[403]),
            Row::new(open)
                .request([extended(open, "CONNECT", "websocket"), data("ab")].concat(), Last::Open)
                .answers(&[403]),
            row("rfc9220_3_protocol_that_is_no_token", "CONNECT", "a\r\nb").malformed(),
            row("rfc9220_3_empty_protocol", "CONNECT", "").malformed(),
            row("rfc9220_3_protocol_with_get", "GET", "websocket").malformed(),
            connect("rfc9220_3_protocol_without_path", &[TO, (":scheme", "https"), (":protocol", "websocket")])
                .malformed(),
            connect("rfc9220_3_plain_connect_as_before", &[TO]).answers(&[404]),
        ],
    )
    .await;
    let log = edge.process.log("access.log").lines_so_far();
    let failed: Vec<_> = log.iter().filter(|line| line["details"] == "upgrade_failed").collect();
    assert_eq!(failed.len(), 2, "{log:?}");
    // As Envoy, which shows an extended CONNECT as the GET that it would be over HTTP/1.
    assert!(failed.iter().all(|line| line["method"] == "GET" && line["path"].as_str().is_some()), "{failed:?}");

    let said = async |edge: &crate::edge::Edge| {
        let mut client = Client::connect(&endpoint(), edge.process.address("http3")).await;
        pairs(&client.control_frame(SETTINGS).await.expect("SETTINGS"))
    };
    assert!(said(&edge).await.contains(&(ENABLE_CONNECT_PROTOCOL, 1)));
    let edge = play_with("", Vec::new()).await;
    assert!(!said(&edge).await.iter().any(|(id, _)| *id == ENABLE_CONNECT_PROTOCOL));
}
