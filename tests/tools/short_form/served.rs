//! What `quicgate run` serves.

use std::fs;
use std::process::Command;

use super::started::Started;
use super::{certificate_directories, quicgate};
use crate::support::backend::{Backend, Script};
use crate::support::certificates::Certificates;
use crate::support::client::{Client, Version};
use crate::support::message::Request;
use crate::support::program::Gateway;

#[tokio::test]
async fn a_site_is_served_over_all_versions_and_http3_is_announced() {
    // A backend has no say in where HTTP/3 is.
    let backend =
        Backend::start(|_| Script::bytes("HTTP/1.1 200 OK\r\ncontent-length: 3\r\nalt-svc: h3=\":1\"\r\n\r\nyes"))
            .await;
    let edge = Started::with(&[format!("a.test={}", backend.address())], &[]).await;
    let announced = format!("h3=\":{}\"; ma=86400", edge.https.port());
    for version in Version::ALL {
        let client = edge.client(version).await;
        for authority in ["a.test".to_owned(), format!("A.Test:{}", edge.https.port())] {
            let reply = client.send(Request::get("/x").authority(&authority)).await;
            assert_eq!((reply.status, reply.text().as_str()), (200, "yes"), "{authority} over {version:?}");
            let alt_svc: Vec<_> =
                reply.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("alt-svc")).collect();
            assert_eq!(alt_svc.len(), 1, "{version:?}: {alt_svc:?}");
            assert_eq!(alt_svc[0].1, announced, "{version:?}");
        }
    }
    assert_eq!(backend.received().len(), 6);
}

#[tokio::test]
async fn a_host_of_no_site_is_not_found() {
    let backend = Backend::echo().await;
    let sites = [format!("a.test={}", backend.address()), format!("*.b.test={}", backend.address())];
    let edge = Started::with(&sites, &[]).await;
    for version in Version::ALL {
        let client = edge.client(version).await;
        for (host, status) in
            [("a.test", 200), ("x.a.test", 404), ("localhost", 404), ("x.b.test", 200), ("b.test", 404)]
        {
            let reply = client.send(Request::get("/").authority(host)).await;
            assert_eq!(reply.status, status, "{host} over {version:?}");
        }
    }
}

#[tokio::test]
async fn every_name_is_served_where_an_asterisk_says_so() {
    let (any, one) = (named("any").await, named("one").await);
    let edge = Started::with(&[format!("*={}", any.address()), format!("a.test={}", one.address())], &[]).await;
    let client = edge.client(Version::Http3).await;
    for (host, backend) in [("a.test", "one"), ("b.test", "any"), ("127.0.0.1", "any"), ("localhost:1", "any")] {
        assert_eq!(client.send(Request::get("/").authority(host)).await.text(), backend, "{host}");
    }
}

#[tokio::test]
async fn the_port_in_the_clear_redirects_and_keeps_the_host() {
    let backend = Backend::echo().await;
    let edge = Started::with(&[format!("a.test={}", backend.address())], &[]).await;
    let client = edge.clear().await;
    for host in ["a.test".to_owned(), format!("a.test:{}", edge.http.port())] {
        let reply = client.send(Request::get("/x/y?z=1").authority(&host)).await;
        let location = format!("https://a.test:{}/x/y?z=1", edge.https.port());
        assert_eq!((reply.status, reply.header("location")), (301, Some(location.as_str())), "{host}");
    }
    assert_eq!(backend.connections(), 0);
}

#[tokio::test]
async fn the_longest_path_that_fits_leads_to_its_backends() {
    let (web, api, v2) = (named("web").await, named("api").await, named("v2").await);
    let sites = [
        format!("a.test={}", web.address()),
        format!("a.test/api={}", api.address()),
        format!("a.test/api/v2/={}", v2.address()),
    ];
    let edge = Started::with(&sites, &[]).await;
    let table = [
        ("/", "web"),
        ("/apis", "web"),
        ("/api", "api"),
        ("/api?q", "api"),
        ("/api/v1", "api"),
        ("/api/v2", "v2"),
        ("/api/v2/x", "v2"),
        ("/API", "web"),
    ];
    for version in Version::ALL {
        let client = edge.client(version).await;
        for (path, backend) in table {
            let reply = client.send(Request::get(path).authority("a.test")).await;
            assert_eq!(reply.text(), backend, "{path} over {version:?}");
        }
    }
}

#[tokio::test]
async fn several_backends_take_turns() {
    let (one, other) = (named("one").await, named("other").await);
    let edge = Started::with(&[format!("a.test={},{}", one.address(), other.address())], &[]).await;
    // A connection stays on its worker, and each worker goes round by itself.
    let client = edge.client(Version::Http2).await;
    for _ in 0..6 {
        assert_eq!(client.send(Request::get("/").authority("a.test")).await.status, 200);
    }
    assert_eq!((one.received().len(), other.received().len()), (3, 3));
}

#[tokio::test]
async fn a_backend_may_be_a_name() {
    let backend = Backend::echo().await;
    let edge = Started::with(&[format!("a.test=localhost:{}", backend.port())], &[]).await;
    let reply = edge.client(Version::Http1).await.send(Request::get("/").authority("a.test")).await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn a_certificate_of_ones_own_is_served_and_none_is_made() {
    let backend = Backend::echo().await;
    let directory = tempfile::tempdir().unwrap();
    let certificates = Certificates::of_this_run();
    let (cert, key) = (directory.path().join("my \"own\".pem"), directory.path().join("key.pem"));
    fs::write(&cert, &certificates.certificate).unwrap();
    fs::write(&key, &certificates.key).unwrap();
    let options = ["--cert", cert.to_str().unwrap(), "--key", key.to_str().unwrap()];
    let edge = Started::with(&[format!("a.test={}", backend.address())], &options).await;
    for version in Version::ALL {
        let reply = edge.client(version).await.send(Request::get("/").authority("a.test")).await;
        assert_eq!(reply.status, 200, "{version:?}");
    }
    assert!(!edge.path().join("certs").exists());
    printed_commands_run(&edge, 1).await;
}

#[tokio::test]
async fn the_banner_names_the_sites_and_its_commands_run() {
    for name in ["a.test", "*.a.test", "*", "localhost"] {
        let backend = Backend::echo().await;
        let sites = [format!("{name}={}", backend.address()), format!("b.test/x={}", backend.address())];
        let edge = Started::with(&sites, &[]).await;
        assert!(edge.banner.contains(&format!("  {name:24}  -> {}\n", backend.address())), "{}", edge.banner);
        assert!(edge.banner.contains(&format!("  {:24}  -> {}\n", "b.test/x", backend.address())), "{}", edge.banner);
        printed_commands_run(&edge, if name == "*" { 1 } else { 2 }).await;
    }
}

#[tokio::test]
async fn what_expand_writes_is_served_as_run_serves_it() {
    let (web, api) = (Backend::echo().await, Backend::echo().await);
    let directory = tempfile::tempdir().unwrap();
    let sites = [format!("a.test={}", web.address()), format!("a.test/api={}", api.address())];
    // The files of the certificate are those that the harness writes: `expand` does not look for them.
    let options = ["--https-port", "0", "--address", "127.0.0.1", "--http-port", "10080", "--admin-address", "none"];
    let files = ["--cert", "${dir}/server.crt", "--key", "${dir}/server.key"];
    let arguments = [&["expand", "--site", &sites[0], "--site", &sites[1]], &options[..], &files].concat();
    let (code, text, errors) = quicgate(directory.path(), &arguments);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    let edge = Gateway::start(&text.replace("port_value: 10080", "port_value: 0")).await;
    let port = edge.address("https").port();
    assert_eq!(edge.address("http3").port(), port);
    for version in Version::ALL {
        let client = edge.client(version, if version == Version::Http3 { "http3" } else { "https" }).await;
        let reply = client.send(Request::get("/api/x").authority("a.test:1")).await;
        assert_eq!(reply.status, 200, "{version:?}");
        assert_eq!(reply.header("alt-svc"), Some(format!("h3=\":{port}\"; ma=86400").as_str()));
        assert_eq!(client.send(Request::get("/").authority("b.test")).await.status, 404, "{version:?}");
    }
    let clear = Client::http1(edge.address("http"), None).await.unwrap();
    let reply = clear.send(Request::get("/x").authority("a.test")).await;
    assert_eq!(reply.header("location"), Some(format!("https://a.test:{port}/x").as_str()));
    assert_eq!((web.received().len(), api.received().len()), (0, 3));
}

#[test]
fn validate_makes_what_is_missing_and_serves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let arguments = ["run", "--site", "a.test=127.0.0.1:8080", "--mode", "validate", "--state-dir", "state"];
    let (code, said, errors) = quicgate(directory.path(), &arguments);
    assert_eq!((code, said.as_str()), (Some(0), "configuration 'quicgate run' OK\n"), "{errors}");
    assert_eq!(certificate_directories(&directory.path().join("state")), ["a.test"]);
}

/// The commands under Try and Next end well, and there are so many to try.
async fn printed_commands_run(edge: &Started, count: usize) {
    let lines = edge.banner.lines().skip_while(|line| !line.starts_with("Try "));
    let commands: Vec<&str> =
        lines.filter_map(|line| line.get(6..)).take_while(|line| !line.starts_with("Ctrl-C")).collect();
    assert_eq!(commands.len(), count + 1, "{}", edge.banner);
    for command in commands {
        if command.starts_with("curl") && Command::new("curl").arg("--version").output().is_err() {
            println!("skipped: {command}: curl is not installed");
            continue;
        }
        let output = edge.shell(command).await;
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{command}: {text}{}", String::from_utf8_lossy(&output.stderr));
    }
    let expanded = fs::read_to_string(edge.path().join("edge.yaml")).unwrap();
    let served = format!("port_value: {}", edge.https.port());
    assert!(expanded.contains(&served), "{expanded}");
    let (code, said, errors) = quicgate(edge.path(), &["--mode", "validate", "-c", "edge.yaml"]);
    assert_eq!((code, said.as_str()), (Some(0), "configuration 'edge.yaml' OK\n"), "{errors}");
}

/// A backend that answers with a word of its own.
async fn named(name: &'static str) -> Backend {
    Backend::start(move |_| Script::reply(200, name)).await
}
