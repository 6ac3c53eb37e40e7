//! Filter chains: two listeners with the same chains, each of which answers with its name, and a table of who gets which.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Buf as _;
use quinn::Endpoint;
use quinn::crypto::rustls::QuicClientConfig;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpSocket;
use tokio_rustls::TlsConnector;

use super::certificates::Certificates;
use super::deadline::within;
use super::process::Process;
use super::program::Program;

/// What a client comes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    Tls,
    Clear,
    Quic,
}

/// A client, and the chain that it gets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) over: &'static [Over],
    pub(crate) name: Option<&'static str>,
    /// Over TLS; over QUIC it is `h3`.
    pub(crate) protocols: &'static [&'static str],
    /// The last byte of its address in 127.0.0.0/8, and of the one it comes to.
    pub(crate) from: u8,
    pub(crate) to: u8,
    pub(crate) chain: &'static str,
}

const BOTH: &[Over] = &[Over::Tls, Over::Quic];
pub(crate) const ANY: Row =
    Row { over: BOTH, name: None, protocols: &["http/1.1"], from: 1, to: 1, chain: "encrypted" };

const fn named(name: &'static str, chain: &'static str) -> Row {
    Row { name: Some(name), chain, ..ANY }
}

/// Everybody. A chain named `default` is the default one, and nothing where there is none.
pub(crate) const ROWS: &[Row] = &[
    ANY,
    named("a.test", "exact"),
    named("A.Test", "exact"),
    named("x.a.test", "wildcard"),
    named("x.y.a.test", "wildcard"),
    named("b.a.test", "wildcard"),
    named("x.b.a.test", "longer wildcard"),
    named("x.y.b.a.test", "longer wildcard"),
    named("test", "encrypted"),
    named("elsewhere.test", "encrypted"),
    named("second.test", "two names"),
    named("also.test", "two names"),
    // Among chains of one name, by protocol.
    named("p.test", "of http/1.1 or h3"),
    Row { over: &[Over::Tls], protocols: &["h2", "http/1.1"], ..named("p.test", "of h2") },
    Row { over: &[Over::Tls], protocols: &["http/1.1", "h2"], ..named("p.test", "of http/1.1 or h3") },
    Row { over: &[Over::Tls], protocols: &["x", "h2", "http/1.1"], ..named("p.test", "of h2") },
    Row { over: &[Over::Tls], protocols: &[], ..named("p.test", "of no protocol") },
    // A step that is not taken back.
    named("dead.test", "default"),
    // By the address of the client.
    named("s.test", "from anywhere"),
    Row { from: 5, ..named("s.test", "from one") },
    Row { from: 6, ..named("s.test", "from a few") },
    Row { from: 7, ..named("s.test", "from a few") },
    Row { from: 8, ..named("s.test", "from anywhere") },
    Row { from: 5, ..named("a.test", "exact") },
    Row { from: 6, ..named("direct.test", "of a direct peer") },
    Row { from: 8, ..named("direct.test", "default") },
    named("kind.test", "local"),
    // By the address that it comes to, which stands before the name.
    Row { to: 9, ..ANY_TO_NINE },
    Row { to: 9, name: Some("a.test"), chain: "exact at nine", ..ANY_TO_NINE },
    Row { to: 9, name: Some("x.a.test"), ..ANY_TO_NINE },
    Row { over: &[Over::Quic], to: 10, name: Some("a.test"), chain: "a few", ..ANY },
    // By what is spoken.
    Row { over: &[Over::Clear], chain: "in the clear", ..ANY },
    Row { over: &[Over::Clear], from: 5, chain: "in the clear", ..ANY },
    Row { over: &[Over::Clear], to: 10, chain: "a few", ..ANY },
];

const ANY_TO_NINE: Row = Row { chain: "nine", ..ANY };

/// What each chain says of those that it takes; with `C` in the clear, on TCP only.
const CHAINS: &[(&str, &str)] = &[
    ("exact", "{server_names: [a.test]}"),
    ("wildcard", "{server_names: [\"*.a.test\"]}"),
    ("longer wildcard", "{server_names: [\"*.b.a.test\"]}"),
    ("two names", "{server_names: [second.test, also.test]}"),
    ("of h2", "{server_names: [p.test], application_protocols: [h2]}"),
    ("of http/1.1 or h3", "{server_names: [p.test], application_protocols: [http/1.1, h3]}"),
    ("of no protocol", "{server_names: [p.test]}"),
    ("dead end", "{server_names: [dead.test], application_protocols: [none]}"),
    ("from one", "{server_names: [s.test], source_prefix_ranges: [{address_prefix: 127.0.0.5, prefix_len: 32}]}"),
    ("from a few", "{server_names: [s.test], source_prefix_ranges: [{address_prefix: 127.0.0.4, prefix_len: 30}]}"),
    ("from anywhere", "{server_names: [s.test]}"),
    (
        "of a direct peer",
        "{server_names: [direct.test], direct_source_prefix_ranges: [{address_prefix: 127.0.0.4, prefix_len: 30}]}",
    ),
    ("local", "{server_names: [kind.test], source_type: SAME_IP_OR_LOOPBACK}"),
    ("external", "{server_names: [kind.test], source_type: EXTERNAL}"),
    ("nine", "{prefix_ranges: [{address_prefix: 127.0.0.9, prefix_len: 32}]}"),
    ("exact at nine", "{prefix_ranges: [{address_prefix: 127.0.0.9, prefix_len: 32}], server_names: [a.test]}"),
    ("a few", "{prefix_ranges: [{address_prefix: 127.0.0.8, prefix_len: 29}]}"),
    ("encrypted", "{transport_protocol: TRANSPORT}"),
    ("in the clear", "{transport_protocol: raw_buffer}"),
];

/// A program with these chains, with or without a default one.
pub(crate) async fn start(program: &Program, default: bool) -> Process {
    let listeners: String = [Over::Tls, Over::Quic].map(|over| listener(over, default)).concat();
    Process::start(program, &format!("static_resources:\n  listeners:\n{listeners}")).await
}

fn listener(over: Over, default: bool) -> String {
    let (name, protocol, udp, transport) = match over {
        Over::Quic => ("http3", "UDP", "    udp_listener_config: {quic_options: {}}\n", "quic"),
        _ => ("https", "TCP", "", "tls"),
    };
    // Envoy wants to be told to look at what TCP clients say.
    let inspector = "    listener_filters:\n    - name: tls_inspector\n      typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector}\n";
    let inspector = if over == Over::Quic { "" } else { inspector };
    let chains = CHAINS.iter().filter(|(name, _)| *name != "in the clear" || over != Over::Quic);
    let item = |(name, rule): &(&str, &str)| {
        let clear = matches!(*name, "in the clear" | "a few") && over != Over::Quic;
        let rule = rule.replace("TRANSPORT", transport);
        format!("    - filter_chain_match: {rule}\n{}", chain(name, if clear { None } else { Some(over) }))
    };
    let chains = chains.map(item).collect::<Vec<_>>().concat();
    let default = if default {
        let text = chain("default", Some(over));
        format!("    default_filter_chain:\n{text}")
    } else {
        String::new()
    };
    format!(
        "  - name: {name}
    address: {{socket_address: {{protocol: {protocol}, address: 0.0.0.0, port_value: 0}}}}
{udp}{inspector}    access_log:
    - name: envoy.access_loggers.file
      typed_config:
        \"@type\": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
        path: ${{dir}}/connections.log
        log_format: {{json_format: {{chain: \"%FILTER_CHAIN_NAME%\", flags: \"%RESPONSE_FLAGS%\", details: \"%RESPONSE_CODE_DETAILS%\"}}}}
    filter_chains:
{chains}{default}"
    )
}

/// A chain that answers with its name; indented as an item.
pub(crate) fn chain(name: &str, over: Option<Over>) -> String {
    let context = "{common_tls_context: {tls_certificates: [{certificate_chain: {filename: \"${dir}/server.crt\"}, private_key: {filename: \"${dir}/server.key\"}}]}}";
    let transport = match over {
        None => String::new(),
        Some(Over::Quic) => format!(
            "      transport_socket: {{name: quic, typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.transport_sockets.quic.v3.QuicDownstreamTransport, downstream_tls_context: {context}}}}}\n"
        ),
        Some(_) => {
            let fields = &context[1..];
            format!(
                "      transport_socket: {{name: tls, typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext, {fields}}}\n"
            )
        }
    };
    let codec = if over == Some(Over::Quic) { "HTTP3" } else { "HTTP1" };
    format!(
        "      name: \"{name}\"
{transport}      filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: chains
          codec_type: {codec}
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
          route_config:
            virtual_hosts:
            - name: all
              domains: [\"*\"]
              routes: [{{match: {{prefix: /}}, direct_response: {{status: 200, body: {{inline_string: \"{name}\"}}}}}}]
"
    )
}

impl Row {
    /// Which chain answers; `None` where the connection comes to nothing.
    pub(crate) async fn visit(&self, process: &Process, over: Over) -> Option<String> {
        let port = |listener| process.address(listener).port();
        let from = SocketAddr::from((Ipv4Addr::new(127, 0, 0, self.from), 0));
        let to = |port| SocketAddr::from((Ipv4Addr::new(127, 0, 0, self.to), port));
        match over {
            Over::Quic => self.over_quic(from, to(port("http3"))).await,
            Over::Tls | Over::Clear => self.over_tcp(from, to(port("https")), over).await,
        }
    }

    fn client(&self, protocols: &[&str]) -> ClientConfig {
        let mut client = Certificates::credulous_client(protocols);
        client.enable_sni = self.name.is_some();
        client
    }

    async fn over_tcp(&self, from: SocketAddr, to: SocketAddr, over: Over) -> Option<String> {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(from).expect("an address of loopback");
        let stream = socket.connect(to).await.expect("a listener");
        if over == Over::Clear {
            return ask(stream).await;
        }
        let name = ServerName::try_from(self.name.unwrap_or("localhost")).expect("a host name");
        let connecting = TlsConnector::from(Arc::new(self.client(self.protocols))).connect(name, stream);
        ask(within("a TLS handshake", connecting).await.ok()?).await
    }

    pub(crate) async fn over_quic(&self, from: SocketAddr, to: SocketAddr) -> Option<String> {
        let tls = QuicClientConfig::try_from(self.client(&["h3"])).expect("TLS 1.3");
        let endpoint = Endpoint::client(from).expect("a UDP socket");
        let config = quinn::ClientConfig::new(Arc::new(tls));
        let connecting = endpoint.connect_with(config, to, self.name.unwrap_or("localhost")).expect("an address");
        let connection = within("a QUIC handshake", connecting).await.ok()?;
        within("an answer over HTTP/3", ask_http3(connection)).await
    }
}

async fn ask<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) -> Option<String> {
    stream.write_all(b"GET / HTTP/1.1\r\nhost: any.test\r\n\r\n").await.ok()?;
    let mut answer = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&answer);
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && let Some(length) = head.lines().find_map(|line| line.strip_prefix("content-length: "))
            && length.parse() == Ok(body.len())
        {
            return head.starts_with("HTTP/1.1 200").then(|| body.to_owned());
        }
        // The end may be a reset, or one without a word of TLS.
        let read = within("the answer", stream.read_buf(&mut answer)).await.ok()?;
        (read > 0).then_some(())?;
    }
}

/// Asks for anything, and returns what is answered.
pub(crate) async fn ask_http3(connection: quinn::Connection) -> Option<String> {
    let (_driver, mut requests) = h3::client::new(h3_quinn::Connection::new(connection)).await.ok()?;
    let head = http::Request::get("https://any.test/").body(()).expect("a head");
    let mut stream = requests.send_request(head).await.ok()?;
    stream.finish().await.ok()?;
    stream.recv_response().await.ok().filter(|head| head.status() == 200)?;
    let mut body = Vec::new();
    while let Some(mut part) = stream.recv_data().await.ok()? {
        body.extend_from_slice(&part.copy_to_bytes(part.remaining()));
    }
    String::from_utf8(body).ok()
}
