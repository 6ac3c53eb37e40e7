//! A key with its chain in one file: PKCS#12 (RFC 7292).

use p12_keystore::Pkcs12Archive;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::Read;
use super::key::password;
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::TlsCertificate;
use crate::config::values::watched_data_source;
use crate::config::{At, Invalid};

/// Reads the first key and the chain of its certificate.
pub(super) fn read(written: &TlsCertificate, at: At<'_>) -> Result<Read, Invalid> {
    for (field, is_set) in
        [("certificate_chain", written.certificate_chain.is_some()), ("private_key", written.private_key.is_some())]
    {
        if is_set {
            return Err(at.field(field).error(format_args!("`{field}` and `pkcs12` exclude each other")));
        }
    }
    let source = at.required("pkcs12", written.pkcs12.as_ref())?;
    let password = written.password.as_ref().map(|written| password(written, at.field("password"))).transpose()?;
    let at = at.field("pkcs12");
    let (bytes, path) = watched_data_source(source, at)?;
    let archive = Pkcs12Archive::from_pkcs12(&bytes, &password.unwrap_or_default()).map_err(|error| {
        at.error(format_args!("`{path}` cannot be read as PKCS#12: {error}. Is it another `password`?"))
    })?;
    let key = archive.keys.first().ok_or_else(|| at.error(format_args!("`{path}` holds no private key")))?;
    let mut others: Vec<_> = archive.certs.iter().collect();
    // Where ids say nothing, the leaf comes first.
    let id = key.local_key_id.as_ref().map(AsRef::as_ref);
    let of_key = others.iter().position(|bag| id.is_some() && bag.local_key_id.as_deref() == id);
    if others.is_empty() {
        return Err(at.error(format_args!("`{path}` holds no certificate")));
    }
    let mut last = others.remove(of_key.unwrap_or(0));
    let mut chain = vec![CertificateDer::from(last.cert.as_der().to_vec())];
    while last.cert.issuer() != last.cert.subject()
        && let Some(issuer) = others.iter().position(|bag| bag.cert.subject() == last.cert.issuer())
    {
        last = others.remove(issuer);
        chain.push(CertificateDer::from(last.cert.as_der().to_vec()));
    }
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.key.as_der().to_vec()));
    Ok(Read { chain, chain_path: path.clone(), chain_field: "pkcs12", key, key_path: path, key_field: "pkcs12" })
}
