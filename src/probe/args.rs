//! What was typed, and the plan that it parses into.

use std::{path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use clap::ArgAction;

use super::{
    error::ProbeError,
    request::Request,
    target::{Scheme, Target},
    tls::Trust,
    usage::UsageError,
};

/// Sends one request and shows how it went: version, TLS, handshake time, resumption, 0-RTT, status, header fields, Alt-Svc, trailers.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag on the command line")]
pub struct Args {
    /// Where to: scheme (http or https), host, perhaps a port, path
    pub url: String,
    /// Use HTTP/1.1 (default: what the server prefers, by ALPN, of HTTP/2 and HTTP/1.1)
    #[arg(long, group = "http_version")]
    pub http1: bool,
    /// Use HTTP/2; with http://, without asking first
    #[arg(long, group = "http_version")]
    pub http2: bool,
    /// Use HTTP/3, over QUIC
    #[arg(long, group = "http_version")]
    pub http3: bool,
    /// Trust the certificates in this PEM file and no others (default: those of the system)
    #[arg(long, value_name = "FILE")]
    pub cacert: Option<PathBuf>,
    /// Accept any certificate
    #[arg(short = 'k', long, conflicts_with = "cacert")]
    pub insecure: bool,
    /// Send this header field, 'name: value'; may be repeated
    #[arg(short = 'H', long = "header", value_name = "FIELD", action = ArgAction::Append)]
    pub headers: Vec<String>,
    /// The method (default: GET, or POST with --data)
    #[arg(short = 'X', long = "request", value_name = "METHOD")]
    pub method: Option<String>,
    /// The body: text, or @FILE for the bytes of a file
    #[arg(short = 'd', long, value_name = "DATA")]
    pub data: Option<String>,
    /// Give up after so many seconds, all steps together
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout_s: u64,
    /// Show the response's body as well, its first MiB
    #[arg(long)]
    pub body: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// The version asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Http1,
    Http2,
    Http3,
}

/// What to do: everything in `Args` that can be wrong has been looked at.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) target: Target,
    /// `None`: as ALPN says.
    pub(super) version: Option<Version>,
    pub(super) request: Request,
    /// `None` for http.
    pub(super) trust: Option<Arc<Trust>>,
    pub(super) timeout: Duration,
}

impl Plan {
    pub(super) fn of(args: &Args) -> Result<Self, ProbeError> {
        let target: Target = args.url.parse()?;
        let version = match (args.http1, args.http2, args.http3) {
            (true, ..) => Some(Version::Http1),
            (_, true, _) => Some(Version::Http2),
            (.., true) => Some(Version::Http3),
            _ => None,
        };
        if version == Some(Version::Http3) && target.scheme == Scheme::Http {
            return Err(UsageError::Http3WithoutTls.into());
        }
        let body = args.data.as_deref().map(read_data).transpose()?;
        let request = Request::new(&target, args.method.as_deref(), &args.headers, body)?;
        let trust = match target.scheme {
            Scheme::Http => None,
            Scheme::Https if args.insecure => Some(Arc::new(Trust::Anything)),
            Scheme::Https => Some(Arc::new(Trust::roots(args.cacert.as_deref())?)),
        };
        Ok(Self { target, version, request, trust, timeout: Duration::from_secs(args.timeout_s) })
    }
}

fn read_data(data: &str) -> Result<Bytes, UsageError> {
    match data.strip_prefix('@') {
        Some(path) => match std::fs::read(path) {
            Ok(bytes) => Ok(bytes.into()),
            Err(source) => Err(UsageError::DataFile { path: path.into(), source }),
        },
        None => Ok(Bytes::copy_from_slice(data.as_bytes())),
    }
}

const EXIT_CODES: &str = "\
Exit code:
  0  a response with a status below 400
  1  the command line, a file that it names, or the output is at fault
  2  no connection: the name does not resolve, or nobody answers
  3  the TLS handshake failed
  4  the server broke the protocol, reset the request, or took too long
  5  a response with a status from 400 to 499
  6  a response with a status from 500 on

For https a second connection follows, to see whether the session is resumed. \
On HTTP/3 a safe request (GET, HEAD, OPTIONS) is sent again on it, in 0-RTT data where the server allows it.";
