//! A `CertificateValidationContext` as written to one as it runs.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};

use super::authorities::{Authorities, of_the_system};
use super::crl::Crls;
use super::names::Names;
use super::pins::Pins;
use super::{Rules, Shared, Validation};
use crate::config::proto::envoy::config::core::v3::DataSource;
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::CertificateValidationContext;
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::certificate_validation_context::TrustChainVerification;
use crate::config::values::watched_data_source;
use crate::config::{At, Invalid};
use crate::tls::sessions::Scope;

/// What a message asks for. It need not be complete: what refers to it may add to it.
pub(super) fn build(written: &CertificateValidationContext, at: At<'_>) -> Result<Shared, Invalid> {
    let algorithms = default_provider().signature_verification_algorithms;
    let certificates = trusted(written, at);
    let crls = crls(written, at);
    let names = Names::build(&written.match_typed_subject_alt_names, at);
    let pins = Pins::build(&written.verify_certificate_hash, &written.verify_certificate_spki, at);
    let (certificates, crls, names, pins) = (certificates?, crls?, names?, pins?);
    let authorities = certificates.map(|(certificates, path)| {
        Authorities::new(certificates, &algorithms).map_err(|(number, error)| {
            let number = number + 1;
            at.field("trusted_ca").error(format_args!("certificate {number} in `{path}` cannot be read: {error}"))
        })
    });
    let authorities = authorities.transpose()?;
    let rules = Rules {
        allow_expired: written.allow_expired_certificate,
        accept_untrusted: written.trust_chain_verification() == TrustChainVerification::AcceptUntrusted,
        max_depth: written.max_verify_depth.map(|depth| usize::try_from(depth).unwrap_or(usize::MAX)),
        hints: !written.suppress_client_ca_list && written.trusted_ca.is_some(),
    };
    remarks(written, at);
    let scope = scope(authorities.as_ref(), &crls, (authorities.is_some(), crls.leaf_only, &names, &pins, rules));
    Ok(Arc::new(Validation { authorities, crls, names, pins, rules, algorithms, scope }))
}

/// Everything that is asked.
fn scope(authorities: Option<&Authorities>, crls: &Crls, rest: impl std::fmt::Debug) -> Scope {
    let mut scope = Scope::default();
    for certificate in authorities.iter().flat_map(|authorities| authorities.certificates()) {
        scope.bind("authority", certificate);
    }
    for list in crls.written() {
        scope.bind("revocation list", list);
    }
    scope.bind("rest", format!("{rest:?}"));
    scope
}

type Trusted = (Vec<CertificateDer<'static>>, String);

fn trusted(written: &CertificateValidationContext, at: At<'_>) -> Result<Option<Trusted>, Invalid> {
    let Some(source) = &written.trusted_ca else {
        if written.system_root_certs.is_none() {
            return Ok(None);
        }
        let system = of_the_system();
        if system.is_empty() {
            at.field("system_root_certs").lint(
                "the system has no authorities that can be found, so nobody is believed: install `ca-certificates`, or set `trusted_ca`",
            );
        }
        return Ok(Some((system, "the system".to_owned())));
    };
    let (certificates, path) = pem::<CertificateDer<'static>>(source, at.field("trusted_ca"), "certificate")?;
    Ok(Some((certificates, path)))
}

fn crls(written: &CertificateValidationContext, at: At<'_>) -> Result<Crls, Invalid> {
    let Some(source) = &written.crl else { return Ok(Crls::default()) };
    let at = at.field("crl");
    let (lists, path) = pem::<CertificateRevocationListDer<'static>>(source, at, "X509 CRL")?;
    let lists: Vec<_> = lists.iter().map(|list| list.as_ref().to_vec()).collect();
    let built = Crls::new(lists, written.only_verify_leaf_cert_crl).map_err(|(number, error)| {
        let number = number + 1;
        at.error(format_args!("revocation list {number} in `{path}` cannot be used: {error}"))
    })?;
    if built.some_outdated(rustls::pki_types::UnixTime::now()) {
        at.lint(format_args!(
            "`{path}` holds a revocation list that is out of date: no certificate of its issuer is believed"
        ));
    }
    Ok(built)
}

/// Everything of one kind in a PEM file; `label` is how the kind is written there (RFC 7468).
fn pem<T: PemObject>(source: &DataSource, at: At<'_>, label: &str) -> Result<(Vec<T>, String), Invalid> {
    let (pem, path) = watched_data_source(source, at)?;
    let read: Result<Vec<T>, _> = T::pem_slice_iter(&pem).collect();
    let read = read.map_err(|error| at.error(format_args!("`{path}` is not PEM: {error}")))?;
    if read.is_empty() {
        let label = label.to_ascii_uppercase();
        let kind = if label == "CERTIFICATE" { "certificate" } else { "revocation list" };
        return Err(at.error(format_args!("`{path}` holds no {kind}: it needs `-----BEGIN {label}-----`")));
    }
    Ok((read, path))
}

/// What says nothing without an authority is refused, as Envoy refuses it: it would seem to protect.
pub(super) fn without_authority(written: &CertificateValidationContext, at: At<'_>) -> Result<(), Invalid> {
    if written.trusted_ca.is_some() || written.system_root_certs.is_some() {
        return Ok(());
    }
    let mut outcome = Ok(());
    for (field, set, why) in [
        (
            "match_typed_subject_alt_names",
            !written.match_typed_subject_alt_names.is_empty(),
            "anyone can make a certificate with any name",
        ),
        ("crl", written.crl.is_some(), "nobody knows who may revoke"),
        (
            "allow_expired_certificate",
            written.allow_expired_certificate,
            "nothing else is asked of a certificate's life",
        ),
    ] {
        if set {
            outcome = Err(at.field(field).error(format_args!("needs `trusted_ca` beside it: without one {why}")));
        }
    }
    outcome
}

fn remarks(written: &CertificateValidationContext, at: At<'_>) {
    let has_authority = written.trusted_ca.is_some() || written.system_root_certs.is_some();
    if written.trusted_ca.is_some() && written.system_root_certs.is_some() {
        at.field("system_root_certs").no_effect("`system_root_certs` has no effect beside `trusted_ca`");
    }
    if written.only_verify_leaf_cert_crl && written.crl.is_none() {
        at.field("only_verify_leaf_cert_crl").no_effect("`only_verify_leaf_cert_crl` has no effect without `crl`");
    }
    match written.max_verify_depth {
        Some(_) if !has_authority => {
            at.field("max_verify_depth").no_effect("`max_verify_depth` has no effect without `trusted_ca`");
        }
        Some(depth) if depth > MAX_DEPTH => at
            .field("max_verify_depth")
            .no_effect(format_args!("no chain is followed further than {MAX_DEPTH} certificates above the leaf")),
        _ => {}
    }
    if written.trust_chain_verification() == TrustChainVerification::AcceptUntrusted {
        at.field("trust_chain_verification")
            .lint("certificates that are not believed are let pass: whoever is served must not depend on them");
    }
}

/// Six links and the authority: what webpki follows.
const MAX_DEPTH: u32 = 7;
