//! Any text at all as a configuration: reading and building end, with a report that can be shown.
//!
//! The report names places within the text, and nothing is both refused and without an error. What is built may open
//! the files that the text names, so this runs as a user who may not write anywhere that matters.

#![no_main]

use libfuzzer_sys::fuzz_target;
use quicgate::config::{Leniency, Source};
use quicgate::server::validate;

fuzz_target!(|data: &[u8]| {
    // What follows the first NUL is merged over what stands before it.
    let text = String::from_utf8_lossy(data);
    let (base, over) = text.split_once('\0').map_or((&*text, None), |(base, over)| (base, Some(over)));
    let source = |name: &str, text: &str| Source::Text { name: name.to_owned(), text: text.to_owned() };
    let mut sources = vec![source("base", base)];
    sources.extend(over.map(|over| source("over", over)));
    let report = validate(&sources, Leniency::default(), 1);
    for diagnostic in report.diagnostics().iter() {
        let location = diagnostic.location.expect("every remark has a place");
        let text = [Some(base), over][location.text].expect("the place is in a text that there is");
        assert!(location.line <= text.split(['\n', '\r']).count() + 1, "{diagnostic:?}");
    }
    assert_eq!(report.diagnostics().is_empty(), report.to_text(true).is_empty());
    assert_eq!(report.diagnostics().len(), report.to_json().lines().count());
});
