//! Floor 11: `quicgate probe`, a small HTTP client that shows what a server does over HTTP/1.1, HTTP/2 and HTTP/3.
//!
//! `run` turns `Args` into a `Plan`, sends one request over `tcp` or `quic`, and for https connects once more to see whether the session
//! is resumed and, on HTTP/3, whether 0-RTT is accepted. All that is seen goes into a `Report`, printed at the end as a table or as JSON.
//! Its HTTP/1.1 is hyper's, its HTTP/2 the h2 crate's, its HTTP/3 the h3 crate's: none of it is the gateway's own code.

mod answer;
mod args;
mod certificate;
mod clock;
mod connect;
mod error;
mod fault;
mod http1;
mod http2;
mod http3;
mod open;
mod outcome;
mod quic;
mod report;
mod request;
mod resumption;
mod table;
mod target;
mod tcp;
mod tls;
mod usage;
mod witness;

use std::io::Write;

use self::{
    args::{Plan, Version},
    clock::Clock,
    error::ProbeError,
    report::Report,
};

pub use self::{args::Args, outcome::Outcome, table::Paint};

/// Probes as `args` say and writes the report to `out`.
///
/// Errors are part of the report: the outcome says of which kind they were.
pub async fn run(args: &Args, out: &mut (dyn Write + Send), paint: Paint) -> Outcome {
    let mut report = Report::new(&args.url);
    let result = probe(args, &mut report).await;
    report.conclude(result);
    let written = if args.json { report.write_json(out) } else { table::write(&report, args.body, paint, out) };
    match written.and_then(|()| out.flush()) {
        Ok(()) => report.outcome(),
        Err(_) => Outcome::Other,
    }
}

/// Fills `report` as far as it gets.
async fn probe(args: &Args, report: &mut Report) -> Result<(), ProbeError> {
    let plan = Plan::of(args)?;
    let clock = Clock::starting_now(plan.timeout);
    match plan.version {
        // Boxed: with its two connections this future is ten times the size of the other.
        Some(Version::Http3) => Box::pin(quic::probe(&plan, &clock, report)).await,
        Some(Version::Http1 | Version::Http2) | None => tcp::probe(&plan, &clock, report).await,
    }
}
