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
use x509_parser::{
    extensions::{GeneralName, ParsedExtension},
    parse_x509_certificate,
};

use super::{
    LocalCaError,
    files::{CA_CERT, Directory},
    issue::{CA_NAME, LEAF_LIFE},
    names::Names,
};

/// What is in the directory.
#[derive(Debug)]
pub(super) struct Standing {
    ca: Option<Ca>,
    leaf: Option<Life>,
    for_these_names: bool,
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
    subtrees: Vec<String>,
}

/// A certificate's validity, since the epoch.
#[derive(Clone, Copy, Debug)]
struct Life {
    not_before: Duration,
    not_after: Duration,
}

impl Standing {
    /// Reads the files. What cannot be parsed counts as absent; what cannot be read is an error.
    pub(super) fn of(directory: &Directory, names: &Names, now: SystemTime) -> Result<Self, LocalCaError> {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let ca = directory.read(CA_CERT)?.as_deref().and_then(Ca::parse);
        let (leaf_cert, leaf_key) = names.leaf_files();
        let leaf = match (&ca, directory.read(leaf_cert)?) {
            (Some(ca), Some(cert)) => match directory.read(leaf_key)? {
                Some(key) if ca.life.covers(now) => serving_leaf(ca, &cert, &key, (names, now)),
                _ => None,
            },
            _ => None,
        };
        let for_these_names = ca.as_ref().is_some_and(|ca| ca.is_for(names));
        Ok(Self { ca, leaf, for_these_names, now })
    }

    pub(super) fn need(&self) -> Need {
        match (&self.ca, &self.leaf) {
            // A leaf must not outlive its CA, so the CA goes when it has less than a leaf's life left.
            (Some(ca), _) if !ca.life.covers(self.now) || ca.life.left(self.now) < LEAF_LIFE => Need::Everything,
            (None, _) => Need::Everything,
            (Some(_), _) if !self.for_these_names => Need::Everything,
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
        Some(Self { life: Life::of(&cert)?, ours: is_named_as_ours(&cert)?, subtrees: subtrees(&cert)?, cert })
    }

    /// Whether it vouches for these names and for no others. What a CA of somebody else is for is theirs to decide.
    fn is_for(&self, names: &Names) -> bool {
        !self.ours || self.subtrees == names.subtrees()
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
fn serving_leaf(ca: &Ca, cert_pem: &[u8], key_pem: &[u8], (names, now): (&Names, Duration)) -> Option<Life> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let chain: Vec<_> = CertificateDer::pem_slice_iter(cert_pem).collect::<Result<_, _>>().ok()?;
    let (leaf, intermediates) = chain.split_first()?;
    let mut roots = RootCertStore::empty();
    roots.add(ca.cert.clone()).ok()?;
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), Arc::clone(&provider)).build().ok()?;
    if ca.ours && dns_names(leaf)? != names.dns() {
        return None;
    }
    // For a wildcard, any name that it covers.
    let dns = names.dns().iter().map(|name| ServerName::try_from(name.replace('*', "any")).ok());
    for name in dns.chain([Some(Ipv4Addr::LOCALHOST.into()), Some(Ipv6Addr::LOCALHOST.into())]) {
        let name = name?;
        verifier.verify_server_cert(leaf, intermediates, &name, &[], UnixTime::since_unix_epoch(now)).ok()?;
    }
    is_key_of(&chain, key_pem, &provider).then(|| Life::of(leaf))?
}

fn is_named_as_ours(cert: &CertificateDer<'_>) -> Option<bool> {
    let (_, parsed) = parse_x509_certificate(cert).ok()?;
    let mut names = parsed.subject().iter_common_name();
    Some(names.any(|name| name.as_str().is_ok_and(|name| name.starts_with(CA_NAME))))
}

/// The names of kind DNS that a certificate is for, in its order.
fn dns_names(cert: &CertificateDer<'_>) -> Option<Vec<String>> {
    let (_, parsed) = parse_x509_certificate(cert).ok()?;
    let names = parsed.subject_alternative_name().ok()??.value.general_names.iter();
    Some(names.filter_map(dns_name).collect())
}

/// The subtrees of kind DNS that a CA may vouch for, in its order; none where it has no constraints.
fn subtrees(cert: &CertificateDer<'_>) -> Option<Vec<String>> {
    let (_, parsed) = parse_x509_certificate(cert).ok()?;
    let mut extensions = parsed.extensions().iter().map(x509_parser::extensions::X509Extension::parsed_extension);
    let constraints = extensions.find_map(|extension| match extension {
        ParsedExtension::NameConstraints(constraints) => constraints.permitted_subtrees.as_ref(),
        _ => None,
    });
    Some(constraints.into_iter().flatten().filter_map(|subtree| dns_name(&subtree.base)).collect())
}

fn dns_name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        _ => None,
    }
}

fn is_key_of(chain: &[CertificateDer<'static>], key_pem: &[u8], provider: &CryptoProvider) -> bool {
    let Ok(key) = PrivateKeyDer::from_pem_slice(key_pem) else { return false };
    CertifiedKey::from_der(chain.to_vec(), key, provider).is_ok_and(|key| key.keys_match().is_ok())
}
