//! The rules about the tree that a machine can hold: who may import whom, and how files are cut and named.
//!
//! Floors are read off [`FLOORS`]; each module imports from floors below its own and never from a sibling. What is
//! checked is the text of `src/`: `crate::` and `super::` paths in imports and in code, but not in comments or strings.
//! `lib.rs` and `main.rs` stand outside: they name everything.

#![expect(clippy::expect_used, reason = "a tree that cannot be read stops the test where it broke")]

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

/// The modules of the crate, floor by floor. A new module is given its floor here.
const FLOORS: [&[&str]; 12] = [
    &["net", "http", "drain", "files"],
    &["config"],
    &["observe", "matcher"],
    &["tls"],
    &["quic"],
    &["codec"],
    &["router", "upstream"],
    &["filter"],
    &["hcm"],
    &["listener"],
    &["admin", "xds"],
    &["server", "probe"],
];

/// The one import between siblings: the command line of `server` offers `probe`, the program's own subcommand.
const EXCEPTIONS: [(&str, &str); 1] = [("server", "probe")];

/// Words that say nothing about what a file holds.
const EMPTY_NAMES: [&str; 7] = ["util", "utils", "common", "helper", "helpers", "manager", "managers"];

const MAX_LINES: usize = 600;

/// Outside the floors, in `src/`.
const ROOTS: [&str; 2] = ["lib.rs", "main.rs"];

#[test]
fn the_tree_keeps_the_rules() {
    let (files, faults) = faults_below(Path::new(env!("CARGO_MANIFEST_DIR")));
    assert!(files > 50, "only {files} files were found in src/: this test looks in the wrong place");
    let list: Vec<String> = faults.iter().map(Fault::to_string).collect();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), list.join("\n"));
}

/// How many files `src/` holds in a repository, and every fault in them.
fn faults_below(root: &Path) -> (usize, Vec<Fault>) {
    let files = sources(&root.join("src"));
    let mut faults = Vec::new();
    for file in &files {
        let text = fs::read_to_string(file).expect("a source file is text");
        let beside_its_folder = file.with_extension("").is_dir();
        let file = file.strip_prefix(root).expect("it was found below the root");
        faults.extend(faults_in(file, &text));
        if beside_its_folder {
            faults.push(Fault::new(file, 1, "stands beside a folder of its name: move it there as mod.rs"));
        }
    }
    (files.len(), faults)
}

/// A rule that a line breaks.
#[derive(Debug)]
struct Fault {
    file: PathBuf,
    line: usize,
    rule: String,
}

impl Fault {
    fn new(file: &Path, line: usize, rule: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, rule: rule.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.rule)
    }
}

/// Every fault of a file, given by its path below the root of the repository.
fn faults_in(file: &Path, text: &str) -> Vec<Fault> {
    let tokens = tokens(text);
    let mut faults = Vec::new();
    let mut fault = |line, rule: String| faults.push(Fault::new(file, line, rule));
    if let Some(word) = empty_name(file) {
        fault(1, format!("a file is named for what it holds: `{word}` holds anything"));
    }
    let lines = text.lines().count();
    if lines > MAX_LINES {
        fault(lines, format!("{lines} lines: a file has at most {MAX_LINES}"));
    }
    if !text.trim_start().starts_with("//!") {
        fault(1, "begins without a module doc: `//!` and what it is".to_owned());
    }
    for line in allows(&tokens) {
        fault(line, "`allow`: write `#[expect(lint, reason = \"...\")]`".to_owned());
    }
    for line in bare_marks(text) {
        fault(line, "TODO or FIXME without the number of an issue, as `#12`".to_owned());
    }
    let module = module_of(file).unwrap_or_default();
    if let Some(own) = module.first() {
        for import in imports(&module, &tokens) {
            if let Err(rule) = may_import(own, &import.module) {
                fault(import.line, rule);
            }
        }
    }
    faults
}

/// Whether a module of the crate may name another; `Err` says why not.
fn may_import(own: &str, other: &str) -> Result<(), String> {
    let floor = |module: &str| FLOORS.iter().position(|floor| floor.contains(&module));
    if own == other || EXCEPTIONS.contains(&(own, other)) {
        return Ok(());
    }
    match (floor(own), floor(other)) {
        (Some(here), Some(there)) if there < here => Ok(()),
        (Some(here), Some(there)) if there == here => {
            Err(format!("`{own}` imports `{other}`, its sibling on floor {here}"))
        }
        (Some(here), Some(there)) => {
            Err(format!("`{own}` on floor {here} imports `{other}` on floor {there}, above it"))
        }
        (None, _) => Err(format!("`{own}` has no floor: give it one in tests/floors.rs")),
        (_, None) => Err(format!("`{own}` imports `{other}`, which has no floor: give it one in tests/floors.rs")),
    }
}

/// A module of the crate that is named in another.
#[derive(Debug, PartialEq, Eq)]
struct Import {
    module: String,
    line: usize,
}

/// The modules at the top of the crate that the tokens of `module` name.
fn imports(module: &[String], tokens: &[Token<'_>]) -> Vec<Import> {
    let mut found = Vec::new();
    // Modules written in braces, with the depth at which each ends.
    let mut inline: Vec<(&str, usize)> = Vec::new();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token.text {
            "mod" if text(tokens, at + 2) == "{" => inline.push((text(tokens, at + 1), depth)),
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                inline.pop_if(|(_, ends)| *ends == depth);
            }
            "crate" | "super" if text(tokens, at + 1) == "::" => {
                let here = module.len() + inline.len();
                let (paths, after) = paths(tokens, at);
                let modules = paths.iter().filter_map(|path| top_module(here, path));
                found.extend(modules.map(|module| Import { module: module.to_owned(), line: token.line }));
                at = after;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The paths that begin at a token, its groups spelt out, and where they end: `crate::{a, b::c}` is two.
fn paths<'a>(tokens: &[Token<'a>], start: usize) -> (Vec<Vec<&'a str>>, usize) {
    let mut path = vec![text(tokens, start)];
    let mut at = start + 1;
    while text(tokens, at) == "::" {
        if text(tokens, at + 1) == "{" {
            let (branches, after) = group(tokens, at + 2);
            return (branches.into_iter().map(|branch| [path.clone(), branch].concat()).collect(), after);
        }
        path.push(text(tokens, at + 1));
        at += 2;
    }
    (vec![path], at)
}

/// The paths of a group, from behind its opening brace to behind its closing one.
fn group<'a>(tokens: &[Token<'a>], start: usize) -> (Vec<Vec<&'a str>>, usize) {
    let mut all = Vec::new();
    let mut at = start;
    while let Some(token) = tokens.get(at) {
        match token.text {
            "}" => return (all, at + 1),
            "," => at += 1,
            "as" => at += 2,
            _ => {
                let (more, after) = paths(tokens, at);
                all.extend(more);
                at = after;
            }
        }
    }
    (all, at)
}

/// The module at the top of the crate to which a path leads from a module so many names deep; `None` where it stays in
/// its own.
fn top_module<'a>(depth: usize, path: &[&'a str]) -> Option<&'a str> {
    let up = path.iter().take_while(|segment| **segment == "super").count();
    match path.first() {
        Some(&"crate") => path.get(1).copied(),
        _ if up >= depth => path.get(up).copied(),
        _ => None,
    }
}

/// `src/a/b.rs` and `src/a/b/mod.rs` are `a::b`; the two roots of the crate have no place among the floors.
fn module_of(file: &Path) -> Option<Vec<String>> {
    let inside = file.strip_prefix("src").ok().filter(|inside| !ROOTS.iter().any(|root| *inside == Path::new(root)))?;
    let mut names: Vec<String> =
        inside.with_extension("").iter().map(|name| name.to_string_lossy().into_owned()).collect();
    names.pop_if(|name| name == "mod");
    Some(names)
}

/// The word in a file's path that says nothing.
fn empty_name(file: &Path) -> Option<String> {
    let names = file.with_extension("");
    let mut words = names.iter().flat_map(|name| name.to_str().unwrap_or_default().split('_'));
    let word = words.find(|word| EMPTY_NAMES.contains(word)).map(str::to_owned);
    word.or_else(|| names.to_str().filter(|name| name.ends_with("_main")).map(|_| "main".to_owned()))
}

/// The lines of `#[allow(...)]` and `#![allow(...)]`.
fn allows(tokens: &[Token<'_>]) -> Vec<usize> {
    let opens = |at: &usize| {
        matches!(text(tokens, *at), "#" | "!") && text(tokens, at + 1) == "[" && text(tokens, at + 2) == "allow"
    };
    (0..tokens.len()).filter(opens).filter_map(|at| tokens.get(at)).map(|token| token.line).collect()
}

/// The lines with TODO or FIXME and no number of an issue.
fn bare_marks(text: &str) -> Vec<usize> {
    static MARK: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b(TODO|FIXME)\b").expect("a valid pattern"));
    static ISSUE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"#[0-9]+\b").expect("a valid pattern"));
    let bare = |(_, line): &(usize, &str)| MARK.is_match(line) && !ISSUE.is_match(line);
    (1..).zip(text.lines()).filter(bare).map(|(number, _)| number).collect()
}

/// A word or sign of the code and the line where it stands.
#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    text: &'a str,
    line: usize,
}

/// The code of a file: neither comments nor literals.
fn tokens(text: &str) -> Vec<Token<'_>> {
    static PIECE: LazyLock<Regex> = LazyLock::new(|| {
        let comment = r"//[^\n]*|/\*.*?\*/";
        let raw = r###"[bc]?r"[^"]*"|[bc]?r#".*?"#|[bc]?r##".*?"##"###;
        let literal = r#"[bc]?"(?:\\.|[^"\\])*"|b?'(?:\\.[^'\n]*|[^\\'\n])'"#;
        Regex::new(&format!(r"(?s)(?<silent>{comment}|{raw}|{literal})|\w+|::|\S")).expect("a valid pattern")
    });
    let mut line = 1;
    let mut end = 0;
    let mut tokens = Vec::new();
    for piece in PIECE.captures_iter(text) {
        let whole = piece.get_match();
        line += text.get(end..whole.start()).unwrap_or_default().matches('\n').count();
        if piece.name("silent").is_none() {
            tokens.push(Token { text: whole.as_str(), line });
        }
        line += whole.as_str().matches('\n').count();
        end = whole.end();
    }
    tokens
}

/// The text of a token; empty past the end.
fn text<'a>(tokens: &[Token<'a>], at: usize) -> &'a str {
    tokens.get(at).map_or("", |token| token.text)
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("an entry of that folder").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Every rule fails where it should: a test that cannot fail holds nothing.
mod each_rule {
    use super::*;

    /// The faults of a file with a module doc and this text below it, as `line: rule`.
    fn faults(file: &str, text: &str) -> Vec<String> {
        let faults = faults_in(Path::new(file), &format!("//! What it is.\n{text}"));
        faults.iter().map(|fault| format!("{}: {}", fault.line, fault.rule)).collect()
    }

    fn keeps(file: &str, text: &str) {
        assert_eq!(faults(file, text), [""; 0], "{file}: {text}");
    }

    fn breaks(file: &str, text: &str, rule: &str) {
        let found = faults(file, text);
        assert!(matches!(found.as_slice(), [fault] if fault == rule), "{file}: {text}\n{found:?}\nexpected: {rule}");
    }

    #[test]
    fn imports_go_down() {
        keeps("src/hcm/mod.rs", "use crate::router::RouteTable;\nuse crate::{net, http::Body};");
        keeps("src/server/mod.rs", "use crate::probe;");
        breaks(
            "src/hcm/mod.rs",
            "\nuse crate::listener::Kind;",
            "3: `hcm` on floor 8 imports `listener` on floor 9, above it",
        );
        breaks("src/probe/mod.rs", "use crate::server::Cli;", "2: `probe` imports `server`, its sibling on floor 11");
        breaks(
            "src/router/route.rs",
            "use crate::upstream::Host;",
            "2: `router` imports `upstream`, its sibling on floor 6",
        );
    }

    #[test]
    fn paths_in_code_count_as_imports() {
        breaks(
            "src/tls/server.rs",
            "fn f() -> Vec<crate::quic::Settings> { Vec::new() }",
            "2: `tls` on floor 3 imports `quic` on floor 4, above it",
        );
        breaks(
            "src/net/bind.rs",
            "pub(in crate::net) fn f() { let _ = 'a'; crate::drain::begin::<u8>(); }",
            "2: `net` imports `drain`, its sibling on floor 0",
        );
    }

    #[test]
    fn groups_are_spelt_out() {
        let text = "use crate::{\n    config::{self, At},\n    codec::{h1::Server as One, h2},\n    hcm::Worker,\n};";
        let expected = ["2: `tls` on floor 3 imports `codec` on floor 5, above it"; 2].map(str::to_owned);
        assert_eq!(faults("src/tls/mod.rs", text).get(..2), Some(expected.as_slice()));
        assert_eq!(faults("src/tls/mod.rs", text).len(), 3);
    }

    #[test]
    fn chains_of_super_are_followed_to_the_top() {
        keeps("src/codec/h1/server.rs", "use super::super::pump;");
        keeps("src/codec/mod.rs", "mod tests { use super::*; }");
        let above = "2: `codec` on floor 5 imports `hcm` on floor 8, above it";
        breaks("src/codec/h1/server.rs", "use super::super::super::hcm::Worker;", above);
        breaks("src/codec/h1/mod.rs", "use super::{error, super::hcm::Worker};", above);
        breaks(
            "src/codec/mod.rs",
            "fn f() {}\nuse super::hcm;",
            "3: `codec` on floor 5 imports `hcm` on floor 8, above it",
        );
        breaks("src/codec/mod.rs", "mod tests { use super::super::hcm; }", above);
        breaks("src/codec/mod.rs", "mod tests {} use super::hcm;", above);
    }

    #[test]
    fn a_module_without_a_floor_is_found() {
        breaks(
            "src/tls/mod.rs",
            "use crate::cache::Entry;",
            "2: `tls` imports `cache`, which has no floor: give it one in tests/floors.rs",
        );
        breaks("src/cache/mod.rs", "use crate::net;", "2: `cache` has no floor: give it one in tests/floors.rs");
    }

    #[test]
    fn comments_and_literals_import_nothing() {
        keeps("src/net/mod.rs", "// crate::hcm\n/* crate::hcm\n*/ const A: &str = \"crate::hcm \\\" crate::hcm\";");
        keeps(
            "src/net/mod.rs",
            "const A: &str = r#\"crate::hcm \" crate::hcm\"#; const B: char = '\"'; const C: char = '\\'';",
        );
        breaks(
            "src/net/mod.rs",
            "fn f<'a>(_: &'a str) { '\"'; crate::tls::f('\"') }",
            "2: `net` on floor 0 imports `tls` on floor 3, above it",
        );
    }

    #[test]
    fn the_roots_of_the_crate_are_outside() {
        keeps("src/lib.rs", "pub use crate::server::main;");
        keeps("src/main.rs", "use crate::server;");
    }

    #[test]
    fn a_file_is_short_documented_and_named_for_something() {
        keeps("src/net/bind.rs", &"\n".repeat(MAX_LINES - 1));
        breaks("src/net/bind.rs", &"\n".repeat(MAX_LINES), "601: 601 lines: a file has at most 600");
        let undocumented = faults_in(Path::new("src/net/bind.rs"), "use std::net;");
        assert_eq!(undocumented.len(), 1, "{undocumented:?}");
        for (file, word) in [
            ("src/net/utils.rs", "utils"),
            ("src/hcm/stream_manager/mod.rs", "manager"),
            ("src/net/proxy_main.rs", "main"),
        ] {
            breaks(file, "", &format!("1: a file is named for what it holds: `{word}` holds anything"));
        }
    }

    #[test]
    fn a_module_with_a_folder_stands_in_it() {
        let root = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir_all(root.path().join("src/net/bind")).expect("a folder");
        for file in ["src/net/mod.rs", "src/net/bind.rs", "src/net/bind/tests.rs"] {
            fs::write(root.path().join(file), "//! What it is.").expect("a file");
        }
        let (files, faults) = faults_below(root.path());
        let faults: Vec<String> = faults.iter().map(Fault::to_string).collect();
        assert_eq!(files, 3);
        assert_eq!(faults, ["src/net/bind.rs:1: stands beside a folder of its name: move it there as mod.rs"]);
    }

    #[test]
    fn marks_of_debt_are_found() {
        let allow = "2: `allow`: write `#[expect(lint, reason = \"...\")]`";
        breaks("src/net/bind.rs", "#[allow(dead_code)]\nfn f() {}", allow);
        breaks("src/net/bind.rs", "#![allow(dead_code)]", allow);
        keeps("src/net/bind.rs", "#[expect(dead_code, reason = \"...\")]\nfn allow() {}");
        let bare = "2: TODO or FIXME without the number of an issue, as `#12`";
        for (kept, broken) in
            [("// TODO #12: more", "// TODO: more"), ("// FIXME(#7)", "// FIXME"), ("// TODOS", "/// TODO")]
        {
            keeps("src/net/bind.rs", kept);
            breaks("src/net/bind.rs", broken, bare);
        }
    }
}
