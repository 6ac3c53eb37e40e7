//! Judges what lies in the local CA's directory: what serves, and what must be made anew. Decides; writes nothing.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    sign::CertifiedKey,
};
use x509_parser::parse_x509_certificate;

use super::{
    LocalCaError,
    files::{CA_CERT, Directory, LEAF_CERT, LEAF_KEY},
    issue::{CA_NAME, LEAF_LIFE},
};

/// What is in the directory.
#[derive(Debug)]
pub(super) struct Standing {
    ca: Option<Ca>,
    leaf: Option<Life>,
    now: Duration,
}

/// What must be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Nothing,
    Leaf,
    Everything,
}

#[derive(Debug)]
struct Ca {
    cert: CertificateDer<'static>,
    life: Life,
    ours: bool,
}

/// A certificate's validity, since the epoch.
#[derive(Clone, Copy, Debug)]
struct Life {
    not_before: Duration,
    not_after: Duration,
}

impl Standing {
    /// Reads the files. What cannot be parsed counts as absent; what cannot be read is an error.
    pub(super) fn of(directory: &Directory, now: SystemTime) -> Result<Self, LocalCaError> {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let ca = directory.read(CA_CERT)?.as_deref().and_then(Ca::parse);
        let leaf = match (&ca, directory.read(LEAF_CERT)?) {
            (Some(ca), Some(cert)) => match directory.read(LEAF_KEY)? {
                Some(key) if ca.life.covers(now) => serving_leaf(ca, &cert, &key, now),
                _ => None,
            },
            _ => None,
        };
        Ok(Self { ca, leaf, now })
    }

    pub(super) fn need(&self) -> Need {
        match (&self.ca, &self.leaf) {
            // A leaf must not outlive its CA, so the CA goes when it has less than a leaf's life left.
            (Some(ca), _) if !ca.life.covers(self.now) || ca.life.left(self.now) < LEAF_LIFE => Need::Everything,
            (None, _) => Need::Everything,
            (Some(_), Some(leaf)) if leaf.left(self.now) >= leaf.whole() / 3 => Need::Nothing,
            (Some(_), _) => Need::Leaf,
        }
    }

    /// The CA's certificate, as far as it can sign now.
    pub(super) fn ca_cert(&self) -> Option<&CertificateDer<'static>> {
        self.ca.as_ref().map(|ca| &ca.cert)
    }

    /// When the leaf ends, if CA, leaf and key serve now.
    pub(super) fn leaf_not_after(&self) -> Option<SystemTime> {
        self.leaf.map(|leaf| UNIX_EPOCH + leaf.not_after)
    }

    /// A CA that somebody put there is theirs to move.
    pub(super) fn may_replace_ca(&self, directory: &Directory) -> Result<(), LocalCaError> {
        match &self.ca {
            Some(ca) if !ca.ours => Err(LocalCaError::ForeignAuthority { path: directory.file(CA_CERT) }),
            _ => Ok(()),
        }
    }
}

impl Ca {
    fn parse(pem: &[u8]) -> Option<Self> {
        let cert = CertificateDer::from_pem_slice(pem).ok()?;
        Some(Self { life: Life::of(&cert)?, ours: is_named_as_ours(&cert)?, cert })
    }
}

impl Life {
    fn of(cert: &CertificateDer<'_>) -> Option<Self> {
        let (_, parsed) = parse_x509_certificate(cert).ok()?;
        let since_epoch = |timestamp| u64::try_from(timestamp).ok().map(Duration::from_secs);
        let validity = parsed.validity();
        Some(Self {
            not_before: since_epoch(validity.not_before.timestamp())?,
            not_after: since_epoch(validity.not_after.timestamp())?,
        })
    }

    fn covers(self, now: Duration) -> bool {
        (self.not_before..=self.not_after).contains(&now)
    }

    fn left(self, now: Duration) -> Duration {
        self.not_after.saturating_sub(now)
    }

    fn whole(self) -> Duration {
        self.not_after.saturating_sub(self.not_before)
    }
}

/// The leaf's life, when a client that trusts only `ca` would accept it now under each of its names, and the key is its own.
fn serving_leaf(ca: &Ca, cert_pem: &[u8], key_pem: &[u8], now: Duration) -> Option<Life> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let chain: Vec<_> = CertificateDer::pem_slice_iter(cert_pem).collect::<Result<_, _>>().ok()?;
    let (leaf, intermediates) = chain.split_first()?;
    let mut roots = RootCertStore::empty();
    roots.add(ca.cert.clone()).ok()?;
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), Arc::clone(&provider)).build().ok()?;
    let names = [ServerName::try_from("localhost").ok()?, Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    for name in names {
        verifier.verify_server_cert(leaf, intermediates, &name, &[], UnixTime::since_unix_epoch(now)).ok()?;
    }
    is_key_of(&chain, key_pem, &provider).then(|| Life::of(leaf))?
}

fn is_named_as_ours(cert: &CertificateDer<'_>) -> Option<bool> {
    let (_, parsed) = parse_x509_certificate(cert).ok()?;
    let mut names = parsed.subject().iter_common_name();
    Some(names.any(|name| name.as_str().is_ok_and(|name| name.starts_with(CA_NAME))))
}

fn is_key_of(chain: &[CertificateDer<'static>], key_pem: &[u8], provider: &CryptoProvider) -> bool {
    let Ok(key) = PrivateKeyDer::from_pem_slice(key_pem) else { return false };
    CertifiedKey::from_der(chain.to_vec(), key, provider).is_ok_and(|key| key.keys_match().is_ok())
}
