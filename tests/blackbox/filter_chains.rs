//! Filter chains: who gets which, over TCP and QUIC. The real Envoy is asked the same in the oracle.

use std::net::{Ipv4Addr, SocketAddr};

use quinn::Endpoint;

use crate::settings::quic::client;
use crate::support::chains::{ANY, Over, ROWS, Row, ask_http3, chain, start};
use crate::support::deadline::{until, within};
use crate::support::ports::reserve;
use crate::support::program::Gateway;

/// Whether every row has the chain it should have, of those that are meant.
async fn hold(meant: impl Fn(&Row, Over) -> bool) {
    for default in [true, false] {
        let process = start(&Gateway::program(), default).await;
        let mut unmatched = 0;
        for row in ROWS {
            for over in row.over.iter().copied().filter(|over| meant(row, *over)) {
                let expected = (default || row.chain != "default").then(|| row.chain.to_owned());
                unmatched += i64::from(expected.is_none());
                assert_eq!(row.visit(&process, over).await, expected, "{row:?} {over:?}, default: {default}");
            }
        }
        let counted = async || {
            let stats = process.stats().await;
            (stats.of("listener.0.0.0.0_0.no_filter_chain_match") == unmatched).then_some(())
        };
        until(format!("{unmatched} connections without a chain are counted"), counted).await;
        let mut log = process.log("connections.log");
        let mut told = 0;
        until("their lines in the log", async || {
            let lines = log.lines_so_far();
            let found =
                lines.iter().filter(|line| line["details"] == "filter_chain_not_found" && line["flags"] == "NR");
            told += i64::try_from(found.count()).ok()?;
            (told == unmatched).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn the_name_that_is_asked_for_leads_to_a_chain() {
    hold(|row, _| row.name.is_some() && row.from == 1 && row.to == 1).await;
}

#[tokio::test]
async fn what_is_spoken_leads_to_a_chain() {
    hold(|row, over| over == Over::Clear || row.name.is_none_or(|name| name == "p.test")).await;
}

#[tokio::test]
async fn addresses_lead_to_a_chain() {
    hold(|row, _| row.from != 1 || row.to != 1 || row.name == Some("kind.test")).await;
}

#[tokio::test]
async fn a_connection_for_which_there_is_no_chain_gets_the_default_one_or_none() {
    hold(|row, _| row.chain == "default" || row.chain == "exact").await;
}

#[tokio::test]
async fn each_address_of_a_quic_listener_has_its_port() {
    let first = reserve();
    let second = std::iter::repeat_with(reserve).find(|port| *port != first).expect("another port");
    let address = |port| format!("{{socket_address: {{protocol: UDP, address: 127.0.0.1, port_value: {port}}}}}");
    let item = |port: u16| {
        format!(
            "    - filter_chain_match: {{destination_port: {port}}}\n{}",
            chain(&port.to_string(), Some(Over::Quic))
        )
    };
    let yaml = format!(
        "static_resources:
  listeners:
  - name: http3
    address: {}
    additional_addresses: [{{address: {}}}]
    udp_listener_config: {{quic_options: {{}}}}
    access_log:
    - name: envoy.access_loggers.file
      typed_config:
        \"@type\": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
        path: ${{dir}}/connections.log
        log_format: {{json_format: {{local: \"%DOWNSTREAM_LOCAL_ADDRESS%\"}}}}
    filter_chains:
{}{}",
        address(first),
        address(second),
        item(first),
        item(second)
    );
    let process = Gateway::start(&yaml).await;
    let from = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut log = process.log("connections.log");
    for port in [first, second] {
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        assert_eq!(ANY.over_quic(from, to).await, Some(port.to_string()));
        assert_eq!(log.lines(1).await[0]["local"], to.to_string());
    }
}

#[tokio::test]
async fn a_session_of_one_chain_lets_nobody_early_into_one_for_other_addresses() {
    let rule = "{source_prefix_ranges: [{address_prefix: 127.0.0.2, prefix_len: 32}]}";
    let yaml = format!(
        "static_resources:
  listeners:
  - name: http3
    address: {{socket_address: {{protocol: UDP, address: 127.0.0.1, port_value: 0}}}}
    udp_listener_config: {{quic_options: {{}}}}
    filter_chains:
    - filter_chain_match: {rule}
{}    default_filter_chain:
{}",
        chain("inside", Some(Over::Quic)),
        chain("outside", Some(Over::Quic))
    );
    let process = Gateway::start(&yaml).await;
    let to = process.address("http3");
    let endpoint = |host| Endpoint::client((Ipv4Addr::new(127, 0, 0, host), 0).into()).expect("a UDP socket");
    let [outside, inside] = [endpoint(1), endpoint(2)];
    let (_, configuration) = client();
    let visit = async |from: &Endpoint, early: bool| {
        let connecting = from.connect_with(configuration.clone(), to, "localhost").expect("an address");
        let (connection, accepted) = if early {
            let Ok((connection, accepted)) = connecting.into_0rtt() else { panic!("no ticket with early data") };
            (connection, within("the end of a handshake", accepted).await)
        } else {
            (within("a QUIC handshake", connecting).await.expect("a connection"), false)
        };
        // A ticket comes after the handshake, and before the answer.
        let chain = within("an answer over HTTP/3", ask_http3(connection.clone())).await;
        connection.close(0x100_u32.into(), b"");
        (chain, accepted)
    };
    let answered = |chain: &str, accepted| (Some(chain.to_owned()), accepted);
    assert_eq!(visit(&outside, false).await, answered("outside", false));
    // Whoever writes the address of another on its datagrams has no more than this.
    assert_eq!(visit(&inside, true).await, answered("inside", false));
    assert_eq!(visit(&inside, true).await, answered("inside", true));
}
