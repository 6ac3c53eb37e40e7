//! The client that plays a row: frames over TLS.

use std::io;
use std::net::SocketAddr;

use super::row::{NO_ERROR, Row, Want};
use super::wire::{
    ACK, DATA, END_STREAM, Frame, GOAWAY, HEADERS, PING, ROW_STREAM, RST_STREAM, SETTINGS, frame_on, number, preface,
    read, section, status,
};
use crate::support::certificates::Certificates;
use crate::support::wire::Wire;
use crate::watched::AFTER;

/// A connection.
pub(super) struct Client(Wire);

/// What came on a stream, or instead of it.
#[derive(Debug)]
enum Outcome {
    Answer { statuses: Vec<u16>, content: Vec<u8> },
    Reset(u32),
    Closed(u32),
    Broken,
}

impl Client {
    pub(super) async fn connect(address: SocketAddr) -> io::Result<Self> {
        let mut wire = Wire::tls(address, Certificates::of_this_run().client(&["h2"])).await?;
        wire.write(preface()).await?;
        Ok(Self(wire))
    }

    /// Plays a row to its end; the error says what came instead of what must.
    pub(super) async fn play(mut self, row: &Row) -> Result<(), String> {
        let mut outcome = None;
        for (at, frames) in row.writes.iter().enumerate() {
            if at > 0 {
                // Nothing can come of the row yet: what was written so far has been read with the answer.
                outcome = self.read_until_pong().await;
            }
            // A connection that the gateway has closed meanwhile takes no more: what counts is how it ended.
            if self.0.write(frames).await.is_err() {
                break;
            }
        }
        let outcome = match outcome {
            Some(outcome) => outcome,
            None => self.outcome(ROW_STREAM, false).await.unwrap_or(Outcome::Broken),
        };
        let closed = matches!(row.want, Want::Closed(_));
        check(&row.want, &outcome).map_err(|()| format!("{:?} has to come, not {outcome}", row.want))?;
        if closed { Ok(()) } else { self.goes_on(&row.name).await }
    }

    /// Asks for an answer, so that the gateway has read all that came before.
    async fn read_until_pong(&mut self) -> Option<Outcome> {
        if self.0.write(frame_on(0, PING, 0, [0; 8])).await.is_err() {
            return Some(Outcome::Broken);
        }
        self.outcome(ROW_STREAM, true).await
    }

    /// What comes of a stream; `None` when that is asked for, and the gateway answers a PING before.
    async fn outcome(&mut self, stream: u32, until_pong: bool) -> Option<Outcome> {
        let (mut statuses, mut content) = (Vec::new(), Vec::new());
        loop {
            let Ok(frame) = read(&mut self.0.reader).await else { return Some(Outcome::Broken) };
            let Frame { kind, flags, stream: of, payload } = frame;
            match kind {
                GOAWAY if number(payload.get(4..)) != NO_ERROR => {
                    return Some(Outcome::Closed(number(payload.get(4..))));
                }
                PING if flags & ACK != 0 && until_pong => return None,
                PING if flags & ACK == 0 => self.acknowledge(PING, &payload).await,
                SETTINGS if flags & ACK == 0 => self.acknowledge(SETTINGS, &[]).await,
                RST_STREAM if of == stream => return Some(Outcome::Reset(number(Some(&payload)))),
                HEADERS if of == stream => statuses.extend(status(&payload)),
                DATA if of == stream => content.extend(payload),
                _ => continue,
            }
            if of == stream && flags & END_STREAM != 0 {
                return Some(Outcome::Answer { statuses, content });
            }
        }
    }

    async fn acknowledge(&mut self, kind: u8, payload: &[u8]) {
        // What comes of a connection that is no more is seen by reading.
        drop(self.0.write(frame_on(0, kind, ACK, payload)).await);
    }

    /// The connection serves another request.
    async fn goes_on(&mut self, name: &str) -> Result<(), String> {
        let path = format!("/{name}{AFTER}");
        let head = [(":method", "GET"), (":scheme", "https"), (":authority", "localhost"), (":path", &path)];
        drop(self.0.write(section(AFTER_STREAM, END_STREAM, &head)).await);
        match self.outcome(AFTER_STREAM, false).await {
            Some(Outcome::Answer { statuses, .. }) if statuses == [200] => Ok(()),
            other => Err(format!("the request after it: {other:?}")),
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Answer { statuses, content } => write!(f, "{statuses:?}\n{}", String::from_utf8_lossy(content)),
            other => write!(f, "{other:?}"),
        }
    }
}

fn check(want: &Want, outcome: &Outcome) -> Result<(), ()> {
    let right = match (want, outcome) {
        (Want::Closed(code), Outcome::Closed(came)) | (Want::Reset(code), Outcome::Reset(came)) => code == came,
        (Want::Statuses(wanted), Outcome::Answer { statuses, .. }) => statuses == wanted,
        (Want::Good(seen, unseen), Outcome::Answer { statuses, content }) => {
            let request = String::from_utf8_lossy(content);
            let all = seen.iter().all(|text| request.contains(text));
            statuses == &[200] && all && !unseen.iter().any(|text| request.contains(text))
        }
        _ => false,
    };
    if right { Ok(()) } else { Err(()) }
}

/// The stream of that request; rows may use one before it.
const AFTER_STREAM: u32 = 5;
