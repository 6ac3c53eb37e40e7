//! What the README and the other documents say is so.

use std::sync::LazyLock;

use regex::Regex;

use crate::clone::{Clone, Said, root, text};
use crate::support::backend::Backend;
use crate::support::message::Request;
use crate::support::program::Gateway;

#[tokio::test]
async fn the_configuration_of_ones_own_is_valid_and_serves() {
    let yaml = my_yaml();
    let clone = Clone::new();
    clone.write("my.yaml", &yaml);
    assert_eq!(clone.validate("my.yaml"), Said::ok("my.yaml"));

    let backend = Backend::echo().await;
    let yaml = yaml.replace("8080", "0").replace("8081", &backend.port().to_string());
    let gateway = Gateway::start(&yaml).await;
    let reply = gateway.plain_client("http").await.send(Request::get("/hello")).await;
    assert_eq!(reply.status, 200);
    assert!(reply.text().starts_with("GET /hello HTTP/1.1\n"), "{}", reply.text());
}

#[test]
fn a_broken_configuration_is_answered_as_shown() {
    let shown = blocks("text").into_iter().find(|block| block.starts_with("my.yaml:"));
    let clone = Clone::new();
    clone.write("my.yaml", &my_yaml().replace("8080", "80800").replace("http_filters:", "http_filter:"));
    let said = clone.validate("my.yaml");
    assert_eq!((said.code, said.stdout.as_str(), Some(said.stderr)), (Some(1), "", shown));
}

#[test]
fn there_are_two_commands_and_the_gate_runs_the_one_that_tests() {
    let commands: Vec<String> = blocks("sh").into_iter().filter(|block| block.starts_with("cargo ")).collect();
    assert_eq!(commands, ["cargo run --release\n", "cargo test\n"]);
    assert!(text(".ci/run").lines().any(|line| line == "step test cargo test"), "the gate runs another command");
}

#[test]
fn the_commands_of_the_short_form_do_what_is_said() {
    let clone = Clone::new();
    let said: Vec<Said> = blocks("sh")
        .iter()
        .flat_map(|block| block.lines())
        .filter_map(|line| {
            let words: Vec<&str> = line.strip_prefix("quicgate ")?.split(" > ").next()?.split_whitespace().collect();
            match *words.first()? {
                "run" => Some(clone.quicgate(&[&words[..], &["--mode", "validate"]].concat())),
                "expand" => {
                    let said = clone.quicgate(&words);
                    clone.write("edge.yaml", &said.stdout);
                    Some(said)
                }
                _ => None,
            }
        })
        .collect();
    let codes: Vec<_> = said.iter().map(|said| said.code).collect();
    let errors: Vec<&str> = said.iter().map(|said| said.stderr.as_str()).collect();
    assert_eq!(codes, [Some(0); 2], "{errors:?}");
    assert_eq!(clone.validate("edge.yaml"), Said::ok("edge.yaml"));
}

#[test]
fn links_lead_somewhere() {
    static LINK: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\]\(([^)\s]+)\)").expect("a valid pattern"));
    let mut links = 0;
    for document in ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/evidence/README.md"] {
        let text = text(document);
        let folder = root().join(document).parent().expect("a file in a folder").to_owned();
        for target in LINK.captures_iter(&text).filter_map(|link| link.get(1)) {
            let target = target.as_str();
            if !target.contains("://") && !target.starts_with('#') {
                assert!(folder.join(target).exists(), "{document} links to {target}, which is not there");
                links += 1;
            }
        }
    }
    assert!(links > 10, "only {links} links were found");
}

/// The configuration that the README calls one's own.
fn my_yaml() -> String {
    let mut blocks = blocks("yaml");
    assert_eq!(blocks.len(), 1, "the README shows one configuration");
    blocks.remove(0)
}

/// The README's fenced blocks of a language.
fn blocks(language: &str) -> Vec<String> {
    let readme = text("README.md");
    let mut found = Vec::new();
    let mut rest = readme.as_str();
    while let Some((_, after)) = rest.split_once("\n```") {
        let (block, after) = after.split_once("\n```\n").expect("every block ends");
        let (marked, body) = block.split_once('\n').expect("a block has a body");
        if marked == language {
            found.push(format!("{body}\n"));
        }
        rest = after;
    }
    found
}
