//! A private key in PEM, in clear or under a password (PKCS#8).

use pkcs8::EncryptedPrivateKeyInfoRef;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::config::proto::envoy::config::core::v3::DataSource;
use crate::config::values::watched_data_source;
use crate::config::{At, Invalid};

/// Reads a key, and tells from where; `at` stands on the certificate.
pub(super) fn read(
    written: &DataSource,
    password: Option<&DataSource>,
    at: At<'_>,
) -> Result<(PrivateKeyDer<'static>, String), Invalid> {
    let at_key = at.field("private_key");
    let (pem, path) = watched_data_source(written, at_key)?;
    let text = String::from_utf8_lossy(&pem);
    if !text.contains(ENCRYPTED) {
        if password.is_some() {
            at.field("password")
                .no_effect(format_args!("the key in `{path}` is not encrypted: the password has no effect"));
        }
        let key = PrivateKeyDer::from_pem_slice(&pem)
            .map_err(|error| at_key.error(format_args!("`{path}` holds no private key in PEM: {error}")))?;
        return Ok((key, path));
    }
    let Some(password) = password else {
        return Err(at_key.error(format_args!("the key in `{path}` is encrypted: set `password` beside it")));
    };
    let password = self::password(password, at.field("password"))?;
    let (_, document) = pkcs8::SecretDocument::from_pem(text.trim_start())
        .map_err(|error| at_key.error(format_args!("`{path}` holds no private key in PEM: {error}")))?;
    let key = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes()).and_then(|key| key.decrypt(password));
    let key = key.map_err(|error| {
        at_key.error(format_args!("the key in `{path}` cannot be decrypted: {error}. Is it another password?"))
    })?;
    Ok((PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into(), path))
}

/// A password; a line break at the end is not of it.
pub(super) fn password(written: &DataSource, at: At<'_>) -> Result<String, Invalid> {
    let (bytes, path) = watched_data_source(written, at)?;
    let text = String::from_utf8(bytes).map_err(|_| at.error(format_args!("the password in `{path}` is not UTF-8")))?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

/// RFC 7468 §11.
const ENCRYPTED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
