//! The head of a response.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::section::Section;
use super::{ContentLength, Malformed, Refused, SectionLimits};

/// A field section that begins a response, interim or final, as it is decoded.
#[derive(Debug)]
pub struct ResponseSection {
    section: Section,
    fields_began: bool,
    status: Option<StatusCode>,
}

/// The head of a well-formed response.
#[derive(Debug)]
pub struct ResponseHead {
    /// `:status`.
    pub status: StatusCode,
    /// The other fields.
    pub headers: HeaderMap,
    /// How much content was announced. It comes only where the request and the status let content come.
    pub content_length: ContentLength,
}

impl ResponseSection {
    /// An empty section.
    #[must_use]
    pub fn new(limits: SectionLimits) -> Self {
        Self { section: Section::new(limits), fields_began: false, status: None }
    }

    /// Takes the next field line.
    ///
    /// # Errors
    /// [`Refused`] when the response is malformed or its section too large: nothing more is to be pushed then.
    pub fn push(&mut self, name: &[u8], value: Bytes) -> Result<(), Refused> {
        self.section.count(name, &value)?;
        if !name.starts_with(b":") {
            self.fields_began = true;
            return self.section.field(name, value);
        }
        // RFC 9114 §4.3.2: `:status` is the only one.
        if name != b":status" {
            return Err(Malformed::UnknownPseudo.into());
        }
        if self.fields_began {
            return Err(Malformed::LatePseudo.into());
        }
        let status = StatusCode::from_bytes(&value).map_err(|_| Malformed::Status)?;
        check_status(status)?;
        match self.status.replace(status) {
            Some(_) => Err(Malformed::DuplicatePseudo.into()),
            None => Ok(()),
        }
    }

    /// The head, at the end of the section.
    ///
    /// # Errors
    /// [`Malformed`] when it is no response.
    pub fn finish(self) -> Result<ResponseHead, Malformed> {
        let headers = self.section.headers;
        Ok(ResponseHead {
            status: self.status.ok_or(Malformed::MissingPseudo)?,
            content_length: ContentLength::of(&headers)?,
            headers,
        })
    }
}

/// RFC 9114 §4.5, RFC 9113 §8.6: there is no 101, for nothing is upgraded.
pub(super) fn check_status(status: StatusCode) -> Result<(), Malformed> {
    if status == StatusCode::SWITCHING_PROTOCOLS { Err(Malformed::Status) } else { Ok(()) }
}
