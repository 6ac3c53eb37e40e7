//! `TlsParameters`: the versions, cipher suites, groups and signatures of a context, as rustls takes them.
//!
//! Names are those of OpenSSL and Envoy. What the list of an older configuration names and rustls does not have, CBC suites for
//! one, is left out with a remark; where nothing is left no handshake would be possible, which is an error.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs::{cipher_suite, default_provider, kx_group};
use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::{SignatureScheme, SupportedCipherSuite, SupportedProtocolVersion, version};

use super::Transport;
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::{
    TlsParameters,
    tls_parameters::{CompliancePolicy, TlsProtocol},
};
use crate::config::{At, Invalid};

/// What a handshake may use.
#[derive(Clone, Debug)]
pub(super) struct Params {
    /// With the suites and groups, the preferred first.
    pub(super) provider: Arc<CryptoProvider>,
    pub(super) versions: Vec<&'static SupportedProtocolVersion>,
    /// Those that this side may sign with; `None` for all.
    pub(super) schemes: Option<Arc<[SignatureScheme]>>,
}

/// The parameters of a context on `transport`.
pub(super) fn params(written: Option<&TlsParameters>, transport: Transport, at: At<'_>) -> Result<Params, Invalid> {
    let absent = TlsParameters::default();
    let written = written.unwrap_or(&absent);
    if let Some(policy) = written.compliance_policies.first() {
        return policy_params(*policy, written, transport, at);
    }
    let versions = versions(written, transport, at);
    let suites = suites(written, transport, at);
    let groups = groups(&written.ecdh_curves, at.field("ecdh_curves"));
    let schemes = schemes(&written.signature_algorithms, at.field("signature_algorithms"));
    let (cipher_suites, kx_groups) = (suites?, groups?);
    let provider = Arc::new(CryptoProvider { cipher_suites, kx_groups, ..default_provider() });
    Ok(Params { provider, versions: versions?, schemes: schemes? })
}

/// The versions of TLS that a context allows on `transport`.
fn versions(
    written: &TlsParameters,
    transport: Transport,
    at: At<'_>,
) -> Result<Vec<&'static SupportedProtocolVersion>, Invalid> {
    let (min, max) = (written.tls_minimum_protocol_version(), written.tls_maximum_protocol_version());
    for (field, value) in [("tls_minimum_protocol_version", min), ("tls_maximum_protocol_version", max)] {
        if matches!(value, TlsProtocol::TlSv10 | TlsProtocol::TlSv11) {
            return Err(at.field(field).not_implemented());
        }
    }
    if matches!(transport, Transport::Quic { .. }) {
        // RFC 9001 §4.2: QUIC needs TLS 1.3.
        if max == TlsProtocol::TlSv12 {
            return Err(at
                .field("tls_maximum_protocol_version")
                .error("QUIC needs TLS 1.3: leave the maximum out or set TLSv1_3"));
        }
        return Ok(vec![&version::TLS13]);
    }
    if min == TlsProtocol::TlSv13 && max == TlsProtocol::TlSv12 {
        return Err(at.field("tls_minimum_protocol_version").error("is above `tls_maximum_protocol_version`"));
    }
    let mut versions = Vec::new();
    if min != TlsProtocol::TlSv13 {
        versions.push(&version::TLS12);
    }
    if max != TlsProtocol::TlSv12 {
        versions.push(&version::TLS13);
    }
    Ok(versions)
}

/// The suites that are named, those of TLS 1.2, and all of TLS 1.3, which has no weak ones: no program lets them be chosen.
fn suites(written: &TlsParameters, transport: Transport, at: At<'_>) -> Result<Vec<SupportedCipherSuite>, Invalid> {
    let names = &written.cipher_suites;
    if names.is_empty() {
        return Ok(default_provider().cipher_suites);
    }
    let at = at.field("cipher_suites");
    if matches!(transport, Transport::Quic { .. }) || written.tls_minimum_protocol_version() == TlsProtocol::TlSv13 {
        at.no_effect(
            "`cipher_suites` has no effect: those of TLS 1.3, which alone is spoken here, are always all offered",
        );
    }
    let mut chosen = TLS13.to_vec();
    for (at, name) in at.items("", names) {
        // In brackets stand suites of equal rank, between which the client chooses.
        for name in name.trim_matches(['[', ']']).split(['|', ':']) {
            match TLS12.iter().find(|(known, _)| *known == name) {
                Some((_, suite)) if !chosen.contains(suite) => chosen.push(*suite),
                Some(_) => {}
                None => at.no_effect(format_args!(
                    "`{name}` has no effect: it is not offered. Suites of TLS 1.2 that are: {}",
                    list(&TLS12)
                )),
            }
        }
    }
    if chosen.len() == TLS13.len() && written.tls_maximum_protocol_version() == TlsProtocol::TlSv12 {
        return Err(at.error(format_args!("none of them is offered: name one of {}", list(&TLS12))));
    }
    Ok(chosen)
}

fn groups(names: &[String], at: At<'_>) -> Result<Vec<&'static dyn SupportedKxGroup>, Invalid> {
    if names.is_empty() {
        return Ok(default_provider().kx_groups);
    }
    let mut chosen: Vec<&'static dyn SupportedKxGroup> = Vec::new();
    for (at, name) in at.items("", names) {
        match GROUPS.iter().find(|(known, _)| known.contains(&name.as_str())) {
            Some((_, group)) if chosen.iter().any(|known| known.name() == group.name()) => {}
            Some((_, group)) => chosen.push(*group),
            None => at.no_effect(format_args!(
                "`{name}` has no effect: it is not offered. Groups that are: X25519MLKEM768, X25519, P-256, P-384"
            )),
        }
    }
    if chosen.is_empty() {
        return Err(at.error("none of them is offered: name one of X25519MLKEM768, X25519, P-256, P-384"));
    }
    Ok(chosen)
}

fn schemes(names: &[String], at: At<'_>) -> Result<Option<Arc<[SignatureScheme]>>, Invalid> {
    if names.is_empty() {
        return Ok(None);
    }
    let mut chosen = Vec::new();
    for (at, name) in at.items("", names) {
        match SCHEMES.iter().find(|(known, _)| known == name) {
            Some((_, scheme)) => chosen.push(*scheme),
            None => at.no_effect(format_args!(
                "`{name}` has no effect: nothing is signed with it. Algorithms that are used: {}",
                list(&SCHEMES)
            )),
        }
    }
    if chosen.is_empty() {
        return Err(at.error(format_args!("none of them is used: name one of {}", list(&SCHEMES))));
    }
    Ok(Some(chosen.into()))
}

/// What a policy stands for: it takes the place of the single parameters, as in Envoy.
fn policy_params(policy: i32, written: &TlsParameters, transport: Transport, at: At<'_>) -> Result<Params, Invalid> {
    let others = [
        ("cipher_suites", !written.cipher_suites.is_empty()),
        ("ecdh_curves", !written.ecdh_curves.is_empty()),
        ("signature_algorithms", !written.signature_algorithms.is_empty()),
    ];
    for (field, _) in others.into_iter().filter(|(_, is_set)| *is_set) {
        at.field(field).no_effect(format_args!("`{field}` has no effect beside `compliance_policies`"));
    }
    let versions = versions(written, transport, at)?;
    let only = match CompliancePolicy::try_from(policy) {
        Ok(CompliancePolicy::Fips202205) => &FIPS,
        Ok(CompliancePolicy::Cnsa1202603) => &CNSA1,
        // ML-KEM-1024 and ML-DSA-87.
        Ok(CompliancePolicy::Cnsa2202603) | Err(_) => return Err(at.item("compliance_policies", 0).not_implemented()),
    };
    let provider =
        CryptoProvider { cipher_suites: only.suites.to_vec(), kx_groups: only.groups.to_vec(), ..default_provider() };
    Ok(Params { provider: Arc::new(provider), versions, schemes: Some(only.schemes.into()) })
}

fn list<T>(known: &[(&str, T)]) -> String {
    known.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

const TLS13: [SupportedCipherSuite; 3] = [
    cipher_suite::TLS13_AES_256_GCM_SHA384,
    cipher_suite::TLS13_AES_128_GCM_SHA256,
    cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
];

const TLS12: [(&str, SupportedCipherSuite); 6] = [
    ("ECDHE-ECDSA-AES128-GCM-SHA256", cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    ("ECDHE-ECDSA-AES256-GCM-SHA384", cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
    ("ECDHE-ECDSA-CHACHA20-POLY1305", cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
    ("ECDHE-RSA-AES128-GCM-SHA256", cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
    ("ECDHE-RSA-AES256-GCM-SHA384", cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
    ("ECDHE-RSA-CHACHA20-POLY1305", cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
];

/// Each with its names.
static GROUPS: [(&[&str], &dyn SupportedKxGroup); 4] = [
    (&["X25519MLKEM768"], kx_group::X25519MLKEM768),
    (&["X25519", "x25519"], kx_group::X25519),
    (&["P-256", "prime256v1", "secp256r1"], kx_group::SECP256R1),
    (&["P-384", "secp384r1"], kx_group::SECP384R1),
];

const SCHEMES: [(&str, SignatureScheme); 10] = [
    ("ecdsa_secp256r1_sha256", SignatureScheme::ECDSA_NISTP256_SHA256),
    ("ecdsa_secp384r1_sha384", SignatureScheme::ECDSA_NISTP384_SHA384),
    ("ecdsa_secp521r1_sha512", SignatureScheme::ECDSA_NISTP521_SHA512),
    ("ed25519", SignatureScheme::ED25519),
    ("rsa_pss_rsae_sha256", SignatureScheme::RSA_PSS_SHA256),
    ("rsa_pss_rsae_sha384", SignatureScheme::RSA_PSS_SHA384),
    ("rsa_pss_rsae_sha512", SignatureScheme::RSA_PSS_SHA512),
    ("rsa_pkcs1_sha256", SignatureScheme::RSA_PKCS1_SHA256),
    ("rsa_pkcs1_sha384", SignatureScheme::RSA_PKCS1_SHA384),
    ("rsa_pkcs1_sha512", SignatureScheme::RSA_PKCS1_SHA512),
];

struct Policy {
    suites: &'static [SupportedCipherSuite],
    groups: &'static [&'static dyn SupportedKxGroup],
    schemes: &'static [SignatureScheme],
}

/// What NIST SP 800-52r2 allows, as the policy of this name in Envoy has it.
static FIPS: Policy = Policy {
    suites: &[
        cipher_suite::TLS13_AES_128_GCM_SHA256,
        cipher_suite::TLS13_AES_256_GCM_SHA384,
        cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ],
    groups: &[kx_group::SECP256R1, kx_group::SECP384R1],
    schemes: &[
        SignatureScheme::RSA_PKCS1_SHA256,
        SignatureScheme::RSA_PKCS1_SHA384,
        SignatureScheme::RSA_PKCS1_SHA512,
        SignatureScheme::ECDSA_NISTP256_SHA256,
        SignatureScheme::ECDSA_NISTP384_SHA384,
        SignatureScheme::RSA_PSS_SHA256,
        SignatureScheme::RSA_PSS_SHA384,
        SignatureScheme::RSA_PSS_SHA512,
    ],
};

/// The Commercial National Security Algorithm Suite 1.0: AES-256, P-384, SHA-384.
static CNSA1: Policy = Policy {
    suites: &[
        cipher_suite::TLS13_AES_256_GCM_SHA384,
        cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ],
    groups: &[kx_group::SECP384R1],
    schemes: &[
        SignatureScheme::ECDSA_NISTP384_SHA384,
        SignatureScheme::RSA_PSS_SHA384,
        SignatureScheme::RSA_PKCS1_SHA384,
    ],
};
