//! Which of its certificates a context shows: by the name that the client asks for, then by what the client can verify.
//!
//! As Envoy chooses: among those for exactly that name, then among those for a wildcard that covers it, then the first of the
//! context. Of several for one name the first with an ECDSA key that the client can use comes before the first with any other.
//! A client that asks for no name gets the first of all that it can use. Nothing here waits or reads: what can be shown was
//! loaded before.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{CipherSuite, SignatureAlgorithm, SignatureScheme};

use super::certificate::{Certificate, shown};
use super::schemes::limited;
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::downstream_tls_context::OcspStaplePolicy;
use crate::observe::access_log::Certificate as Told;

/// The certificates of a context.
#[derive(Debug, Default)]
pub(super) struct Choice {
    all: Vec<Shown>,
    /// Places in `all`, in order; a wildcard stands without its `*`.
    by_name: HashMap<Box<str>, Vec<u32>>,
    policy: OcspStaplePolicy,
    options: Options,
}

/// A certificate as it is shown.
#[derive(Debug)]
struct Shown {
    bare: Arc<CertifiedKey>,
    /// With what its issuer says of it, and until when that holds.
    stapled: Option<(Arc<CertifiedKey>, Option<SystemTime>)>,
    /// What logs say of it, once somebody has asked.
    told: OnceLock<Option<Arc<Told>>>,
}

impl Shown {
    fn new(certificate: &Certificate, schemes: Option<&Arc<[SignatureScheme]>>) -> Self {
        let mut bare = Arc::clone(&certificate.certified);
        if schemes.is_some() {
            let key = limited(Arc::clone(&bare.key), schemes);
            bare = Arc::new(CertifiedKey { key, ..CertifiedKey::clone(&bare) });
        }
        let stapled = certificate.staple.as_ref().map(|staple| {
            let stapled = CertifiedKey { ocsp: Some(staple.response.clone()), ..CertifiedKey::clone(&bare) };
            (Arc::new(stapled), staple.until)
        });
        Self { bare, stapled, told: OnceLock::new() }
    }

    fn told(&self) -> Option<&Arc<Told>> {
        self.told.get_or_init(|| shown(&self.bare.cert)).as_ref()
    }

    /// As a client gets it `now`; not at all where the policy wants a staple that holds, and it does not.
    fn key(&self, policy: OcspStaplePolicy, now: SystemTime) -> Option<&Arc<CertifiedKey>> {
        match &self.stapled {
            Some((stapled, until)) if until.is_none_or(|until| now <= until) => Some(stapled),
            Some(_) if policy != OcspStaplePolicy::LenientStapling => None,
            _ => Some(&self.bare),
        }
    }
}

/// What else is configured of the choice.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Options {
    /// A client has to ask for a name.
    pub(super) require_sni: bool,
    /// For a name that no certificate stands for, the first that the client can use is shown, and not just the first.
    pub(super) full_scan: bool,
}

impl Choice {
    /// Of these, in the order in which they are configured; `schemes` are those that may be signed with.
    pub(super) fn new(
        certificates: &[Arc<Certificate>],
        schemes: Option<&Arc<[SignatureScheme]>>,
        policy: OcspStaplePolicy,
        options: Options,
    ) -> Self {
        let mut by_name: HashMap<Box<str>, Vec<u32>> = HashMap::new();
        let mut all = Vec::with_capacity(certificates.len());
        for (place, certificate) in (0..).zip(certificates) {
            for name in &certificate.hosts {
                let key = name.strip_prefix('*').unwrap_or(name);
                by_name.entry(key.into()).or_default().push(place);
            }
            all.push(Shown::new(certificate, schemes));
        }
        Self { all, by_name, policy, options }
    }

    /// The certificate for a client that asks for `name`, where `can_use` says which keys it can verify signatures of.
    fn choose(&self, name: Option<&str>, can_use: impl Fn(&CertifiedKey) -> bool) -> Option<&Shown> {
        let of_all = || best(self.all.iter(), &can_use);
        let Some(name) = name else {
            return if self.options.require_sni { None } else { of_all() };
        };
        let of_name = |name: &str| {
            let places = self.by_name.get(name)?;
            best(places.iter().filter_map(|place| self.all.get(*place as usize)), &can_use)
        };
        let of_wildcard = || of_name(wildcard(name)?);
        let of_none = || if self.options.full_scan { of_all() } else { self.all.first() };
        of_name(name).or_else(of_wildcard).or_else(of_none)
    }
}

impl Choice {
    /// The places of the certificates of which one is shown to a client that asks for this name, where any stands for it.
    pub(super) fn places(&self, name: &str) -> &[u32] {
        let of = |name: &str| self.by_name.get(name).map(Vec::as_slice);
        of(name).or_else(|| of(wildcard(name)?)).unwrap_or_default()
    }

    /// What a client that asks for `name` has been shown, as far as that is certain: what it could use is not known any more,
    /// and certificates for one name may differ.
    pub(super) fn told(&self, name: Option<&str>) -> Option<Arc<Told>> {
        let name = name.map(str::to_ascii_lowercase);
        let places = name.as_deref().map(|name| self.places(name)).filter(|places| !places.is_empty());
        let candidates: Vec<&Shown> = match places {
            Some(places) => places.iter().filter_map(|place| self.all.get(*place as usize)).collect(),
            None if name.is_some() && !self.options.full_scan => self.all.iter().take(1).collect(),
            None => self.all.iter().collect(),
        };
        let first = candidates.first()?.told()?;
        let alike = |other: &&Shown| other.told().is_some_and(|other| other.is_of_the_same(first));
        candidates.iter().all(alike).then(|| Arc::clone(first))
    }
}

/// What a name is found under where a wildcard covers it.
pub(super) fn wildcard(name: &str) -> Option<&str> {
    name.get(name.find('.')?..)
}

impl ResolvesServerCert for Choice {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().map(str::to_ascii_lowercase);
        let can_use = |key: &CertifiedKey| can_use(key, hello.signature_schemes(), hello.cipher_suites());
        self.choose(name.as_deref(), can_use)?.key(self.policy, SystemTime::now()).cloned()
    }
}

/// The first usable key with ECDSA, or else the first usable one.
fn best<'a>(all: impl Iterator<Item = &'a Shown>, can_use: impl Fn(&CertifiedKey) -> bool) -> Option<&'a Shown> {
    let mut other = None;
    for key in all.filter(|shown| can_use(&shown.bare)) {
        if key.bare.key.algorithm() == SignatureAlgorithm::ECDSA {
            return Some(key);
        }
        other = other.or(Some(key));
    }
    other
}

/// Whether a client that says this can verify what the key signs.
fn can_use(key: &CertifiedKey, schemes: &[SignatureScheme], suites: &[CipherSuite]) -> bool {
    // The suites of TLS 1.3 say nothing of the key, those of TLS 1.2 do (RFC 8446 §B.4).
    let fits = |suite: &CipherSuite| match key.key.algorithm() {
        SignatureAlgorithm::RSA => !TLS12_ECDSA.contains(suite),
        _ => !TLS12_RSA.contains(suite),
    };
    key.key.choose_scheme(schemes).is_some() && suites.iter().any(fits)
}

const TLS12_ECDSA: [CipherSuite; 3] = [
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
];

const TLS12_RSA: [CipherSuite; 3] = [
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];

#[cfg(test)]
mod tests {
    use rustls::crypto::aws_lc_rs::default_provider;
    use rustls::pki_types::PrivateKeyDer;

    use super::*;
    use crate::tls::CertificateFacts;

    /// A certificate for these names.
    fn named(names: &[&str], algorithm: &'static rcgen::SignatureAlgorithm) -> Certificate {
        let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let facts = CertificateFacts {
            path: String::new(),
            serial: String::new(),
            names: Vec::new(),
            valid_from: SystemTime::UNIX_EPOCH,
            expires: SystemTime::UNIX_EPOCH,
        };
        let key = default_provider().key_provider.load_private_key(key).unwrap();
        Certificate {
            certified: Arc::new(CertifiedKey::new(Vec::new(), key)),
            hosts: names.iter().map(|name| (*name).to_owned()).collect(),
            staple: None,
            facts,
        }
    }

    const ECDSA: &rcgen::SignatureAlgorithm = &rcgen::PKCS_ECDSA_P256_SHA256;
    const RSA: &rcgen::SignatureAlgorithm = &rcgen::PKCS_RSA_SHA256;

    /// Which of the certificates a client gets, by its place.
    fn shown(
        certificates: &[Certificate],
        options: Options,
        name: Option<&str>,
        schemes: &[SignatureScheme],
    ) -> Option<usize> {
        let certificates: Vec<_> = certificates.iter().cloned().map(Arc::new).collect();
        let choice = Choice::new(&certificates, None, OcspStaplePolicy::LenientStapling, options);
        let can_use = |key: &CertifiedKey| key.key.choose_scheme(schemes).is_some();
        let chosen = choice.choose(name, can_use)?;
        choice.all.iter().position(|shown| std::ptr::eq(shown, chosen))
    }

    const BOTH: &[SignatureScheme] = &[SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::RSA_PSS_SHA256];
    const RSA_ONLY: &[SignatureScheme] = &[SignatureScheme::RSA_PSS_SHA256];

    #[test]
    fn a_name_gets_its_own_then_that_of_a_wildcard_then_the_first() {
        let certificates =
            [named(&["default.test"], ECDSA), named(&["*.a.test"], ECDSA), named(&["b.a.test", "c.test"], ECDSA)];
        for (name, place) in [
            ("default.test", 0),
            ("b.a.test", 2),
            ("x.a.test", 1),
            ("c.test", 2),
            // A wildcard stands for one label, and for no less (RFC 6125 §6.4.3).
            ("x.y.a.test", 0),
            ("a.test", 0),
            ("elsewhere.test", 0),
            ("test", 0),
        ] {
            assert_eq!(shown(&certificates, Options::default(), Some(name), BOTH), Some(place), "{name}");
        }
    }

    #[test]
    fn who_asks_for_no_name_gets_the_first_that_it_can_use_or_none_where_a_name_is_required() {
        let certificates = [named(&["a.test"], RSA), named(&["b.test"], ECDSA)];
        let required = Options { require_sni: true, ..Options::default() };
        assert_eq!(shown(&certificates, Options::default(), None, BOTH), Some(1));
        assert_eq!(shown(&certificates, Options::default(), None, RSA_ONLY), Some(0));
        assert_eq!(shown(&certificates, required, None, BOTH), None);
        assert_eq!(shown(&certificates, required, Some("b.test"), BOTH), Some(1));
    }

    #[test]
    fn of_two_for_one_name_the_client_gets_the_one_with_ecdsa_where_it_can() {
        for certificates in
            [[named(&["a.test"], RSA), named(&["a.test"], ECDSA)], [named(&["a.test"], ECDSA), named(&["a.test"], RSA)]]
        {
            let ecdsa = usize::from(certificates[0].certified.key.algorithm() == SignatureAlgorithm::RSA);
            assert_eq!(shown(&certificates, Options::default(), Some("a.test"), BOTH), Some(ecdsa));
            assert_eq!(shown(&certificates, Options::default(), Some("a.test"), RSA_ONLY), Some(1 - ecdsa));
        }
    }

    #[test]
    fn a_strange_name_gets_the_first_or_with_a_full_scan_the_first_that_the_client_can_use() {
        let certificates = [named(&["a.test"], ECDSA), named(&["b.test"], RSA)];
        let scan = Options { full_scan: true, ..Options::default() };
        assert_eq!(shown(&certificates, Options::default(), Some("x.test"), RSA_ONLY), Some(0));
        assert_eq!(shown(&certificates, scan, Some("x.test"), RSA_ONLY), Some(1));
        assert_eq!(shown(&certificates, scan, Some("x.test"), BOTH), Some(0));
    }

    #[test]
    fn what_was_shown_is_told_where_it_is_certain() {
        let issued = |name: &str| {
            let key = rcgen::KeyPair::generate().unwrap();
            let mut parameters = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
            parameters.distinguished_name = rcgen::DistinguishedName::new();
            let chain = vec![parameters.self_signed(&key).unwrap().der().clone()];
            let mut made = Certificate::clone(&named(&[name], ECDSA));
            made.certified = Arc::new(CertifiedKey { cert: chain, ..CertifiedKey::clone(&made.certified) });
            made
        };
        let other = |name: &str| Certificate { hosts: vec![name.to_owned()], ..issued("other.test") };
        let all = [
            issued("first.test"),
            issued("*.a.test"),
            issued("b.test"),
            issued("b.test"),
            issued("c.test"),
            other("c.test"),
        ];
        let all = all.map(Arc::new);
        let choice = Choice::new(&all, None, OcspStaplePolicy::LenientStapling, Options::default());
        let told = |name| choice.told(name).map(|told| told.hosts.join(","));
        assert_eq!(told(Some("X.a.test")).as_deref(), Some("*.a.test"));
        assert_eq!(told(Some("b.test")).as_deref(), Some("b.test"));
        assert_eq!(told(Some("elsewhere.test")).as_deref(), Some("first.test"));
        for uncertain in [Some("c.test"), None] {
            assert_eq!(told(uncertain), None, "{uncertain:?}");
        }
    }

    #[test]
    fn a_key_needs_a_scheme_and_a_suite() {
        let [ecdsa, rsa] = [ECDSA, RSA].map(|algorithm| named(&[], algorithm).certified);
        let tls13 = [CipherSuite::TLS13_AES_128_GCM_SHA256];
        for (key, suites, other) in [(&ecdsa, TLS12_ECDSA, TLS12_RSA), (&rsa, TLS12_RSA, TLS12_ECDSA)] {
            assert!(can_use(key, BOTH, &suites));
            assert!(!can_use(key, BOTH, &other));
            assert!(can_use(key, BOTH, &tls13));
            assert!(can_use(key, BOTH, &[other.as_slice(), &tls13].concat()));
        }
        assert!(!can_use(&ecdsa, RSA_ONLY, &tls13));
    }
}
