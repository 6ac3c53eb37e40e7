//! One gateway in front of a server, or two with another version of HTTP between them.

use std::{
    fs, io,
    net::{TcpListener, UdpSocket},
    path::{Path, PathBuf},
};

use super::Version;
use crate::{
    backends::{PATIENCE, filled},
    chain::Front,
    program::Running,
};

/// The running gateways; all end with this value.
pub(super) struct Gateways {
    /// HTTP/1.1 and HTTP/2 over TLS, and HTTP/3.
    pub(super) port: u16,
    pub(super) authority: PathBuf,
    front: Running,
    _back: Option<Running>,
}

/// How the front asks the back, where there are two gateways.
#[derive(Clone, Copy, Debug)]
pub(super) enum Between {
    Http2,
    Http3,
}

impl Gateways {
    /// Starts them, so that the last one asks the server at `port` in the version `serves`.
    pub(super) fn start(
        front: &Front,
        between: Option<Between>,
        (serves, port): (Version, u16),
        directory: &Path,
    ) -> io::Result<Self> {
        let to_server = match serves {
            Version::Http2 => CLEAR_HTTP2,
            _ => "",
        };
        let start = |name, cluster, upstream| one(front, name, (cluster, upstream), directory);
        let (back, (front, port)) = match between {
            None => (None, start("front", to_server, port)?),
            Some(between) => {
                let (back, port) = start("back", to_server, port)?;
                (Some(back), start("front", between.cluster(), port)?)
            }
        };
        Ok(Self { port, authority: directory.join("ca.crt"), front, _back: back })
    }

    /// Waits until the front has logged what contains `line`.
    pub(super) fn logged(&self, line: &str) -> io::Result<()> {
        self.front.line(line, PATIENCE).map(drop)
    }
}

impl Between {
    pub(super) fn version(self) -> Version {
        match self {
            Self::Http2 => Version::Http2,
            Self::Http3 => Version::Http3,
        }
    }

    fn cluster(self) -> &'static str {
        match self {
            Self::Http2 => include_str!("http2_cluster.yaml"),
            Self::Http3 => include_str!("http3_cluster.yaml"),
        }
    }
}

/// Starts a gateway with one worker; `cluster` is what its cluster is beside its host, `upstream` the port of that.
fn one(front: &Front, name: &str, (cluster, upstream): (&str, u16), directory: &Path) -> io::Result<(Running, u16)> {
    let port = free_port()?;
    let values = [
        ("tcp_manager", manager("AUTO", "http2_protocol_options: { allow_connect: true }")),
        ("quic_manager", manager("HTTP3", "http3_protocol_options: { allow_extended_connect: true }")),
        ("cluster", cluster.to_owned()),
        ("port", port.to_string()),
        ("upstream", upstream.to_string()),
        ("dir", directory.display().to_string()),
        ("socket", front.socket().to_owned()),
    ];
    let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
    let (file, admin) = (directory.join(format!("{name}.yaml")), directory.join(format!("{name}-admin")));
    fs::write(&file, filled(include_str!("gateway.yaml"), &values))?;
    Ok((front.start(&file, &admin, 1)?, port))
}

/// The connection manager of a codec, with the options that let tunnels be asked for in it.
fn manager(codec: &str, options: &str) -> String {
    filled(include_str!("manager.yaml"), &[("codec", codec), ("options", options)])
}

/// A port on which nobody listens now, neither over TCP nor over UDP.
fn free_port() -> io::Result<u16> {
    loop {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        if UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
}

const CLEAR_HTTP2: &str = "typed_extension_protocol_options:
        envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
          \"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
          explicit_http_config: { http2_protocol_options: {} }";
