//! The response as it comes in, whatever version brings it.

use std::time::{Duration, Instant};

use http::{HeaderMap, StatusCode};

/// A response, filled piece by piece.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    started: Option<Instant>,
    /// Statuses of the interim responses, in order.
    pub(super) interim: Vec<u16>,
    pub(super) status: Option<StatusCode>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body_bytes: u64,
    /// The body's first MiB.
    pub(super) body_start: Vec<u8>,
    pub(super) trailers: Vec<(String, String)>,
    /// From the first byte of the request to the response's header section.
    pub(super) first_byte: Option<Duration>,
    /// From the first byte of the request to the end of the response.
    pub(super) total: Option<Duration>,
}

impl Answer {
    /// The request is about to be sent.
    pub(super) fn start(&mut self) {
        self.started = Some(Instant::now());
    }

    pub(super) fn head(&mut self, status: StatusCode, headers: &HeaderMap) {
        self.first_byte = self.elapsed();
        self.status = Some(status);
        self.headers = fields(headers);
    }

    pub(super) fn data(&mut self, data: &[u8]) {
        self.body_bytes += data.len() as u64;
        let room = BODY_KEPT.saturating_sub(self.body_start.len());
        self.body_start.extend(data.iter().take(room));
    }

    pub(super) fn trailers(&mut self, trailers: &HeaderMap) {
        self.trailers = fields(trailers);
    }

    /// The response has come to its end.
    pub(super) fn finish(&mut self) {
        self.total = self.elapsed();
    }

    /// Whether some of the body was not kept.
    pub(super) fn is_cut(&self) -> bool {
        self.body_bytes > self.body_start.len() as u64
    }

    fn elapsed(&self) -> Option<Duration> {
        self.started.map(|started| started.elapsed())
    }
}

/// In the order of arrival; what is not UTF-8 becomes U+FFFD.
fn fields(fields: &HeaderMap) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into())).collect()
}

/// How much of a body is kept to be shown, in bytes.
const BODY_KEPT: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_a_body_is_counted_and_its_start_kept() {
        let mut answer = Answer::default();
        answer.data(&vec![1; BODY_KEPT - 1]);
        assert!(!answer.is_cut());
        answer.data(&[2, 3, 4]);
        assert_eq!((answer.body_bytes, answer.body_start.len()), (BODY_KEPT as u64 + 2, BODY_KEPT));
        assert_eq!(answer.body_start.last(), Some(&2));
        assert!(answer.is_cut());
    }
}
