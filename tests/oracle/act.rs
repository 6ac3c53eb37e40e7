//! Does what a scenario says, as a client of one process.

use crate::{
    backstage::Backstage,
    scenario::{Act, Handshake},
    support::{
        certificates::Certificates,
        client::{Client, Exchange, Version},
        message::{End, Reply},
        process::Process,
        wire::Wire,
    },
};

/// A client of one process, which knows what stands behind it.
pub(crate) struct Actor<'a> {
    pub(crate) process: Process,
    pub(crate) backstage: &'a Backstage,
}

impl Actor<'_> {
    /// Plays the client's part on a connection of its own, and ends the connection.
    pub(crate) async fn perform(&self, act: &Act, version: Version) -> Option<Reply> {
        match act {
            Act::Raw(method, bytes) => return Some(self.raw(method, bytes).await),
            Act::Handshake(fault) => return Some(self.handshake(*fault).await),
            _ => {}
        }
        let client = match version {
            Version::Http1 => self.process.plain_client("plain").await,
            Version::Http2 => self.process.client(version, "tls").await,
            Version::Http3 => self.process.client(version, "quic").await,
        };
        let reply = self.exchange(act, &client).await;
        client.close().await;
        reply
    }

    async fn exchange(&self, act: &Act, client: &Client) -> Option<Reply> {
        match act {
            Act::Exchange(request) => Some(client.send(request.clone()).await),
            Act::ReadThenRelease(request) => {
                let mut exchange = client.open(request, true).await;
                exchange.download.body_of(FIRST_PART).await;
                self.backstage.backend.release();
                Some(exchange.download.reply().await)
            }
            Act::LeaveBeforeReply(request) => {
                let received = self.backstage.backend.received().len();
                let mut exchange = client.open(request, true).await;
                self.backstage.backend.until_received(received + 1).await;
                leave(&mut exchange, client.version());
                None
            }
            Act::LeaveInReply(request) => {
                let mut exchange = client.open(request, true).await;
                exchange.download.body_of(FIRST_PART).await;
                leave(&mut exchange, client.version());
                None
            }
            Act::Unfinished(request, part) => {
                let mut exchange = client.open(request, false).await;
                // A peer that stops reading says why in its reply.
                drop(exchange.upload.data(*part).await);
                Some(exchange.download.reply().await)
            }
            Act::Raw(..) | Act::Handshake(_) => None,
        }
    }

    async fn raw(&self, method: &str, bytes: &str) -> Reply {
        let mut wire = Wire::tcp(self.process.address("plain")).await.expect("connect to our own child");
        // A peer that stops reading says why in its reply.
        drop(wire.write(bytes).await);
        wire.reply(method).await
    }

    async fn handshake(&self, fault: Handshake) -> Reply {
        let (tls, quic) = (self.process.address("tls"), self.process.address("quic"));
        match fault {
            Handshake::PlainHttp => {
                let mut wire = Wire::tcp(tls).await.expect("connect to our own child");
                wire.write("GET / HTTP/1.1\r\nhost: a.test\r\n\r\n").await.expect("write to our own child");
                let (body, end) = wire.rest().await;
                Reply { body, end, ..Reply::default() }
            }
            Handshake::NothingSaid => outcome(Wire::tcp(tls).await.is_ok()),
            Handshake::Distrust => outcome(Wire::tls(tls, Certificates::distrustful_client(&["h2"])).await.is_ok()),
            Handshake::QuicDistrust => {
                outcome(Client::http3(quic, Certificates::distrustful_client(&["h3"])).await.is_ok())
            }
            Handshake::QuicAlpn => {
                let client = Certificates::of_this_run().client(&["not-h3"]);
                outcome(Client::http3(quic, client).await.is_ok())
            }
        }
    }
}

/// Cancels, as a browser would; HTTP/1.1 can only close.
fn leave(exchange: &mut Exchange, version: Version) {
    exchange.reset(match version {
        Version::Http1 => 0,
        // RFC 9113 §7: CANCEL.
        Version::Http2 => 8,
        // RFC 9114 §8.1: H3_REQUEST_CANCELLED.
        Version::Http3 => 0x10c,
    });
}

/// Whether a connection came about, told as a reply without a status.
fn outcome(connected: bool) -> Reply {
    Reply { end: if connected { End::Complete } else { End::Closed }, ..Reply::default() }
}

/// What every backend that stops half-way has sent by then: `hello`.
const FIRST_PART: usize = 5;
