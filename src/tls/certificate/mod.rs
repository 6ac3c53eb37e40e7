//! A certificate chain with its key: in PEM, or as PKCS#12.

mod distinguished;
mod facts;
mod key;
mod ocsp;
mod pkcs12;
mod shown;

use std::sync::Arc;
use std::time::SystemTime;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey};

use crate::config::proto::envoy::config::core::v3::DataSource;
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::TlsCertificate;
use crate::config::values::data_source;
use crate::config::{At, Invalid};

pub use facts::CertificateFacts;
pub(super) use ocsp::Staple;
pub use shown::shown;

/// A certificate, ready for handshakes.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    /// The chain, the leaf first.
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: Arc<dyn SigningKey>,
    /// The host names that clients get it for, in lower case.
    pub(super) hosts: Vec<String>,
    /// What its issuer says of it.
    pub(super) staple: Option<Staple>,
    pub(super) facts: CertificateFacts,
}

impl Certificate {
    /// As rustls takes it, without the staple.
    pub(super) fn certified(&self) -> CertifiedKey {
        CertifiedKey::new(self.chain.clone(), Arc::clone(&self.key))
    }
}

/// Reads a chain and its key and holds them against each other.
///
/// # Errors
/// [`Invalid`] where one of them cannot be read, or they do not belong together.
pub(super) fn load(written: &TlsCertificate, provider: &CryptoProvider, at: At<'_>) -> Result<Certificate, Invalid> {
    let read = if written.pkcs12.is_some() { pkcs12::read(written, at) } else { pem(written, at) };
    let staple = written.ocsp_staple.as_ref().map(|staple| data_source(staple, at.field("ocsp_staple")));
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
    let key = provider
        .key_provider
        .load_private_key(read.key)
        .map_err(|error| at_key.error(format_args!("the key in `{key_path}` cannot be used: {error}")))?;
    // Compared here and not by rustls, which refuses X.509 version 1: such certificates are old, not broken.
    if key.public_key().is_some_and(|public| *public != *leaf.public_key) {
        let message = format!("the key in `{key_path}` does not belong to the certificate in `{path}`");
        return Err(at_key.error(message));
    }
    let staple = staple.map(|(response, path)| ocsp::read(response, &path, &leaf.serial, at.field("ocsp_staple")));
    Ok(Certificate { chain: read.chain, key, hosts: leaf.hosts, staple: staple.transpose()?, facts: leaf.facts })
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
    let (pem, path) = data_source(written, at)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let certificates = certificates.map_err(|error| at.error(format_args!("`{path}` is not PEM: {error}")))?;
    if certificates.is_empty() {
        return Err(at.error(format_args!("`{path}` holds no certificate: it needs `-----BEGIN CERTIFICATE-----`")));
    }
    Ok((certificates, path))
}
