//! A connection of TCP to a host that has several addresses (RFC 8305): the next one is tried when an attempt fails or takes too
//! long, and the first that stands is taken.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use tokio::net::TcpStream;

/// The order in which addresses are tried: families take turns, that of the first address first (RFC 8305 §4).
pub(in crate::upstream) fn order(first: SocketAddr, others: &[SocketAddr]) -> Vec<SocketAddr> {
    let (alike, unlike): (Vec<SocketAddr>, _) =
        others.iter().copied().partition(|other| other.is_ipv4() == first.is_ipv4());
    let (mut alike, mut unlike) = (alike.into_iter(), unlike.into_iter());
    let mut ordered = vec![first];
    while ordered.len() <= others.len() {
        ordered.extend(unlike.next());
        ordered.extend(alike.next());
    }
    ordered
}

/// Connects to the first of these addresses that lets it.
///
/// # Errors
/// That of the attempt that failed last.
pub(super) async fn connect(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let (address, others) = match addresses {
        [] => return Err(io::ErrorKind::AddrNotAvailable.into()),
        [only] => return TcpStream::connect(only).await,
        [address, others @ ..] => (address, others),
    };
    let mut this = pin!(TcpStream::connect(address));
    match tokio::time::timeout(DELAY, &mut this).await {
        Ok(Ok(io)) => return Ok(io),
        Ok(Err(_)) => return Box::pin(connect(others)).await,
        Err(_) => {}
    }
    let mut next = Box::pin(connect(others));
    tokio::select! {
        biased;
        connected = &mut this => match connected {
            Ok(io) => Ok(io),
            Err(_) => next.await,
        },
        connected = &mut next => match connected {
            Ok(io) => Ok(io),
            Err(_) => this.await,
        },
    }
}

/// Envoy's delay between two attempts.
const DELAY: Duration = Duration::from_millis(300);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc8305_4_families_take_turns() {
        let address = |name: char| -> SocketAddr {
            let ip = if name.is_ascii_digit() { format!("127.0.0.{name}") } else { format!("[::{name}]") };
            format!("{ip}:80").parse().unwrap()
        };
        for (written, tried) in
            [("1", "1"), ("12", "12"), ("1a", "1a"), ("123ab", "1a2b3"), ("a12b3c", "a1b2c3"), ("1abc", "1abc")]
        {
            let all: Vec<_> = written.chars().map(address).collect();
            let (first, others) = all.split_first().unwrap();
            assert_eq!(order(*first, others), tried.chars().map(address).collect::<Vec<_>>(), "{written}");
        }
    }
}
