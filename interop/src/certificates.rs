//! A certificate authority of this run and a certificate for `localhost`.

use std::{fs, io, path::Path};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};

/// Writes `ca.crt`, `server.crt` and `server.key` into `directory`.
pub(crate) fn write(directory: &Path) -> io::Result<()> {
    let made = make().map_err(io::Error::other)?;
    fs::write(directory.join("ca.crt"), made.authority)?;
    fs::write(directory.join("server.crt"), made.certificate)?;
    fs::write(directory.join("server.key"), made.key)
}

/// Each in PEM.
struct Made {
    authority: String,
    certificate: String,
    key: String,
}

fn make() -> Result<Made, rcgen::Error> {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    parameters.distinguished_name.push(DnType::CommonName, "Quicgate interop");
    let authority = CertifiedIssuer::self_signed(parameters, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(["localhost".to_owned()])?.signed_by(&key, &authority)?;
    Ok(Made { authority: authority.pem(), certificate: certificate.pem(), key: key.serialize_pem() })
}
