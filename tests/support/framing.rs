//! Where the content of an HTTP/1.1 message ends: RFC 9112 §6.3.

use super::{
    message::{End, Fields, field},
    wire::Reader,
};

/// How much content is still to come.
pub(crate) enum Framing {
    None,
    /// So many bytes.
    Length(u64),
    /// So many bytes of the chunk begun; 0 where a chunk size comes next.
    Chunked(u64),
    UntilClose,
}

impl Framing {
    pub(crate) fn of_request(fields: &Fields) -> Self {
        Self::named(fields).unwrap_or(Self::None)
    }

    pub(crate) fn of_reply(method: &str, status: u16, fields: &Fields) -> Self {
        if method == "HEAD" || matches!(status, 204 | 304) {
            return Self::None;
        }
        Self::named(fields).unwrap_or(Self::UntilClose)
    }

    /// Reads all of the content.
    pub(crate) async fn all(&mut self, reader: &mut Reader, body: &mut Vec<u8>, trailers: &mut Fields) -> End {
        loop {
            if let Some(end) = self.advance(reader, body, trailers).await {
                return end;
            }
        }
    }

    /// Reads a part of the content; `Some` when that was the end of it.
    pub(crate) async fn advance(
        &mut self,
        reader: &mut Reader,
        body: &mut Vec<u8>,
        trailers: &mut Fields,
    ) -> Option<End> {
        match self.step(reader, body, trailers).await {
            Ok(true) => Some(End::Complete),
            Ok(false) => None,
            Err(end) => Some(end),
        }
    }

    /// `Ok(true)` at the end of the message.
    async fn step(&mut self, reader: &mut Reader, body: &mut Vec<u8>, trailers: &mut Fields) -> Result<bool, End> {
        match self {
            Self::None | Self::Length(0) => Ok(true),
            Self::Length(left) => {
                *left -= reader.some(*left, body).await?;
                Ok(*left == 0)
            }
            Self::Chunked(left @ 0) => {
                *left = chunk_size(&reader.line().await?);
                if *left == 0 {
                    *trailers = reader.fields().await?;
                    return Ok(true);
                }
                Ok(false)
            }
            Self::Chunked(left) => {
                *left -= reader.some(*left, body).await?;
                if *left == 0 {
                    assert_eq!(reader.line().await?, "", "what follows the last byte of a chunk");
                }
                Ok(false)
            }
            Self::UntilClose => match reader.some(u64::MAX, body).await {
                Ok(_) => Ok(false),
                Err(End::Closed) => Ok(true),
                Err(end) => Err(end),
            },
        }
    }

    fn named(fields: &Fields) -> Option<Self> {
        if let Some(coding) = field(fields, "transfer-encoding") {
            assert!(coding.eq_ignore_ascii_case("chunked"), "unknown transfer coding {coding:?}");
            return Some(Self::Chunked(0));
        }
        let length = field(fields, "content-length")?;
        Some(Self::Length(length.parse().unwrap_or_else(|_| panic!("not a content-length: {length:?}"))))
    }
}

fn chunk_size(line: &str) -> u64 {
    let digits = line.split(';').next().unwrap_or_default().trim();
    u64::from_str_radix(digits, 16).unwrap_or_else(|_| panic!("not a chunk size: {line:?}"))
}
