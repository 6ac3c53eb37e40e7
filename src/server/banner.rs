//! What a person sees when the program is ready.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::short_form::ShortForm;
use crate::listener::{Kind, Listener};

/// What there is to show.
#[derive(Debug)]
pub(super) struct Banner<'a> {
    /// How many workers serve.
    pub workers: usize,
    /// How long the start took.
    pub took: Duration,
    /// The listeners, each with the addresses it is bound to.
    pub listeners: Vec<(&'a Arc<Listener>, &'a [SocketAddr])>,
    /// The admin interface.
    pub admin: Option<SocketAddr>,
    /// What was made of options, when that is served.
    pub short_form: Option<&'a ShortForm>,
    /// The local CA, when the demo is served.
    pub demo_ca: Option<&'a Path>,
}

impl Banner<'_> {
    /// Writes it to standard output. Where nobody reads, nothing is lost.
    pub(super) fn print(&self) {
        let mut stdout = std::io::stdout().lock();
        let _ = stdout.write_all(self.text(stdout.is_terminal()).as_bytes());
        let _ = stdout.flush();
    }

    fn text(&self, colour: bool) -> String {
        let (bold, plain) = if colour { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        let mut text = format!(
            "{bold}Quicgate {}{plain}   {} worker{}   ready in {} ms\n",
            env!("CARGO_PKG_VERSION"),
            self.workers,
            if self.workers == 1 { "" } else { "s" },
            self.took.as_millis()
        );
        let mut admin = self.admin.map(|address| format!("admin http://{}", host(address)));
        for place in self.places() {
            let target = if self.demo_ca.is_some() && place.tls { "-> demo backend" } else { "" };
            let beside = if place.tls { None } else { admin.take() };
            let what = [place.versions.as_str(), target, beside.as_deref().unwrap_or_default()];
            let what: Vec<&str> = what.into_iter().filter(|part| !part.is_empty()).collect();
            let _ = writeln!(text, "  {bold}{}{plain}{}{}", place.url, pad(&place.url), what.join("   "));
        }
        if let Some(admin) = admin {
            let _ = writeln!(text, "  {admin}");
        }
        if let Some(form) = self.short_form {
            text.push_str(&form.lines);
        }
        if let Some(ca) = self.demo_ca {
            let (ca, url) = (ca.strip_prefix(".").unwrap_or(ca).display(), self.demo_url());
            let _ = writeln!(text, "Try   quicgate probe --http3 --cacert {ca} {url}/");
            let _ = writeln!(text, "      curl --http2 --cacert {ca} {url}/");
            text.push_str("Next  quicgate -c config/edge.yaml      Ctrl-C drains, twice stops\n");
        }
        text
    }

    fn demo_url(&self) -> String {
        self.places().into_iter().find(|place| place.tls).map(|place| place.url).unwrap_or_default()
    }

    /// One line for each place that can be asked: listeners of both transports on one port are one place.
    fn places(&self) -> Vec<Place> {
        let mut places: Vec<Place> = Vec::new();
        for (listener, addresses) in &self.listeners {
            let Some(address) = addresses.first() else { continue };
            let (tls, versions) = match &listener.kind {
                Kind::Tcp if listener.is_tls() => (true, "HTTP/2  HTTP/1.1"),
                Kind::Tcp => (false, ""),
                Kind::Quic(_) => (true, "HTTP/3 (udp)"),
            };
            let url = format!("{}://{}", if tls { "https" } else { "http" }, host(*address));
            match places.iter_mut().find(|place| place.url == url) {
                Some(place) if matches!(listener.kind, Kind::Quic(_)) => {
                    place.versions = format!("{versions}  {}", place.versions);
                }
                Some(place) => place.versions = format!("{}  {versions}", place.versions),
                None => places.push(Place { url, tls, versions: versions.to_owned() }),
            }
        }
        // Where TLS is, is where to look first.
        places.sort_by_key(|place| !place.tls);
        places
    }
}

struct Place {
    url: String,
    tls: bool,
    versions: String,
}

/// The address as a person types it.
fn host(address: SocketAddr) -> String {
    if address.ip().is_loopback() { format!("localhost:{}", address.port()) } else { address.to_string() }
}

fn pad(url: &str) -> String {
    " ".repeat(COLUMN.saturating_sub(url.len()).max(3))
}

/// Where the second column begins.
const COLUMN: usize = 26;
