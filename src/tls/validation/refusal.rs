//! Why a certificate is not believed: for the peer as an alert, for a person in words.

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::UnixTime;
use rustls::{CertificateError, OtherError};

/// Why a certificate is not believed.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It, or one above it, is not what RFC 5280 describes.
    Unreadable,
    NotValidYet,
    Expired,
    Revoked,
    /// No list speaks of it.
    UnknownRevocation,
    /// The list that would speak of it does not hold any more.
    OutdatedList,
    UnknownIssuer,
    BadSignature,
    /// It is for something else than the handshakes of this side.
    OtherPurpose,
    TooLong,
    /// What webpki says of it otherwise.
    Chain(String),
    /// None of its alternative names is asked for: these are its own.
    Names(Vec<String>),
    /// It is none of those that are pinned.
    Pins,
}

impl Refusal {
    /// For webpki, of the authority at the end of a path.
    pub(super) fn of_anchor(self, now: UnixTime) -> webpki::Error {
        match self {
            Self::NotValidYet => webpki::Error::CertNotValidYet { time: now, not_before: now },
            Self::Expired => webpki::Error::CertExpired { time: now, not_after: now },
            Self::OtherPurpose => webpki::Error::EmptyEkuExtension,
            _ => webpki::Error::UnknownIssuer,
        }
    }
}

impl From<webpki::Error> for Refusal {
    fn from(error: webpki::Error) -> Self {
        use webpki::Error;
        match error {
            Error::BadDer | Error::BadDerTime | Error::TrailingData(_) => Self::Unreadable,
            Error::CertNotValidYet { .. } => Self::NotValidYet,
            Error::CertExpired { .. } | Error::InvalidCertValidity => Self::Expired,
            Error::CertRevoked => Self::Revoked,
            Error::UnknownRevocationStatus => Self::UnknownRevocation,
            Error::UnknownIssuer => Self::UnknownIssuer,
            Error::InvalidSignatureForPublicKey => Self::BadSignature,
            Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => Self::OtherPurpose,
            Error::MaximumPathDepthExceeded | Error::PathLenConstraintViolated => Self::TooLong,
            other => Self::Chain(other.to_string()),
        }
    }
}

impl From<Refusal> for rustls::Error {
    /// RFC 8446 §6.2: the alert follows from the kind.
    fn from(refusal: Refusal) -> Self {
        let error = match refusal {
            Refusal::Unreadable => CertificateError::BadEncoding,
            Refusal::NotValidYet => CertificateError::NotValidYet,
            Refusal::Expired => CertificateError::Expired,
            Refusal::Revoked => CertificateError::Revoked,
            Refusal::UnknownRevocation => CertificateError::UnknownRevocationStatus,
            Refusal::OutdatedList => CertificateError::ExpiredRevocationList,
            // The path that was found is none: as far as it may go, nobody above is known.
            Refusal::UnknownIssuer => CertificateError::UnknownIssuer,
            Refusal::BadSignature => CertificateError::BadSignature,
            Refusal::OtherPurpose => CertificateError::InvalidPurpose,
            Refusal::TooLong | Refusal::Chain(_) | Refusal::Names(_) | Refusal::Pins => {
                CertificateError::Other(OtherError(Arc::new(refusal)))
            }
        };
        Self::InvalidCertificate(error)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => f.write_str("cannot be read"),
            Self::NotValidYet => f.write_str("is not valid yet, or an authority above it is not"),
            Self::Expired => f.write_str("has expired, or an authority above it has"),
            Self::Revoked => f.write_str("is revoked"),
            Self::UnknownRevocation => f.write_str("may be revoked: no revocation list of its issuer is there"),
            Self::OutdatedList => f.write_str("may be revoked: the revocation list of its issuer is out of date"),
            Self::UnknownIssuer => f.write_str("has an issuer that is not trusted"),
            Self::BadSignature => f.write_str("is not signed by its issuer"),
            Self::OtherPurpose => f.write_str("is for another purpose"),
            Self::TooLong => f.write_str("is too far below the authority that is trusted"),
            Self::Chain(error) => write!(f, "does not lead to an authority: {error}"),
            Self::Names(own) if own.is_empty() => f.write_str("has no alternative name, and one is asked for"),
            Self::Names(own) => write!(f, "has none of the names that are asked for: it has {}", own.join(", ")),
            Self::Pins => f.write_str("is none of those that are pinned"),
        }
    }
}

impl fmt::Debug for Refusal {
    /// In words: it is how rustls shows it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Refusal {}

/// What a handshake failed of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The other side has shown a certificate that is not believed: what verified it has counted that.
    Certificate,
    /// It has shown none.
    NoCertificate,
    /// Anything else.
    Other,
}

/// What a handshake failed of, by what rustls says of it.
#[must_use]
pub fn cause(error: &str) -> Cause {
    if error.contains(NOT_BELIEVED) {
        Cause::Certificate
    } else if error.contains(NONE_SHOWN) {
        Cause::NoCertificate
    } else {
        Cause::Other
    }
}

/// What rustls says of a handshake, with words for its names of what is wrong with a certificate.
#[must_use]
pub fn in_words(error: &str) -> String {
    let Some((before, what)) = error.split_once(NOT_BELIEVED) else {
        return error.replace(NONE_SHOWN, "a certificate is required, and none was shown");
    };
    let own = what.strip_prefix("Other(OtherError(").and_then(|what| what.strip_suffix("))"));
    let named = || {
        let error = |refusal: &Refusal| match rustls::Error::from(refusal.clone()) {
            rustls::Error::InvalidCertificate(error) => format!("{error:?}") == what,
            _ => false,
        };
        NAMED.into_iter().find(error).map(|refusal| refusal.to_string())
    };
    let words = own.map(str::to_owned).or_else(named);
    format!("{before}the certificate {}", words.unwrap_or_else(|| format!("is not believed: {what}")))
}

/// Those for which rustls has names.
const NAMED: [Refusal; 9] = [
    Refusal::Unreadable,
    Refusal::NotValidYet,
    Refusal::Expired,
    Refusal::Revoked,
    Refusal::UnknownRevocation,
    Refusal::OutdatedList,
    Refusal::UnknownIssuer,
    Refusal::BadSignature,
    Refusal::OtherPurpose,
];

/// As rustls says it.
const NOT_BELIEVED: &str = "invalid peer certificate: ";
const NONE_SHOWN: &str = "peer sent no certificates";
