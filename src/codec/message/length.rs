//! `content-length` against what really comes.

use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Method, StatusCode};

use super::Malformed;

/// How much content is still to come, if the head says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ContentLength(Option<u64>);

impl ContentLength {
    /// Of a message whose content is delimited otherwise.
    pub const UNKNOWN: Self = Self(None);

    /// Of a message that has no content, whatever its fields say (RFC 9110 §6.4.1).
    pub const NONE: Self = Self(Some(0));

    /// What the fields say.
    ///
    /// # Errors
    /// [`Malformed::ContentLength`] when it is no number, or when several differ (RFC 9110 §8.6).
    pub fn of(headers: &HeaderMap) -> Result<Self, Malformed> {
        let mut length = None;
        for value in headers.get_all(CONTENT_LENGTH) {
            let digits = value.as_bytes();
            if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
                return Err(Malformed::ContentLength);
            }
            let text = value.to_str().map_err(|_| Malformed::ContentLength)?;
            let number = text.parse::<u64>().map_err(|_| Malformed::ContentLength)?;
            if length.is_some_and(|before| before != number) {
                return Err(Malformed::ContentLength);
            }
            length = Some(number);
        }
        Ok(Self(length))
    }

    /// What it comes to for a response with this status to a request of this method: RFC 9110 §6.4.1 tells which have no
    /// content, and §9.3.6 that a tunnel has no length.
    #[must_use]
    pub fn of_response(self, status: StatusCode, method: &Method) -> Self {
        match status {
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED => Self::NONE,
            _ if method == Method::HEAD => Self::NONE,
            status if method == Method::CONNECT && status.is_success() => Self::UNKNOWN,
            _ => self,
        }
    }

    /// Says once what the fields say several times over (RFC 9110 §8.6). They were found to say the same.
    pub fn say_once(headers: &mut HeaderMap) {
        let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
        if let (Some(length), Some(_)) = (lengths.next(), lengths.next()) {
            let length = length.clone();
            headers.insert(CONTENT_LENGTH, length);
        }
    }

    /// What is still to come; `None` where the head did not say.
    #[must_use]
    pub fn left(self) -> Option<u64> {
        self.0
    }

    /// Takes note of content that came.
    ///
    /// # Errors
    /// [`Malformed::ContentLengthMismatch`] when it is more than was announced (RFC 9114 §4.1.2).
    pub fn take(&mut self, bytes: usize) -> Result<(), Malformed> {
        if let Some(left) = &mut self.0 {
            let taken = u64::try_from(bytes).unwrap_or(u64::MAX);
            *left = left.checked_sub(taken).ok_or(Malformed::ContentLengthMismatch)?;
        }
        Ok(())
    }

    /// Takes note of the end.
    ///
    /// # Errors
    /// [`Malformed::ContentLengthMismatch`] when less came than was announced (RFC 9114 §4.1.2).
    pub fn end(self) -> Result<(), Malformed> {
        match self.0 {
            None | Some(0) => Ok(()),
            Some(_) => Err(Malformed::ContentLengthMismatch),
        }
    }
}
