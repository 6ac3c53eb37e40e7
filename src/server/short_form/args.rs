//! The options of `quicgate run` and `quicgate expand`, which are the same.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use super::site::Site;
use crate::server::cli::Serve;

/// Everything that can be typed.
#[derive(Args, Clone, Debug)]
#[command(mut_arg("config_path", |arg| arg.hide(true)), mut_arg("config_yaml", |arg| arg.hide(true)))]
pub struct ShortFormArgs {
    /// What to serve.
    #[command(flatten)]
    pub edge: Edge,
    /// How to serve it.
    #[command(flatten)]
    pub serve: Serve,
}

/// What makes the configuration.
#[derive(Args, Clone, Debug)]
pub struct Edge {
    /// NAME[/PATH]=BACKEND[,BACKEND...]: where requests of a name, below a path, go; may be repeated.
    ///
    /// NAME is a host name, *.NAME for the names below it, or * for every name. BACKEND is IP:PORT, with brackets around
    /// an IPv6 address, or HOST:PORT, which is looked up once; requests take turns among several. The longest PATH that
    /// fits is taken.
    #[arg(long = "site", value_name = "SITE", required = true)]
    pub sites: Vec<Site>,
    /// The port of HTTP/1.1 and HTTP/2 on TCP and of HTTP/3 on UDP; 0 for any that is free.
    #[arg(long, value_name = "PORT", default_value_t = 10443)]
    pub https_port: u16,
    /// The port in the clear, which redirects to the other; 0 for none.
    #[arg(long, value_name = "PORT", default_value_t = 10080)]
    pub http_port: u16,
    /// Where to listen: 0.0.0.0 is every IPv4 address of this host, :: every IPv6 address.
    #[arg(long, value_name = "IP", default_value_t = Ipv4Addr::UNSPECIFIED.into(), value_parser = ip)]
    pub address: IpAddr,
    /// Where the admin interface listens, IP:PORT, or `none`.
    #[arg(long, value_name = "ADDRESS", default_value_t = AdminAddress::default())]
    pub admin_address: AdminAddress,
    /// The certificate, with its chain, as PEM. Without one, certificates are made below --state-dir.
    #[arg(long, value_name = "FILE", requires = "key")]
    pub cert: Option<PathBuf>,
    /// The private key of the certificate, as PEM.
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,
}

/// Where the admin interface listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdminAddress(pub Option<SocketAddr>);

impl Default for AdminAddress {
    fn default() -> Self {
        Self(Some(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 9901)))
    }
}

impl FromStr for AdminAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        if text == "none" {
            return Ok(Self(None));
        }
        text.parse().map(|address| Self(Some(address))).map_err(
            |_| "it is neither an address with a port nor `none`: write 127.0.0.1:9901, or [::1]:9901 for IPv6",
        )
    }
}

impl fmt::Display for AdminAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(address) => address.fmt(f),
            None => f.write_str("none"),
        }
    }
}

fn ip(text: &str) -> Result<IpAddr, &'static str> {
    text.parse().map_err(
        |_| "it is not an IP address: write 0.0.0.0 for every IPv4 address of this host, 127.0.0.1 for this host alone",
    )
}

/// Leaves out of the help of `expand` what does not change the text. It is accepted, so that one word makes `run` of it.
pub(in crate::server) fn hide_what_serves(arg: clap::Arg) -> clap::Arg {
    let of_the_text =
        ["sites", "https_port", "http_port", "address", "admin_address", "cert", "key", "state_dir", "help"];
    let hide = !of_the_text.contains(&arg.get_id().as_str());
    arg.hide(hide)
}

/// What `quicgate run --help` ends with.
pub(in crate::server) const RUN_EXAMPLES: &str = "\
Examples:
  quicgate run --site a.test=127.0.0.1:8080
      https://a.test:10443 over HTTP/3, HTTP/2 and HTTP/1.1, with certificates made here
  quicgate run --site '*=127.0.0.1:8080'
      every name, for a first try as https://localhost:10443
  quicgate run --site a.test=127.0.0.1:8080 --site a.test/api=127.0.0.1:8081,127.0.0.1:8082
      /api and all below it to two servers that take turns, the rest to another
  quicgate run --site www.example.com=10.0.0.5:80 --https-port 443 --http-port 80 --cert chain.pem --key key.pem
      on the usual ports, with a certificate of your own

`quicgate expand` with the same options writes the configuration that is served, to begin a file with.";

/// What `quicgate expand --help` ends with.
pub(in crate::server) const EXPAND_EXAMPLES: &str = "\
Examples:
  quicgate expand --site a.test=127.0.0.1:8080 > edge.yaml
  quicgate -c edge.yaml
      what `quicgate run --site a.test=127.0.0.1:8080` serves, from a file that can be edited
  quicgate expand --site a.test=127.0.0.1:8080 --cert /etc/edge/chain.pem --key /etc/edge/key.pem
      for another host: the files need not be there

The same options as of `quicgate run`; those that say how to serve have no effect on the text.";
