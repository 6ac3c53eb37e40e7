//! What stands behind a gateway or a server: the demo backend, and [`Backend`] for what that one does not do.

use std::{io, net::UdpSocket, process::Command, time::Duration};

use crate::{backend::Backend, program::Running, provision};

/// Both backends; they end with this value.
pub(crate) struct Backends {
    pub(crate) demo_port: u16,
    pub(crate) backend: Backend,
    _demo: Running,
}

impl Backends {
    pub(crate) fn start() -> io::Result<Self> {
        let quicgate = provision::build("quicgate", "quicgate")?;
        let demo = Running::start(Command::new(quicgate).args(["demo", "--address", "127.0.0.1:0"]))?;
        let demo_port = port_in(&demo.line("http://", PATIENCE)?)?;
        Ok(Self { demo_port, backend: Backend::start()?, _demo: demo })
    }
}

/// A port on which nobody listens now.
pub(crate) fn free_udp_port() -> io::Result<u16> {
    Ok(UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Puts values for the `${…}` of a configuration.
pub(crate) fn filled(template: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(&format!("${{{name}}}"), value))
}

/// The port of the address in `line`.
pub(crate) fn port_in(line: &str) -> io::Result<u16> {
    let after = line.split("127.0.0.1:").nth(1).unwrap_or_default();
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().map_err(|_| io::Error::other(format!("no address in {line:?}")))
}

/// How long a line of a program that starts is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_filled() {
        assert_eq!(filled("${a} ${b} ${a}", &[("a", "1"), ("b", "2")]), "1 2 1");
    }

    #[test]
    fn the_port_stands_in_the_line() {
        assert_eq!(port_in("demo on http://127.0.0.1:8080/ ready").unwrap(), 8080);
        assert!(port_in("demo on nothing").is_err());
    }
}
