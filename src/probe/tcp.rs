//! A probe over TCP: HTTP/1.1 and HTTP/2, in the clear or over TLS.

use std::{io, net::SocketAddr, sync::Arc, time::Instant};

use rustls::{ClientConfig, HandshakeKind};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    args::{Plan, Version},
    clock::Clock,
    connect::{self, AttemptError},
    error::{Phase, ProbeError, Transport, Unreachable},
    fault::{ProtocolFault, TlsFault},
    http1, http2,
    open::Open,
    report::{Report, SESSION_WAIT},
    resumption::Resumption,
    target::Target,
    tls::{self, TlsFacts, Trust},
    witness::Witness,
};

/// Connects, sends the request, and for https connects once more.
pub(super) async fn probe(plan: &Plan, clock: &Clock, report: &mut Report) -> Result<(), ProbeError> {
    let addresses = clock.within(Phase::Resolving, connect::resolve(&plan.target)).await?;
    let started = Instant::now();
    let connecting = connect::first(&addresses, open);
    let (address, stream) = clock.within(Phase::Connecting(Transport::Tcp), connecting).await?;
    report.connected(address, Transport::Tcp);
    report.connect = Some(started.elapsed());
    match &plan.trust {
        None => {
            let version = plan.version.unwrap_or(Version::Http1);
            exchange(plan, clock, report, stream, version).await.map(drop)
        }
        Some(trust) => secured(plan, clock, report, (address, stream), trust).await,
    }
}

async fn secured(
    plan: &Plan,
    clock: &Clock,
    report: &mut Report,
    (address, stream): (SocketAddr, TcpStream),
    trust: &Trust,
) -> Result<(), ProbeError> {
    let (config, witness) = tls::tcp_config(trust, offers(plan.version))?;
    let started = Instant::now();
    let stream = clock.within(Phase::Handshaking, handshake(&config, &plan.target, stream)).await?;
    report.handshake = Some(started.elapsed());
    let facts = TlsFacts::of_stream(stream.get_ref().1, trust);
    let chosen = report.tls.insert(facts).alpn.clone();
    let version = agreed(plan.version, chosen)?;
    let _open = exchange(plan, clock, report, stream, version).await?;
    let again = resume(&config, &witness, &plan.target, address);
    report.resumption = Some(match clock.within(Phase::Handshaking, again).await {
        Ok(resumption) => resumption,
        Err(error) => Resumption::Failed { error: error.to_string() },
    });
    Ok(())
}

async fn exchange<S>(
    plan: &Plan,
    clock: &Clock,
    report: &mut Report,
    stream: S,
    version: Version,
) -> Result<Open, ProbeError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    report.version = Some(version);
    let answer = &mut report.answer;
    clock
        .within(Phase::Responding, async {
            match version {
                Version::Http2 => http2::exchange(stream, &plan.request, answer).await,
                Version::Http1 | Version::Http3 => http1::exchange(stream, &plan.request, answer).await,
            }
        })
        .await
}

/// A second handshake with the first one's session; no request.
async fn resume(
    config: &Arc<ClientConfig>,
    witness: &Witness,
    target: &Target,
    address: SocketAddr,
) -> Result<Resumption, ProbeError> {
    if timeout(SESSION_WAIT, witness.session()).await.is_err() {
        return Ok(Resumption::NoSession);
    }
    let unreachable = |source| ProbeError::Connect(vec![Unreachable { address, transport: Transport::Tcp, source }]);
    let stream = TcpStream::connect(address).await.map_err(unreachable)?;
    let stream = handshake(config, target, stream).await?;
    Ok(match stream.get_ref().1.handshake_kind() {
        Some(HandshakeKind::Resumed) => Resumption::Resumed,
        _ => Resumption::FullHandshake,
    })
}

async fn open(address: SocketAddr) -> Result<TcpStream, AttemptError> {
    let stream: io::Result<TcpStream> = async {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
    .await;
    stream.map_err(|source| AttemptError::Unreachable(Unreachable { address, transport: Transport::Tcp, source }))
}

async fn handshake(
    config: &Arc<ClientConfig>,
    target: &Target,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, ProbeError> {
    let name = tls::server_name(&target.host)?;
    let connecting = TlsConnector::from(Arc::clone(config)).connect(name, stream);
    connecting.await.map_err(|error| ProbeError::Tls(TlsFault::of_io(error)))
}

/// RFC 7301 §3.1: the protocols offered, the preferred one first.
fn offers(version: Option<Version>) -> &'static [&'static [u8]] {
    match version {
        Some(Version::Http1) => &[b"http/1.1"],
        Some(Version::Http2) => &[b"h2"],
        Some(Version::Http3) | None => &[b"h2", b"http/1.1"],
    }
}

/// What is spoken, from what was asked for and what the server chose.
fn agreed(wanted: Option<Version>, chosen: Option<String>) -> Result<Version, ProbeError> {
    match (wanted, chosen.as_deref()) {
        (None | Some(Version::Http2), Some("h2")) => Ok(Version::Http2),
        (None | Some(Version::Http1), Some("http/1.1") | None) => Ok(Version::Http1),
        (wanted, _) => {
            let wanted = wanted.unwrap_or(Version::Http2);
            Err(ProbeError::Protocol(ProtocolFault::Alpn { wanted, chosen }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_spoken_is_the_one_agreed_on() {
        let agreed = |wanted, chosen: Option<&str>| agreed(wanted, chosen.map(Into::into)).ok();
        assert_eq!(agreed(None, Some("h2")), Some(Version::Http2));
        assert_eq!(agreed(None, Some("http/1.1")), Some(Version::Http1));
        assert_eq!(agreed(None, None), Some(Version::Http1));
        assert_eq!(agreed(Some(Version::Http1), None), Some(Version::Http1));
        assert_eq!(agreed(Some(Version::Http2), Some("h2")), Some(Version::Http2));
        assert_eq!(agreed(Some(Version::Http2), None), None);
        assert_eq!(agreed(Some(Version::Http1), Some("h2")), None);
        assert_eq!(agreed(None, Some("h3")), None);
    }
}
