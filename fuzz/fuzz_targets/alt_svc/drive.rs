//! What is done with one input, by the fuzzer and by the test that replays its corpus.
//!
//! The input is the value of a field. What was read of it, written as plainly as it can be, must be read as the same.

use quicgate::http::{AltSvc, Alternative};

/// Reads an input, and panics when something is not as it must be.
pub(crate) fn drive(data: &[u8]) {
    let Ok(value) = std::str::from_utf8(data) else { return };
    match AltSvc::parse(value) {
        AltSvc::Clear => assert_eq!(value.trim(), "clear"),
        AltSvc::Malformed(said) => assert_eq!(said, value),
        AltSvc::Alternatives(list) => {
            assert!(!list.is_empty());
            let written: Vec<String> = list.iter().map(written).collect();
            assert_eq!(AltSvc::parse(&written.join(",")), AltSvc::Alternatives(list));
        }
    }
}

/// RFC 7838 §3: every octet of the protocol percent-encoded, every character of the host quoted.
fn written(alternative: &Alternative) -> String {
    let Alternative { protocol, host, port, max_age_s, persist } = alternative;
    let protocol = protocol.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
    let host: String = host.iter().flat_map(|host| host.chars()).flat_map(|char| ['\\', char]).collect();
    let persist = if *persist { ";persist=1" } else { "" };
    format!("{protocol}=\"{host}:{port}\";ma={max_age_s}{persist}")
}
