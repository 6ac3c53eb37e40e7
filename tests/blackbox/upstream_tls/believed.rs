//! Whom a cluster believes may change while it runs, over TCP and over QUIC.

use std::fs;
use std::path::Path;

use super::secured;
use super::server::{Setup, brief};
use crate::edge::{ALL, Edge};
use crate::support::certificates::Certificates;
use crate::support::client::Version;
use crate::support::deadline::until;
use crate::support::message::Request;
use crate::support::process::Process;
use crate::support::program::{Gateway, Program};
use crate::tls::papers::Authority;
use crate::upstream_http3::chain::cluster as over_quic;
use crate::upstream_http3::server::Server;

/// Puts an authority where the cluster finds it.
fn put(directory: &Path, pem: &str) {
    fs::write(directory.join("new"), pem).expect("written");
    fs::rename(directory.join("new"), directory.join("ca.pem")).expect("moved");
}

async fn status(edge: &Edge) -> u16 {
    edge.client(Version::Http1).await.send(Request::get("/")).await.status
}

#[tokio::test]
async fn an_upstream_is_believed_as_long_as_its_authority_is() {
    let (ours, strange) = (&Certificates::of_this_run().authority, Authority::named("strange").pem());
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().display();
    let watched = format!("{{trusted_ca: {{filename: \"{path}/ca.pem\"}}, watched_directory: {{path: \"{path}\"}}}}");
    let sds = directory.path().join("sds.yaml");
    fs::write(&sds, format!("resources:\n- {{\"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret, name: servers, validation_context: {{trusted_ca: {{filename: \"{path}/ca.pem\"}}}}}}\n")).expect("written");
    let delivered = format!("{{name: servers, sds_config: {{path_config_source: {{path: \"{}\"}}}}}}", sds.display());
    for context in [
        format!("common_tls_context: {{validation_context: {watched}}}"),
        format!("common_tls_context: {{validation_context_sds_secret_config: {delivered}}}"),
    ] {
        put(directory.path(), ours);
        // Each connection serves once, so that each request needs a handshake; it may resume a session.
        let backend = brief(Setup::default().configuration()).await;
        let edge = Edge::of(&Edge::yaml_in_front_of(&secured("backend", backend.address(), &context), ALL)).await;
        for _ in 0..2 {
            assert_eq!(status(&edge).await, 200);
        }
        put(directory.path(), &strange);
        until("the end of a belief", async || (status(&edge).await == 503).then_some(())).await;
        put(directory.path(), ours);
        until("a new belief", async || (status(&edge).await == 200).then_some(())).await;
        // Over QUIC the connection that stands goes on, where one worker has all requests.
        let server = Server::good();
        let yaml = Edge::yaml_in_front_of(&over_quic("backend", server.address(), &context, ""), ALL);
        let one_worker = Program { workers: 1, ..Gateway::program() };
        let edge = Edge { process: Process::start(&one_worker, &yaml).await };
        assert_eq!(status(&edge).await, 200);
        put(directory.path(), &strange);
        let said = "a validation context was read again";
        let other = "the secret `servers` was read again";
        until("another belief", async || {
            let log = edge.process.standard_error();
            (log.contains(said) || log.contains(other)).then_some(())
        })
        .await;
        assert_eq!(status(&edge).await, 200);
        let other = Edge::of(&yaml).await;
        assert_eq!(status(&other).await, 503);
        put(directory.path(), ours);
        until("a new belief over QUIC", async || (status(&other).await == 200).then_some(())).await;
    }
}
