//! The client that plays a row: bare QUIC streams.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{Connection, ConnectionError, Endpoint, ReadError, ReadToEndError, RecvStream, SendStream, VarInt};

use super::row::{H3_NO_ERROR, Last, Row, Step, Want};
use super::wire::{Answer, headers};
use crate::support::certificates::Certificates;
use crate::watched::AFTER;

/// A connection, and the streams that were opened on it.
pub(super) struct Client {
    connection: Connection,
    unis: Vec<SendStream>,
    requests: Vec<(SendStream, RecvStream)>,
    /// The gateway's first unidirectional stream, once somebody asked for it.
    theirs: Option<RecvStream>,
}

impl Client {
    pub(super) async fn connect(endpoint: &Endpoint, address: SocketAddr) -> Self {
        let connecting = endpoint.connect(address, "localhost").expect("an address");
        let connection = connecting.await.expect("a QUIC handshake");
        Self { connection, unis: Vec::new(), requests: Vec::new(), theirs: None }
    }

    /// Plays a row to its end; the error says what came instead of what must.
    pub(super) async fn play(mut self, row: &Row) -> Result<(), String> {
        for step in &row.steps {
            if matches!(step, Step::Meanwhile) {
                self.goes_on(&row.name).await?;
                self.requests.pop();
                continue;
            }
            // A connection that the gateway has closed meanwhile takes no more: what counts is how it ended.
            if self.take(step).await.is_none() {
                break;
            }
        }
        self.see(&row.want).await?;
        if !matches!(row.want, Want::Closed(_)) {
            self.goes_on(&row.name).await?;
        }
        self.connection.close(varint(H3_NO_ERROR), b"");
        Ok(())
    }

    pub(super) async fn take(&mut self, step: &Step) -> Option<()> {
        match step {
            Step::Uni(bytes, last) => {
                let mut stream = self.connection.open_uni().await.ok()?;
                let written = write(&mut stream, bytes, *last).await;
                self.unis.push(stream);
                written
            }
            Step::Request(bytes, last) => {
                let (mut sender, receiver) = self.connection.open_bi().await.ok()?;
                let written = write(&mut sender, bytes, *last).await;
                self.requests.push((sender, receiver));
                written
            }
            Step::MoreUni(stream, bytes, last) => write(self.unis.get_mut(*stream)?, bytes, *last).await,
            Step::More(bytes, last) => write(&mut self.requests.last_mut()?.0, bytes, *last).await,
            Step::Stop(code) => self.requests.last_mut()?.1.stop(varint(*code)).ok(),
            // It is played above.
            Step::Meanwhile => Some(()),
            Step::StopControl(code) => {
                let mut control = self.connection.accept_uni().await.ok()?;
                control.stop(varint(*code)).ok()?;
                self.theirs = Some(control);
                Some(())
            }
        }
    }

    async fn see(&mut self, want: &Want) -> Result<(), String> {
        match want {
            Want::Closed(code) => match self.connection.closed().await {
                ConnectionError::ApplicationClosed(close) if close.error_code == varint(*code) => Ok(()),
                other => Err(format!("{code:#x} has to end the connection, not {}", named(&other))),
            },
            Want::Reset(code) => self.reset(*code).await,
            Want::ResetAndStopped(code) => {
                self.reset(*code).await?;
                let (sender, _) = self.requests.last_mut().ok_or("no request stream")?;
                stopped(sender, *code).await
            }
            Want::UniStopped(code) => stopped(self.unis.last_mut().ok_or("no stream")?, *code).await,
            Want::Statuses(statuses) => {
                let answer = self.answer().await?;
                let seen = answer.statuses == *statuses;
                if seen { Ok(()) } else { Err(format!("{statuses:?} has to come, not {:?}", answer.statuses)) }
            }
            Want::Good(texts) => {
                let answer = self.answer().await?;
                let request = String::from_utf8_lossy(&answer.content);
                let missing: Vec<_> = texts.iter().filter(|text| !request.contains(**text)).collect();
                let good = answer.statuses == [200] && missing.is_empty();
                if good { Ok(()) } else { Err(format!("{:?}, without {missing:?}:\n{request}", answer.statuses)) }
            }
            Want::Nothing => Ok(()),
        }
    }

    async fn reset(&mut self, code: u64) -> Result<(), String> {
        match self.read().await? {
            Err(reset) if reset == varint(code) => Ok(()),
            Err(other) => Err(format!("{code:#x} has to reset the stream, not {:#x}", other.into_inner())),
            Ok(bytes) => Err(format!("{code:#x} has to reset the stream, not {:?}", Answer::read(&bytes))),
        }
    }

    pub(super) async fn answer(&mut self) -> Result<Answer, String> {
        match self.read().await? {
            Ok(bytes) => Answer::read(&bytes).ok_or_else(|| format!("an answer that is not whole: {bytes:?}")),
            Err(reset) => Err(format!("an answer has to come, not a reset with {:#x}", reset.into_inner())),
        }
    }

    /// All that comes on the request stream opened last, or the code that resets it.
    pub(super) async fn read(&mut self) -> Result<Result<Vec<u8>, VarInt>, String> {
        let (_, receiver) = self.requests.last_mut().ok_or("no request stream")?;
        match receiver.read_to_end(MAX_ANSWER).await {
            Ok(bytes) => Ok(Ok(bytes)),
            Err(ReadToEndError::Read(ReadError::Reset(code))) => Ok(Err(code)),
            Err(ReadToEndError::Read(ReadError::ConnectionLost(error))) => {
                Err(format!("the connection has to stand: {}", named(&error)))
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// The first frame on the gateway's control stream, which has to be of this kind and of less than 64 bytes.
    pub(super) async fn control_frame(&mut self, kind: u64) -> Option<Vec<u8>> {
        let mut control = self.connection.accept_uni().await.ok()?;
        let mut head = [0; 3];
        control.read_exact(&mut head).await.ok()?;
        let [stream, frame, length @ 0..0x40] = head else { return None };
        let mut payload = vec![0; usize::from(length)];
        control.read_exact(&mut payload).await.ok()?;
        (stream == 0 && u64::from(frame) == kind).then_some(payload)
    }

    /// Opens request streams and writes on the last of them alone; the statuses of each.
    pub(super) async fn open_and_write_on_last(&mut self, count: usize, bytes: &[u8]) -> Vec<Vec<u16>> {
        let mut statuses = Vec::new();
        for _ in 0..count {
            self.requests.push(self.connection.open_bi().await.expect("the connection stands"));
        }
        self.take(&Step::More(bytes.to_vec(), Last::Open)).await;
        for _ in 0..count {
            statuses.push(self.answer().await.map(|answer| answer.statuses).unwrap_or_default());
            self.requests.pop();
        }
        statuses
    }

    /// The connection serves another request.
    async fn goes_on(&mut self, name: &str) -> Result<(), String> {
        let path = format!("/{name}{AFTER}");
        let head = [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", &path)];
        self.take(&Step::Request(headers(&head), Last::Fin)).await;
        let answer = self.answer().await.map_err(|error| format!("the request after it: {error}"))?;
        if answer.statuses == [200] { Ok(()) } else { Err(format!("the request after it: {:?}", answer.statuses)) }
    }
}

/// An endpoint for all connections of a table.
pub(crate) fn endpoint() -> Endpoint {
    let tls = QuicClientConfig::try_from(Certificates::of_this_run().client(&["h3"])).expect("TLS 1.3");
    let mut endpoint = Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).expect("a UDP socket");
    endpoint.set_default_client_config(quinn::ClientConfig::new(Arc::new(tls)));
    endpoint
}

/// Writes as the gateway takes it; `None` when the connection is no more. One that is told to stop goes on all the same.
pub(crate) async fn write(stream: &mut SendStream, bytes: &[u8], last: Last) -> Option<()> {
    match stream.write_all(bytes).await {
        Ok(()) | Err(quinn::WriteError::Stopped(_)) => {}
        Err(_) => return None,
    }
    // A stream that was stopped needs no end.
    match last {
        Last::Open => {}
        Last::Fin => drop(stream.finish()),
        Last::Reset(code) => drop(stream.reset(varint(code))),
    }
    Some(())
}

pub(crate) async fn stopped(stream: &mut SendStream, code: u64) -> Result<(), String> {
    match stream.stopped().await {
        Ok(Some(said)) if said == varint(code) => Ok(()),
        other => Err(format!("{code:#x} has to stop the stream, not {other:?}")),
    }
}

pub(crate) fn named(error: &ConnectionError) -> String {
    match error {
        ConnectionError::ApplicationClosed(close) => {
            let reason = String::from_utf8_lossy(&close.reason);
            format!("{:#x} ({reason})", close.error_code.into_inner())
        }
        other => other.to_string(),
    }
}

pub(crate) fn varint(code: u64) -> VarInt {
    VarInt::from_u64(code).expect("a code")
}

/// Bytes of an answer: more than the requests here have.
const MAX_ANSWER: usize = 1 << 20;
