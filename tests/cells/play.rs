//! Plays cases in the cells of one program.

use std::fmt;
use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;

use crate::case::{Act, Case};
use crate::facts::Facts;
use crate::known::number;
use crate::support::certificates::Certificates;
use crate::support::client::{Client, Exchange, Version};
use crate::support::deadline::until;
use crate::support::log::Log;
use crate::support::message::Reply;
use crate::support::process::Process;
use crate::support::program::Program;
use crate::upstream::Upstream;

/// What comes in, and what goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cell {
    pub(crate) from: Version,
    pub(crate) to: Version,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}>{}", number(self.from), number(self.to))
    }
}

pub(crate) const CELLS: [Cell; 9] = {
    use Version::{Http1, Http2, Http3};
    const fn cell(from: Version, to: Version) -> Cell {
        Cell { from, to }
    }
    [
        cell(Http1, Http1),
        cell(Http2, Http1),
        cell(Http3, Http1),
        cell(Http1, Http2),
        cell(Http2, Http2),
        cell(Http3, Http2),
        cell(Http1, Http3),
        cell(Http2, Http3),
        cell(Http3, Http3),
    ]
};

/// A program with an upstream of each version behind it.
pub(crate) struct Stage {
    process: Process,
    upstreams: [Upstream; 3],
    log: Log,
}

impl Stage {
    pub(crate) async fn set(program: &Program) -> Self {
        let [first, second, third] = Version::ALL.map(Upstream::start);
        let upstreams = [first.await, second.await, third.await];
        let authority = Certificates::of_this_run().authority.replace('\n', "\\n");
        let mut yaml = include_str!("gateway.yaml").replace("${authority}", &authority);
        for (version, upstream) in Version::ALL.into_iter().zip(&upstreams) {
            let port = upstream.address.port().to_string();
            yaml = yaml.replace(&format!("${{http{}}}", number(version)), &port);
        }
        let process = Process::start(program, &yaml).await;
        let log = process.log("access.log");
        Self { process, upstreams, log }
    }

    pub(crate) async fn perform(&mut self, case: &Case, cell: Cell) -> Facts {
        let Self { process, upstreams, log } = self;
        let upstream = &upstreams[Version::ALL.into_iter().position(|version| version == cell.to).expect("a version")];
        upstream.prepare(&case.script);
        let listener = if cell.from == Version::Http3 { "http3" } else { "https" };
        let client = process.client(cell.from, listener).await;
        let mut facts = Facts::default();
        let to = format!("http{}.test", number(cell.to));
        match timeout(PATIENCE, act(&case.act, &client, upstream, &to)).await {
            Ok(Some(reply)) => facts.reply(&reply),
            Ok(None) => {}
            Err(_) => facts.note("reply", "nothing, for too long".to_owned()),
        }
        client.close().await;
        let what = format!("the line of {}, {cell}", case.name);
        let lines = until(what, async || {
            let lines = log.lines_so_far();
            (!lines.is_empty()).then_some(lines)
        });
        // What a codec answers by itself may have no line.
        let lines: Vec<Value> = timeout(PATIENCE, lines).await.unwrap_or_default();
        if lines.is_empty() {
            facts.note("log", "nothing".to_owned());
        }
        for line in &lines {
            facts.line(line, cell);
        }
        // The upstream may be a moment behind.
        let ended = async {
            until("the end of a request", async || {
                upstream.received().iter().all(|request| request.end.is_some()).then_some(())
            })
            .await;
        };
        drop(timeout(PATIENCE, ended).await);
        facts.received(&upstream.received(), &to);
        facts
    }
}

/// Does what a case says; `None` where the client has left.
async fn act(act: &Act, client: &Client, upstream: &Upstream, to: &str) -> Option<Reply> {
    match act {
        Act::Exchange(request) => Some(client.send(request.clone().authority(to)).await),
        Act::Talk(request, parts) => {
            let Exchange { mut upload, mut download } = client.open(&request.clone().authority(to), false).await;
            let mut sent = 0;
            for part in *parts {
                drop(upload.data(*part).await);
                sent += part.len();
                download.body_of(sent).await;
            }
            drop(upload.finish(request.trailers.clone()).await);
            Some(download.reply().await)
        }
        Act::ReadThenRelease(request) => {
            let mut exchange = client.open(&request.clone().authority(to), request.ends_with_head()).await;
            exchange.download.body_of(FIRST_PART).await;
            upstream.release();
            Some(exchange.download.reply().await)
        }
        Act::LeaveBeforeReply(request) => {
            let mut exchange = client.open(&request.clone().authority(to), request.ends_with_head()).await;
            upstream.until_received(0).await;
            leave(&mut exchange, client.version());
            None
        }
        Act::LeaveInReply(request) => {
            let mut exchange = client.open(&request.clone().authority(to), request.ends_with_head()).await;
            exchange.download.body_of(FIRST_PART).await;
            leave(&mut exchange, client.version());
            None
        }
        Act::LeaveInRequest(request, part) => {
            let mut exchange = client.open(&request.clone().authority(to), false).await;
            drop(exchange.upload.data(*part).await);
            upstream.until_received(part.len()).await;
            leave(&mut exchange, client.version());
            None
        }
        Act::Unfinished(request, part) => {
            let mut exchange = client.open(&request.clone().authority(to), false).await;
            drop(exchange.upload.data(*part).await);
            Some(exchange.download.reply().await)
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

/// What every upstream that stops half-way has sent by then: `hello`.
const FIRST_PART: usize = 5;

/// Longer than any timer of the table.
const PATIENCE: Duration = Duration::from_secs(4);
