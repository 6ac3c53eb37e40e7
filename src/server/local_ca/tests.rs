//! What `ensure` makes, keeps, renews and refuses.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustls::{
    CertificateError, RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};

use super::*;

#[test]
fn the_first_start_makes_everything_and_the_second_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let certs = dir.path().join("state/certs");
    let first = ensure(&certs, &Names::loopback(), start()).unwrap();
    assert_eq!(first.made, Made::Everything);
    let content = content_of(&certs);
    let second = ensure(&certs, &Names::loopback(), start() + DAY).unwrap();
    assert_eq!(second, LocalCa { made: Made::Nothing, ..first });
    assert_eq!(content_of(&certs), content);
}

#[test]
fn keys_are_for_their_owner_only_and_nothing_else_is_left() {
    let dir = tempfile::tempdir().unwrap();
    ensure(dir.path(), &Names::loopback(), start()).unwrap();
    let mode = |name: &str| fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("ca.key"), mode("localhost.key")), (0o600, 0o600));
    let mut names: Vec<_> =
        fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, [".lock", "ca.crt", "ca.key", "localhost.crt", "localhost.key"]);
}

#[test]
fn the_leaf_lives_at_most_90_days_and_is_renewed_in_its_last_third() {
    let dir = tempfile::tempdir().unwrap();
    let first = ensure(dir.path(), &Names::loopback(), start()).unwrap();
    assert!(first.leaf_not_after <= start() + 90 * DAY);
    assert_eq!(ensure(dir.path(), &Names::loopback(), start() + 59 * DAY).unwrap().made, Made::Nothing);
    let ca = fs::read(&first.ca_cert).unwrap();
    let renewed = ensure(dir.path(), &Names::loopback(), start() + 60 * DAY).unwrap();
    assert_eq!(renewed.made, Made::Leaf);
    assert!(renewed.leaf_not_after > first.leaf_not_after);
    assert_eq!(fs::read(&first.ca_cert).unwrap(), ca);
}

#[test]
fn the_ca_is_renewed_before_a_leaf_could_outlive_it() {
    let dir = tempfile::tempdir().unwrap();
    ensure(dir.path(), &Names::loopback(), start()).unwrap();
    assert_eq!(ensure(dir.path(), &Names::loopback(), start() + 3500 * DAY).unwrap().made, Made::Leaf);
    assert_eq!(ensure(dir.path(), &Names::loopback(), start() + 3600 * DAY).unwrap().made, Made::Everything);
}

#[test]
fn a_clock_set_back_makes_what_is_valid_then() {
    let dir = tempfile::tempdir().unwrap();
    ensure(dir.path(), &Names::loopback(), start()).unwrap();
    assert_eq!(ensure(dir.path(), &Names::loopback(), start() - 10 * DAY).unwrap().made, Made::Everything);
}

#[test]
fn what_is_missing_broken_or_foreign_is_made_anew() {
    let other = tempfile::tempdir().unwrap();
    ensure(other.path(), &Names::loopback(), start()).unwrap();
    let from_other = |name: &str| fs::read(other.path().join(name)).ok();
    let table = [
        ("localhost.crt", None, Made::Leaf),
        ("localhost.key", None, Made::Leaf),
        ("localhost.crt", Some(b"not PEM".to_vec()), Made::Leaf),
        ("localhost.key", Some(b"-----BEGIN PRIVATE KEY-----\nAAAA\n".to_vec()), Made::Leaf),
        ("localhost.key", from_other("localhost.key"), Made::Leaf),
        ("localhost.crt", from_other("localhost.crt"), Made::Leaf),
        ("ca.crt", None, Made::Everything),
        ("ca.crt", Some(b"".to_vec()), Made::Everything),
        ("ca.crt", from_other("ca.crt"), Made::Everything),
        ("ca.key", None, Made::Nothing),
    ];
    for (name, content, made) in table {
        let dir = tempfile::tempdir().unwrap();
        ensure(dir.path(), &Names::loopback(), start()).unwrap();
        let path = dir.path().join(name);
        match &content {
            Some(content) => fs::write(&path, content).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        assert_eq!(ensure(dir.path(), &Names::loopback(), start()).unwrap().made, made, "{name} {content:?}");
        assert_eq!(ensure(dir.path(), &Names::loopback(), start()).unwrap().made, Made::Nothing, "{name} {content:?}");
    }
}

#[test]
fn without_its_key_the_ca_goes_when_the_leaf_must() {
    let dir = tempfile::tempdir().unwrap();
    ensure(dir.path(), &Names::loopback(), start()).unwrap();
    fs::remove_file(dir.path().join("ca.key")).unwrap();
    assert_eq!(ensure(dir.path(), &Names::loopback(), start() + 70 * DAY).unwrap().made, Made::Everything);
}

#[test]
fn an_authority_of_somebody_else_is_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let theirs = rcgen::generate_simple_self_signed(["example.com".to_owned()]).unwrap();
    let path = dir.path().join("ca.crt");
    fs::write(&path, theirs.cert.pem()).unwrap();
    let error = ensure(dir.path(), &Names::loopback(), start()).unwrap_err();
    assert!(matches!(&error, LocalCaError::ForeignAuthority { path: named } if *named == path));
    assert!(error.to_string().contains("--state-dir"));
    assert_eq!(fs::read_to_string(&path).unwrap(), theirs.cert.pem());
}

#[test]
fn a_leftover_of_a_killed_process_is_no_obstacle() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(".localhost.key.new"), "half a k").unwrap();
    assert_eq!(ensure(dir.path(), &Names::loopback(), start()).unwrap().made, Made::Everything);
    assert!(!dir.path().join(".localhost.key.new").exists());
}

#[test]
fn a_directory_that_cannot_be_made_is_named_with_a_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a-file");
    fs::write(&file, "").unwrap();
    let error = ensure(&file.join("certs"), &Names::loopback(), start()).unwrap_err();
    assert!(error.to_string().contains(&file.display().to_string()), "{error}");
}

#[test]
fn what_serves_is_used_when_it_cannot_be_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let first = ensure(dir.path(), &Names::loopback(), start()).unwrap();
    // A directory where a staged file belongs refuses every user, root included.
    fs::create_dir(dir.path().join(".localhost.key.new")).unwrap();
    let kept = ensure(dir.path(), &Names::loopback(), start() + 70 * DAY).unwrap();
    assert_eq!(kept, LocalCa { made: Made::Nothing, ..first });
    let error = ensure(dir.path(), &Names::loopback(), start() + 91 * DAY).unwrap_err();
    assert!(error.to_string().contains("localhost.key"), "{error}");
    assert!(error.to_string().contains("--state-dir"), "{error}");
}

#[test]
fn many_at_once_end_with_one_pair() {
    let dir = tempfile::tempdir().unwrap();
    let made = thread::scope(|scope| {
        let starts: Vec<_> =
            (0..8).map(|_| scope.spawn(|| ensure(dir.path(), &Names::loopback(), start()).unwrap().made)).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(made.iter().filter(|made| **made == Made::Everything).count(), 1, "{made:?}");
    assert_eq!(ensure(dir.path(), &Names::loopback(), start()).unwrap().made, Made::Nothing);
}

#[test]
fn rfc5280_4_2_1_10_the_ca_vouches_for_loopback_names_only() {
    let (authority, ca) = Authority::generate(&Names::loopback(), start()).unwrap();
    let check = |dns_name: &'static str| {
        let leaf = authority.issue(&Names::of_sites([dns_name]), start()).unwrap();
        verify(&ca.cert_pem, &leaf.cert_pem, dns_name)
    };
    assert!(check("localhost").is_ok());
    assert!(check("app.localhost").is_ok());
    for dns_name in ["example.com", "notlocalhost", "localhost.example.com"] {
        let error = check(dns_name).unwrap_err();
        assert!(format!("{error:?}").contains("NameConstraintViolation"), "{dns_name}: {error:?}");
    }
}

#[test]
fn rfc5280_4_2_1_10_the_ca_of_sites_vouches_for_them_and_loopback_only() {
    let sites = Names::of_sites(["a.test", "*.b.test"]);
    let (authority, ca) = Authority::generate(&sites, start()).unwrap();
    let leaf = authority.issue(&sites, start()).unwrap();
    for dns_name in ["a.test", "x.b.test", "localhost"] {
        verify(&ca.cert_pem, &leaf.cert_pem, dns_name).unwrap();
    }
    for dns_name in ["b.test", "x.y.b.test", "x.a.test", "c.test"] {
        assert!(verify(&ca.cert_pem, &leaf.cert_pem, dns_name).is_err(), "{dns_name}");
    }
    for dns_name in ["c.test", "nota.test", "*.c.test"] {
        let leaf = authority.issue(&Names::of_sites([dns_name]), start()).unwrap();
        let error = verify(&ca.cert_pem, &leaf.cert_pem, "localhost").unwrap_err();
        assert!(format!("{error:?}").contains("NameConstraintViolation"), "{dns_name}: {error:?}");
    }
}

#[test]
fn certificates_of_sites_are_reused_and_made_anew_for_other_names() {
    let dir = tempfile::tempdir().unwrap();
    let made = |names: &[&str]| {
        let made = ensure(dir.path(), &Names::of_sites(names.iter().copied()), start()).unwrap();
        assert!(made.leaf_cert.ends_with("sites.crt") && made.leaf_key.ends_with("sites.key"));
        made.made
    };
    let table: [(&[&str], Made); 8] = [
        (&["a.test"], Made::Everything),
        (&["a.test", "A.TEST", "*"], Made::Nothing),
        // One subtree: the CA may stay.
        (&["a.test", "*.a.test"], Made::Leaf),
        (&["*.a.test"], Made::Leaf),
        (&["a.test", "b.test"], Made::Everything),
        (&["b.test", "a.test"], Made::Nothing),
        (&["a.test"], Made::Everything),
        (&["*"], Made::Everything),
    ];
    for (names, expected) in table {
        assert_eq!(made(names), expected, "{names:?}");
    }
}

#[test]
fn another_ca_does_not_vouch_for_the_leaf() {
    let (authority, _) = Authority::generate(&Names::loopback(), start()).unwrap();
    let (_, other) = Authority::generate(&Names::loopback(), start()).unwrap();
    let leaf = authority.issue(&Names::loopback(), start()).unwrap();
    let error = verify(&other.cert_pem, &leaf.cert_pem, "localhost").unwrap_err();
    assert!(
        matches!(
            error,
            rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature)
        ),
        "{error:?}"
    );
}

fn verify(ca_pem: &str, leaf_pem: &str, name: &'static str) -> Result<(), rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap()).unwrap();
    let provider = aws_lc_rs::default_provider().into();
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider).build().unwrap();
    let leaf = CertificateDer::from_pem_slice(leaf_pem.as_bytes()).unwrap();
    let now = UnixTime::since_unix_epoch(start().duration_since(UNIX_EPOCH).unwrap());
    verifier.verify_server_cert(&leaf, &[], &ServerName::try_from(name).unwrap(), &[], now).map(|_| ())
}

fn content_of(dir: &Path) -> Vec<Vec<u8>> {
    ["ca.crt", "ca.key", "localhost.crt", "localhost.key"].map(|name| fs::read(dir.join(name)).unwrap()).into()
}

/// 2026-01-01T00:00:00Z.
fn start() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_767_225_600)
}

const DAY: Duration = Duration::from_secs(24 * 3600);
