//! A certificate chain with its key: in PEM, or as PKCS#12.

mod distinguished;
mod facts;
mod key;
mod ocsp;
mod pkcs12;
mod shown;

use std::sync::Arc;
use std::time::SystemTime;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::rotation::Material;
use crate::config::proto::envoy::config::core::v3::{DataSource, WatchedDirectory};
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::{TlsCertificate, secret::Type};
use crate::config::values::watched_data_source;
use crate::config::{At, Invalid};

pub use facts::CertificateFacts;
pub(super) use ocsp::Staple;
pub use shown::shown;

/// A certificate, ready for handshakes.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    /// The chain, the leaf first, and the key, as rustls takes them; without the staple.
    pub(super) certified: Arc<CertifiedKey>,
    /// The host names that clients get it for, in lower case.
    pub(super) hosts: Vec<String>,
    /// What its issuer says of it.
    pub(super) staple: Option<Staple>,
    pub(super) facts: CertificateFacts,
}

impl Material for Certificate {
    type Written = TlsCertificate;

    const FIELD: &'static str = "tls_certificate";
    const NAME: &'static str = "a certificate";

    fn of(secret: &Type) -> Option<&TlsCertificate> {
        match secret {
            Type::TlsCertificate(written) => Some(written),
            _ => None,
        }
    }

    fn load(written: &TlsCertificate, at: At<'_>) -> Result<Self, Invalid> {
        load(written, at)
    }

    fn files(written: &TlsCertificate) -> (Vec<&DataSource>, Option<&WatchedDirectory>) {
        let sources = [
            &written.certificate_chain,
            &written.private_key,
            &written.pkcs12,
            &written.password,
            &written.ocsp_staple,
        ];
        (sources.into_iter().flatten().collect(), written.watched_directory.as_ref())
    }
}

/// Reads a chain and its key and holds them against each other.
///
/// # Errors
/// [`Invalid`] where one of them cannot be read, or they do not belong together.
fn load(written: &TlsCertificate, at: At<'_>) -> Result<Certificate, Invalid> {
    let read = if written.pkcs12.is_some() { pkcs12::read(written, at) } else { pem(written, at) };
    let staple = written.ocsp_staple.as_ref().map(|staple| watched_data_source(staple, at.field("ocsp_staple")));
    let (read, staple) = (read?, staple.transpose()?);
    let at_chain = at.field(read.chain_field);
    let leaf = read.chain.first().ok_or_else(|| at_chain.given_up())?;
    let path = &read.chain_path;
    let leaf = facts::parse(leaf, path)
        .map_err(|error| at_chain.error(format_args!("the certificate in `{path}` cannot be read: {error}")))?;
    if let Some(remark) = facts::lifetime_remark(&leaf.facts, SystemTime::now()) {
        at_chain.lint(format_args!("the certificate in `{path}` {remark}"));
    }
    let (at_key, key_path) = (at.field(read.key_field), &read.key_path);
    let key = default_provider()
        .key_provider
        .load_private_key(read.key)
        .map_err(|error| at_key.error(format_args!("the key in `{key_path}` cannot be used: {error}")))?;
    // Compared here and not by rustls, which refuses X.509 version 1: such certificates are old, not broken.
    if key.public_key().is_some_and(|public| *public != *leaf.public_key) {
        let message = format!("the key in `{key_path}` does not belong to the certificate in `{path}`");
        return Err(at_key.error(message));
    }
    let staple = staple.map(|(response, path)| ocsp::read(response, &path, &leaf.serial, at.field("ocsp_staple")));
    let certified = Arc::new(CertifiedKey::new(read.chain, key));
    Ok(Certificate { certified, hosts: leaf.hosts, staple: staple.transpose()?, facts: leaf.facts })
}

/// A chain and a key as they were read, and from where.
struct Read {
    /// The leaf first; at least that.
    chain: Vec<CertificateDer<'static>>,
    chain_path: String,
    chain_field: &'static str,
    key: PrivateKeyDer<'static>,
    key_path: String,
    key_field: &'static str,
}

fn pem(written: &TlsCertificate, at: At<'_>) -> Result<Read, Invalid> {
    let chain = at.required("certificate_chain", written.certificate_chain.as_ref());
    let key = at.required("private_key", written.private_key.as_ref());
    let chain = chain.and_then(|written| chain_of(written, at.field("certificate_chain")));
    let key = key.and_then(|key| key::read(key, written.password.as_ref(), at));
    let ((chain, chain_path), (key, key_path)) = (chain?, key?);
    Ok(Read { chain, chain_path, chain_field: "certificate_chain", key, key_path, key_field: "private_key" })
}

fn chain_of(written: &DataSource, at: At<'_>) -> Result<(Vec<CertificateDer<'static>>, String), Invalid> {
    let (pem, path) = watched_data_source(written, at)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let certificates = certificates.map_err(|error| at.error(format_args!("`{path}` is not PEM: {error}")))?;
    if certificates.is_empty() {
        return Err(at.error(format_args!("`{path}` holds no certificate: it needs `-----BEGIN CERTIFICATE-----`")));
    }
    Ok((certificates, path))
}
