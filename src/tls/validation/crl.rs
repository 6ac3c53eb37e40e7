//! Certificate revocation lists (RFC 5280 §5).

use rustls::pki_types::UnixTime;
use webpki::{CertRevocationList, OwnedCertRevocationList};
use x509_parser::prelude::{CertificateRevocationList, FromDer, X509Certificate};

use super::refusal::Refusal;

/// The lists of a context; none means that nobody asks.
#[derive(Debug, Default)]
pub(super) struct Crls {
    /// Of one issuer the newest first: webpki takes the first.
    lists: Vec<List>,
    /// `only_verify_leaf_cert_crl`
    pub(super) leaf_only: bool,
}

#[derive(Debug)]
struct List {
    parsed: CertRevocationList<'static>,
    der: Vec<u8>,
    issued: i64,
    until: Option<i64>,
}

impl Crls {
    /// These, in DER; the error says what is wrong with the one of that number.
    pub(super) fn new(written: Vec<Vec<u8>>, leaf_only: bool) -> Result<Self, (usize, String)> {
        let read = |(number, der): (usize, Vec<u8>)| {
            let list = OwnedCertRevocationList::from_der(&der).map_err(|error| (number, error.to_string()))?;
            let times = match CertificateRevocationList::from_der(&der) {
                Ok((_, parsed)) => {
                    (parsed.last_update().timestamp(), parsed.next_update().map(|next| next.timestamp()))
                }
                Err(error) => return Err((number, error.to_string())),
            };
            Ok(List { parsed: list.into(), issued: times.0, until: times.1, der })
        };
        let mut lists = written.into_iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()?;
        lists.sort_by_key(|list| std::cmp::Reverse(list.issued));
        Ok(Self { lists, leaf_only })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// Those that hold now. The error says that none does.
    pub(super) fn at(&self, now: UnixTime) -> Result<Vec<&CertRevocationList<'static>>, Refusal> {
        let holding: Vec<_> = self.lists.iter().filter(|list| list.holds(now)).map(|list| &list.parsed).collect();
        if holding.is_empty() && !self.lists.is_empty() { Err(Refusal::OutdatedList) } else { Ok(holding) }
    }

    /// Whether one of them does not hold any more.
    pub(super) fn some_outdated(&self, now: UnixTime) -> bool {
        self.lists.iter().any(|list| !list.holds(now))
    }

    /// Verifies a certificate that is trusted itself: nobody above it says who signed the list.
    pub(super) fn verify_alone(&self, certificate: &[u8], now: UnixTime) -> Result<(), Refusal> {
        if self.is_empty() {
            return Ok(());
        }
        let (_, certificate) = X509Certificate::from_der(certificate).map_err(|_| Refusal::Unreadable)?;
        let of_issuer = |list: &&List| match CertificateRevocationList::from_der(&list.der) {
            Ok((_, parsed)) => parsed.issuer().as_raw() == certificate.issuer().as_raw(),
            Err(_) => false,
        };
        let own = self.lists.iter().filter(|list| list.holds(now)).find(of_issuer);
        match own.map(|own| own.parsed.find_serial(certificate.raw_serial())) {
            Some(Ok(None)) => Ok(()),
            Some(Ok(Some(_))) => Err(Refusal::Revoked),
            Some(Err(_)) | None => Err(Refusal::UnknownRevocation),
        }
    }

    /// The lists as they came, for sessions to depend on.
    pub(super) fn written(&self) -> impl Iterator<Item = &[u8]> {
        self.lists.iter().map(|list| list.der.as_slice())
    }
}

impl List {
    fn holds(&self, now: UnixTime) -> bool {
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        self.issued <= now && self.until.is_none_or(|until| now <= until)
    }
}
