//! What a fuzzer found worth keeping, replayed: every text is read and built without a panic.

use quicgate::config::{Leniency, Source};
use quicgate::server::validate;

#[test]
fn the_corpus_of_the_loader_ends_without_a_panic() {
    let mut replayed = 0;
    for file in std::fs::read_dir("fuzz/corpus/load").unwrap() {
        let data = std::fs::read(file.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&data);
        let texts = text.split('\0').take(2).enumerate();
        let sources: Vec<_> =
            texts.map(|(index, text)| Source::Text { name: index.to_string(), text: text.to_owned() }).collect();
        let report = validate(&sources, Leniency::default(), 1);
        assert_eq!(report.diagnostics().is_empty(), report.to_text(false).is_empty());
        replayed += 1;
    }
    assert!(replayed > 30, "{replayed}");
}
