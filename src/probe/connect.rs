//! From a host to the first of its addresses that answers.

use std::{future::Future, io, net::SocketAddr, time::Duration};

use tokio::{net::lookup_host, task::JoinSet, time::sleep};

use super::{
    error::{ProbeError, Unreachable},
    target::Target,
};

/// Why one address is of no use.
#[derive(Debug)]
pub(super) enum AttemptError {
    /// Nobody answers there: another address may do.
    Unreachable(Unreachable),
    /// Somebody answers, and another address would answer the same.
    Answered(ProbeError),
}

/// The target's addresses, in the system's order of preference.
pub(super) async fn resolve(target: &Target) -> Result<Vec<SocketAddr>, ProbeError> {
    let in_name = |source| ProbeError::Resolve { host: target.host.clone(), source };
    let addresses: Vec<_> = lookup_host((target.host.as_str(), target.port)).await.map_err(in_name)?.collect();
    if addresses.is_empty() { Err(in_name(io::ErrorKind::NotFound.into())) } else { Ok(addresses) }
}

/// Tries the addresses in order: the next one as soon as one fails, or has not answered for a quarter of a second (RFC 8305 §5).
pub(super) async fn first<T, F>(
    addresses: &[SocketAddr],
    attempt: impl Fn(SocketAddr) -> F,
) -> Result<(SocketAddr, T), ProbeError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, AttemptError>> + Send + 'static,
{
    let mut waiting = addresses.iter().copied();
    let mut attempts = JoinSet::new();
    let mut failed = Vec::new();
    loop {
        if let Some(address) = waiting.next() {
            let attempt = attempt(address);
            attempts.spawn(async move { (address, attempt.await) });
        } else if attempts.is_empty() {
            return Err(ProbeError::Connect(failed));
        }
        tokio::select! {
            Some(ended) = attempts.join_next() => match ended {
                Ok((address, Ok(connection))) => return Ok((address, connection)),
                Ok((_, Err(AttemptError::Unreachable(attempt)))) => failed.push(attempt),
                Ok((_, Err(AttemptError::Answered(error)))) => return Err(error),
                // Attempts are never cancelled; one that panicked has said so itself.
                Err(_) => {}
            },
            () = sleep(STAGGER), if waiting.len() > 0 => {}
        }
    }
}

/// RFC 8305 §8: the recommended delay between attempts.
const STAGGER: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::{super::error::Transport, *};

    fn addresses(ports: std::ops::Range<u16>) -> Vec<SocketAddr> {
        ports.map(|port| SocketAddr::from(([127, 0, 0, 1], port))).collect()
    }

    fn unreachable(address: SocketAddr) -> AttemptError {
        let source = io::ErrorKind::ConnectionRefused.into();
        AttemptError::Unreachable(Unreachable { address, transport: Transport::Tcp, source })
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_address_and_a_refusing_one_are_passed_over() {
        let attempt = |address: SocketAddr| async move {
            match address.port() {
                1 => pending().await,
                2 => Err(unreachable(address)),
                port => Ok(port),
            }
        };
        let (address, port) = first(&addresses(1..5), attempt).await.unwrap();
        assert_eq!((address.port(), port), (3, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn when_nobody_answers_every_address_is_named() {
        let error =
            first::<(), _>(&addresses(7..9), |address| async move { Err(unreachable(address)) }).await.unwrap_err();
        let said = error.to_string();
        assert!(said.contains("127.0.0.1:7 (tcp)") && said.contains("127.0.0.1:8 (tcp)"), "{said}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_an_error_ends_the_search() {
        let attempt = |address: SocketAddr| async move {
            assert_eq!(address.port(), 1, "a second address is tried");
            Err::<(), _>(AttemptError::Answered(ProbeError::Connect(Vec::new())))
        };
        assert!(first(&addresses(1..3), attempt).await.is_err());
    }
}
