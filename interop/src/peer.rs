//! The clients, and how the cases are run with one of them.

use std::{io, path::Path, sync::mpsc::sync_channel, thread, time::Duration};

use crate::{
    ask::{Ask, Said},
    case::{Case, ENDLESS, Verdict},
    files::Files,
    gateway::Gateway,
    provision::{Program, Source},
};

/// A public HTTP/3 client.
pub(crate) struct Peer {
    /// With its version, unless that is known only when it is installed.
    pub(crate) name: &'static str,
    /// What speaks QUIC and HTTP/3 in it.
    pub(crate) stack: &'static str,
    pub(crate) source: Source,
    /// Takes minutes to build the first time: runs only when all are asked for.
    pub(crate) heavy: bool,
}

/// Runs all cases with `client` against gateways of our own, made in `directory`.
pub(crate) fn at_gateways(client: &Program, directory: &Path, files: &Files) -> io::Result<Vec<Verdict>> {
    let gateway = Gateway::start(directory)?;
    Case::ALL.iter().map(|case| at_gateway(*case, client, &gateway, directory, files)).collect()
}

/// Runs all cases with `client` against a server of which nothing is known but where it is.
pub(crate) fn at_server(client: &Program, server: &Server<'_>, files: &Files) -> io::Result<Vec<Verdict>> {
    let run = |case: &Case| {
        if matches!(case, Case::Cancel | Case::Goaway) {
            return Ok(Verdict::Cannot("only a gateway started here is drained, and its log read".to_owned()));
        }
        files.clear()?;
        Ok(case.verdict(case.ask(server.url, server.authority, files).put_to(&client.command), files))
    };
    Case::ALL.iter().map(run).collect()
}

/// A server that runs already.
pub(crate) struct Server<'a> {
    pub(crate) url: &'a str,
    pub(crate) authority: &'a Path,
}

fn at_gateway(case: Case, client: &Program, gateway: &Gateway, directory: &Path, files: &Files) -> io::Result<Verdict> {
    let ask = |gateway: &Gateway| case.ask(&gateway.url(), gateway.authority(), files);
    files.clear()?;
    match case {
        // A gateway that is drained is of no use to the next case.
        Case::Goaway => {
            let gateway = Gateway::start(directory)?;
            let said = while_drained(&ask(&gateway), client, &gateway)?;
            Ok(case.verdict(said, files))
        }
        Case::Cancel => Ok(match case.verdict(ask(gateway).put_to(&client.command), files) {
            Verdict::Ok(seen) => match gateway.logged_flags(ENDLESS) {
                Ok(flags) if flags == "-" => Verdict::Failed("logged as if it had come to its end".to_owned()),
                Ok(flags) => Verdict::Ok(format!("{seen}; logged with {flags}")),
                Err(error) => Verdict::Failed(format!("not in the access log: {error}")),
            },
            other => other,
        }),
        _ => Ok(case.verdict(ask(gateway).put_to(&client.command), files)),
    }
}

/// Drains the gateway between the two halves of the response.
fn while_drained(ask: &Ask, client: &Program, gateway: &Gateway) -> io::Result<Said> {
    thread::scope(|scope| {
        let (ended, end) = sync_channel(1);
        scope.spawn(move || ended.send(ask.put_to(&client.command)));
        if gateway.backend().arrived().recv_timeout(ARRIVAL).is_ok() {
            gateway.drain()?;
            gateway.backend().release();
        }
        end.recv().map_err(io::Error::other)
    })
}

/// How long a client has to send its request: one that cannot has said so long before.
const ARRIVAL: Duration = Duration::from_secs(10);

/// The client that servers are asked with, behind a front.
pub(crate) const REFERENCE: Source = Source::Own { bin: "h3_client" };

/// The clients, in the order of their rows.
pub(crate) const PEERS: &[Peer] = &[
    Peer {
        name: "aioquic 1.7.2",
        stack: "aioquic",
        source: Source::Python { package: "aioquic==1.7.2", script: "aioquic_client.py" },
        heavy: false,
    },
    Peer {
        name: "niquests 3.21.0",
        stack: "qh3 2.1.0",
        source: Source::Python { package: "niquests==3.21.0 qh3==2.1.0", script: "niquests_client.py" },
        heavy: false,
    },
    Peer {
        name: "curl_cffi 0.16.0",
        stack: "libcurl, ngtcp2, nghttp3, BoringSSL",
        source: Source::Python { package: "curl_cffi==0.16.0", script: "curl_cffi_client.py" },
        heavy: false,
    },
    Peer {
        name: "curl",
        stack: "libcurl, QUIC of OpenSSL, nghttp3",
        source: Source::Debian { package: "curl", script: "curl_client.py" },
        heavy: false,
    },
    Peer {
        name: "gtlsclient",
        stack: "ngtcp2, nghttp3, GnuTLS",
        source: Source::Debian { package: "ngtcp2-client", script: "gtlsclient.py" },
        heavy: false,
    },
    Peer { name: "h3 0.0.8", stack: "h3, quinn, rustls", source: REFERENCE, heavy: false },
    Peer { name: "h3i 0.7.0", stack: "quiche, BoringSSL", source: Source::Apart { folder: "h3i" }, heavy: true },
];
