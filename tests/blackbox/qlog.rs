//! Records of connections: a file in the format of qlog for each that is sampled.

use std::fs;

use serde_json::Value;

use crate::edge::Edge;
use crate::support::backend::Backend;
use crate::support::client::Version;
use crate::support::message::Request;

/// The `quic_options` of a listener that records so many of a hundred connections in the directory of the process.
pub(crate) fn recording(percent: u32) -> String {
    format!(
        "connection_debug_visitor_config: {{name: qlog, typed_config: {{\"@type\": \
         type.googleapis.com/quicgate.extensions.quic.qlog.v1.Qlog, directory: \"${{dir}}\", sampled: {{numerator: \
         {percent}}}}}}}"
    )
}

/// A record: its file and its events.
pub(crate) struct Record {
    name: String,
    pub(crate) events: Vec<Value>,
}

impl Record {
    /// How many events of a kind there are.
    fn counted(&self, kind: &str) -> usize {
        self.events.iter().filter(|event| event["name"] == kind).count()
    }
}

/// The records that a gateway has left when it has stopped, sorted by name.
pub(crate) async fn records(mut edge: Edge) -> Vec<Record> {
    edge.process.terminate();
    assert!(edge.process.exit().await.success());
    let entries = fs::read_dir(edge.process.directory()).expect("the directory").map(|entry| entry.expect("an entry"));
    let record = |path: std::path::PathBuf| {
        let name = path.file_name()?.to_str()?.strip_suffix(".sqlog")?.to_owned();
        let text = fs::read_to_string(&path).expect("a text");
        assert!(text.ends_with('\n'), "{name}: the last text is not whole");
        // RFC 7464 §2.2: each text stands between a record separator and a line feed.
        let texts = text.split_terminator('\n').map(|line| line.strip_prefix('\u{1e}').expect("a record separator"));
        let events = texts.map(|text| serde_json::from_str(text).expect("JSON")).collect();
        Some(Record { name, events })
    };
    let mut records: Vec<_> = entries.filter_map(|entry| record(entry.path())).collect();
    records.sort_by(|one, other| one.name.cmp(&other.name));
    records
}

#[tokio::test]
async fn a_record_is_made_of_each_connection_that_is_sampled() {
    let backend = Backend::echo().await;
    for (percent, expected) in [(100, 2), (0, 0)] {
        let options = format!("quic_options: {{{}}}", recording(percent));
        let edge = Edge::altered(&backend, &[("quic_options: {}", &options)]).await;
        // One has ended when the gateway stops, one has not.
        for last in [false, true] {
            let client = edge.client(Version::Http3).await;
            assert_eq!(client.send(Request::get("/")).await.status, 200);
            if last {
                std::mem::forget(client);
            }
        }
        assert_eq!(edge.process.stats().await.of("listener.127.0.0.1_0.quic.qlog.traces"), expected);
        let records = records(edge).await;
        assert_eq!(records.len(), usize::try_from(expected).expect("a few"));
        for record in records {
            let head = record.events.first().expect("a head");
            assert_eq!((&head["qlog_format"], &head["qlog_version"]), (&"JSON-SEQ".into(), &"0.3".into()), "{head}");
            for kind in ["transport:packet_sent", "transport:packet_received", "recovery:metrics_updated"] {
                assert!(record.counted(kind) > 2, "{kind}: {:?}", record.events);
            }
            // The id that the client chose for the connection stands in the name of the file.
            let id = head["trace"]["title"].as_str().expect("a title");
            assert!(record.name.ends_with(&format!("-{id}")), "{}", record.name);
        }
    }
}
