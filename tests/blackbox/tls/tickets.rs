//! Session tickets under keys that are configured: what resumes where, and for how long.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::certificates::{CERTIFICATES, ecdsa};
use super::guest::{By, Guest};
use crate::edge::Edge;
use crate::support::deadline::until;

/// A key of one byte, 80 times, as an item of `keys`.
fn key(byte: u8) -> String {
    let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [byte; 80]);
    format!("{{inline_bytes: \"{base64}\"}}")
}

fn keys(bytes: &[u8]) -> String {
    let keys: Vec<_> = bytes.iter().map(|byte| key(*byte)).collect();
    format!("session_ticket_keys: {{keys: [{}]}}", keys.join(", "))
}

#[tokio::test]
async fn processes_with_the_same_keys_resume_each_others_sessions() {
    let old = super::edge(&keys(&[1]), &[]).await;
    let both = super::edge(&keys(&[2, 1]), &[]).await;
    let new = super::edge(&keys(&[2]), &[]).await;
    for by in By::ALL {
        let guest = Guest::new(by);
        assert!(!guest.comes(&old).await, "{by:?}");
        assert!(guest.comes(&old).await, "{by:?}");
        assert!(guest.comes(&both).await, "{by:?}: an old key opens");
        // That visit's tickets are of the first key.
        assert!(guest.comes(&new).await, "{by:?}: the first key seals");
        assert!(!guest.comes(&old).await, "{by:?}: another key opens nothing");
    }
}

#[tokio::test]
async fn a_ticket_is_good_only_where_the_same_is_in_force() {
    let here = super::edge(&keys(&[1]), &[]).await;
    let other = ecdsa(&["localhost"]);
    let items = format!("tls_certificates: [{}]", other.item(""));
    let other = super::edge(&keys(&[1]), &[(CERTIFICATES, &items)]).await;
    for by in By::ALL {
        let guest = Guest::new(by);
        assert!(!guest.comes(&here).await, "{by:?}");
        assert!(!guest.comes(&other).await, "{by:?}: another certificate");
        assert!(guest.comes(&other).await, "{by:?}");
    }
}

#[tokio::test]
async fn keys_may_be_a_secret() {
    let secret = format!("static_resources:\n  secrets:\n  - {{name: tickets, {}}}\n", keys(&[1]));
    let by_name = "session_ticket_keys_sds_secret_config: {name: tickets}";
    let one = super::edge(by_name, &[("static_resources:\n", &secret)]).await;
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("tickets.yaml");
    let deliver = |bytes: &[u8]| deliver(&file, bytes);
    deliver(&[1]);
    let in_file = format!(
        "session_ticket_keys_sds_secret_config: {{name: tickets, sds_config: {{path_config_source: {{path: \"{}\"}}}}}}",
        file.display()
    );
    let other = super::edge(&in_file, &[]).await;
    for by in By::ALL {
        let guest = Guest::new(by);
        assert!(!guest.comes(&one).await, "{by:?}");
        assert!(guest.comes(&other).await, "{by:?}");
    }
    // A new key in front of the old one, then the old one goes.
    let guests = By::ALL.map(Guest::new);
    for guest in &guests {
        assert!(!guest.comes(&other).await);
    }
    let updates = async |edge: &Edge| edge.process.stats().await.of("sds.tickets.update_success");
    deliver(&[2, 1]);
    until("the new key", async || (updates(&other).await == 2).then_some(())).await;
    for guest in &guests {
        assert!(guest.comes(&other).await, "the old key opens");
        assert!(!guest.comes(&one).await, "the new one seals");
    }
    deliver(&[2]);
    until("the old key to go", async || (updates(&other).await == 3).then_some(())).await;
    for guest in &guests {
        assert!(!guest.comes(&other).await, "what the old key sealed");
    }
}

/// Puts a file with these keys in the place of the one before.
fn deliver(file: &Path, bytes: &[u8]) {
    let new = file.with_extension("new");
    let text = format!(
        "resources:\n- {{\"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret, name: tickets, {}}}\n",
        keys(bytes)
    );
    fs::write(&new, text).expect("written");
    fs::rename(&new, file).expect("moved");
}

#[tokio::test]
async fn a_ticket_says_how_long_it_is_good() {
    const HOUR: Duration = Duration::from_secs(60 * 60);
    for (fields, seconds) in [
        (format!("{}\n          session_timeout: 600s", keys(&[1])), 600),
        ("session_timeout: 600.9s".to_owned(), 600),
        (keys(&[1]), 12 * 60 * 60),
        (String::new(), 12 * 60 * 60),
        // As in Envoy, where it stands for the default.
        ("session_timeout: 0s".to_owned(), 12 * 60 * 60),
        (format!("{}\n          session_timeout: 9999999s", keys(&[1])), 7 * 24 * 60 * 60),
    ] {
        let flow = fields.replace("\n          ", ", ");
        let edge = super::edge_with(&fields, &flow, &[]).await;
        // QUIC remembers sessions for a day where there are no keys, and its tickets say that.
        let all = if fields.contains("keys") { &By::ALL[..] } else { &By::ALL[..2] };
        for by in all {
            let guest = Guest::new(*by);
            assert!(!guest.comes(&edge).await);
            let life = Duration::from_secs(seconds);
            assert!(guest.after(life.min(HOUR) / 2).comes(&edge).await, "{by:?} {fields}");
            // One that is too old by what the ticket says is not even offered.
            let late = guest.after(life.min(HOUR) / 2 + life + Duration::from_secs(60));
            assert!(!late.comes(&edge).await, "{by:?} {fields}");
        }
    }
}
