//! Filter chains: who gets which, over TCP and QUIC. The real Envoy is asked the same in the oracle.

use std::net::{Ipv4Addr, SocketAddr};

use crate::support::chains::{ANY, Over, ROWS, Row, chain, start};
use crate::support::deadline::until;
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
