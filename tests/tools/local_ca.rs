//! The local CA as other programs see it.

use std::{sync::Arc, time::SystemTime};

use quicgate::server::local_ca::{self, LocalCa, Names};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::rig::Program;

#[tokio::test]
async fn openssl_verifies_the_leaf_and_reads_the_constraints() {
    let Some(openssl) = Program::find("openssl", "openssl_verifies_the_leaf_and_reads_the_constraints") else { return };
    let (_dir, ca) = made();
    let (root, leaf) = (ca.ca_cert.to_str().unwrap(), ca.leaf_cert.to_str().unwrap());
    let verify = ["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", root];
    for name in [["-verify_hostname", "localhost"], ["-verify_ip", "127.0.0.1"], ["-verify_ip", "::1"]] {
        let verified = openssl.run(&[&verify[..], &name, &[leaf]].concat()).await;
        assert!(verified.status.success(), "{name:?}: {}", String::from_utf8_lossy(&verified.stderr));
    }
    let other = openssl.run(&[&verify[..], &["-verify_hostname", "example.com", leaf]].concat()).await;
    assert!(!other.status.success());
    let shown = openssl.run(&["x509", "-in", root, "-noout", "-text"]).await;
    let shown = String::from_utf8(shown.stdout).unwrap();
    for part in ["X509v3 Name Constraints: critical", "DNS:localhost", "IP:127.0.0.0/255.0.0.0", "Quicgate local CA"] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
}

#[tokio::test]
async fn curl_and_rustls_accept_the_leaf_under_its_three_names() {
    let (_dir, ca) = made();
    let curl = Program::find("curl", "the half with curl of curl_and_rustls_accept_the_leaf_under_its_three_names");
    let acceptor = acceptor(&ca);
    for (name, bind) in [("localhost", "127.0.0.1:0"), ("127.0.0.1", "127.0.0.1:0"), ("[::1]", "[::1]:0")] {
        let Ok(listener) = TcpListener::bind(bind).await else {
            println!("skipped: {name}: this host has no such address");
            continue;
        };
        let address = listener.local_addr().unwrap();
        let server_name = ServerName::try_from(name.trim_matches(['[', ']'])).unwrap().to_owned();
        let stream = TcpStream::connect(address).await.unwrap();
        let (client, server) =
            tokio::join!(connector(&ca).connect(server_name, stream), serve_one(&listener, &acceptor, false));
        assert!(client.is_ok() && server, "{name}: {client:?}");
        let Some(curl) = &curl else { continue };
        let url = format!("https://{name}:{}/", address.port());
        let resolve = format!("localhost:{}:127.0.0.1", address.port());
        let arguments = ["-sS", "--http1.1", "--cacert", ca.ca_cert.to_str().unwrap(), "--resolve", &resolve, &url];
        let (output, _) = tokio::join!(curl.run(&arguments), serve_one(&listener, &acceptor, true));
        assert_eq!(String::from_utf8_lossy(&output.stdout), "ok", "{name}: {output:?}");
    }
}

/// Accepts one TLS connection, answers one request if there will be one, and says whether the handshake went well.
async fn serve_one(listener: &TcpListener, acceptor: &TlsAcceptor, request: bool) -> bool {
    let (stream, _) = listener.accept().await.unwrap();
    let Ok(mut stream) = acceptor.accept(stream).await else { return false };
    if request {
        let mut read = Vec::new();
        while !read.ends_with(b"\r\n\r\n") {
            read.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").await.unwrap();
        stream.shutdown().await.unwrap();
    }
    true
}

fn acceptor(ca: &LocalCa) -> TlsAcceptor {
    let chain = vec![CertificateDer::from_pem_file(&ca.leaf_cert).unwrap()];
    let key = PrivateKeyDer::from_pem_file(&ca.leaf_key).unwrap();
    let builder = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into());
    let config = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    Arc::new(config.with_single_cert(chain, key).unwrap()).into()
}

fn connector(ca: &LocalCa) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&ca.ca_cert).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into());
    let config = builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
    Arc::new(config.with_no_client_auth()).into()
}

fn made() -> (tempfile::TempDir, LocalCa) {
    let dir = tempfile::tempdir().unwrap();
    let ca = local_ca::ensure(dir.path(), &Names::loopback(), SystemTime::now()).unwrap();
    (dir, ca)
}
