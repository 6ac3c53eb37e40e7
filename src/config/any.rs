//! A message inside an `Any`: `typed_config` stays packed in `config`, and the extension that owns it unpacks it.

use std::error::Error;
use std::fmt;

use prost::{DecodeError, Message, Name};
use prost_types::Any;

/// The message inside, which has to be an `M`.
///
/// # Errors
/// [`UnpackError`] when it is another message, or bytes that are none.
pub fn unpack<M: Message + Name + Default>(any: &Any) -> Result<M, UnpackError> {
    let found = type_name(&any.type_url);
    let expected = M::full_name();
    if found != expected {
        return Err(UnpackError::OtherType { expected, found: found.to_owned() });
    }
    M::decode(any.value.as_slice()).map_err(|source| UnpackError::Malformed { name: expected, source })
}

/// The full name of the message in a type URL: what follows the last slash.
#[must_use]
pub fn type_name(url: &str) -> &str {
    url.rsplit_once('/').map_or(url, |(_, name)| name)
}

/// Why a message cannot be unpacked.
#[derive(Debug, PartialEq)]
pub enum UnpackError {
    /// It is not the message that belongs here.
    OtherType {
        /// The full name of the message that belongs here.
        expected: String,
        /// The full name found; empty when there is none.
        found: String,
    },
    /// Its bytes are not such a message.
    Malformed {
        /// The full name of the message.
        name: String,
        /// What the decoder says.
        source: DecodeError,
    },
}

impl fmt::Display for UnpackError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherType { expected, found } if found.is_empty() => {
                write!(formatter, "holds no message: expected `{expected}`")
            }
            Self::OtherType { expected, found } => write!(formatter, "holds `{found}`: expected `{expected}`"),
            Self::Malformed { name, .. } => write!(formatter, "its bytes are no `{name}`"),
        }
    }
}

impl Error for UnpackError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::OtherType { .. } => None,
            Self::Malformed { source, .. } => Some(source),
        }
    }
}
