//! The examples with a fault put in, five hundred times over: the report names the line, and a misspelt word is
//! recognised.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use quicgate::config::{Leniency, Report, Severity, Source};
use quicgate::server::validate;

/// The ways in which people get a file wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    /// A key with a slip of the finger.
    Misspelling,
    /// A mapping where a scalar belongs.
    Type,
    /// A name that an enum does not have.
    Enum,
    /// A field under another message.
    Move,
}

/// A fault in a text.
#[derive(Debug)]
struct Mutant {
    text: String,
    /// The line that is wrong now.
    line: usize,
    /// What a person meant.
    meant: String,
}

#[test]
fn a_fault_is_told_at_its_line_and_a_misspelling_recognised() {
    let files = Files::new();
    let mut dice = Dice(1);
    let (mut made, mut found): (HashMap<Kind, usize>, HashMap<Kind, usize>) = Default::default();
    let (mut misses, mut recognised) = (Vec::new(), 0);
    for kind in [Kind::Misspelling, Kind::Type, Kind::Enum, Kind::Move].into_iter().cycle().take(500) {
        let mutant = files.mutant(kind, &mut dice);
        let report = check(&mutant.text);
        let errors = errors(&report);
        *made.entry(kind).or_default() += 1;
        let hit = errors.iter().any(|(line, _)| *line == mutant.line);
        *found.entry(kind).or_default() += usize::from(hit);
        let right =
            |hint: &Option<String>| hint.as_ref().is_some_and(|hint| hint.contains(&format!("`{}`", mutant.meant)));
        let knows = errors.iter().any(|(line, hint)| *line == mutant.line && right(hint));
        recognised += usize::from(kind == Kind::Misspelling && knows);
        if !hit || (kind == Kind::Misspelling && !knows) {
            misses.push(format!("{kind:?} in line {} of {}: {report}", mutant.line, mutant.meant));
        }
    }
    let told: usize = found.values().sum();
    let summary = format!("{told} of 500 told, by kind {found:?} of {made:?}; {recognised} recognised");
    println!("{summary}\n{}", misses.join("\n"));
    assert!(told >= 475, "{summary}");
    assert!(recognised * 10 >= made[&Kind::Misspelling] * 9, "{summary}");
}

#[test]
fn three_faults_are_three_errors() {
    let files = Files::new();
    let mut dice = Dice(2);
    let mut told = 0;
    for _ in 0..100 {
        let original = files.pick(&mut dice);
        let kinds = [Kind::Misspelling, Kind::Type, Kind::Misspelling];
        let mut text = original.to_owned();
        let mut lines = Vec::new();
        // No fault where another one hides it: only in lines that hold nothing further in.
        while lines.len() < 3 {
            let mutant = mutate(original, kinds[lines.len()], &mut dice);
            if !lines.contains(&mutant.line) && is_leaf(original, mutant.line) {
                let changed = mutant.text.lines().nth(mutant.line - 1).unwrap().to_owned();
                text = replace_line(&text, mutant.line, &changed);
                lines.push(mutant.line);
            }
        }
        let report = check(&text);
        let errors = errors(&report);
        let all = lines.iter().all(|line| errors.iter().any(|(found, _)| found == line));
        told += usize::from(all);
        if !all {
            println!("lines {lines:?}: {report}");
        }
    }
    assert!(told >= 95, "all three told in {told} of 100");
}

fn check(text: &str) -> Report {
    let source = Source::Text { name: "mutant.yaml".to_owned(), text: text.to_owned() };
    validate(&[source], Leniency::default(), 1)
}

/// The line and the suggestion of each error.
fn errors(report: &Report) -> Vec<(usize, Option<String>)> {
    let diagnostics = report.diagnostics();
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
    errors.map(|error| (error.location.map_or(0, |location| location.line), error.suggestion.clone())).collect()
}

/// The examples, with certificates that exist.
struct Files {
    texts: Vec<String>,
    _certificates: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (certificate, key) = (directory.path().join("certificate.pem"), directory.path().join("key.pem"));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let log = directory.path().join("access.log");
        let mut texts = Vec::new();
        let mut paths: Vec<_> = std::fs::read_dir("config").unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let text = std::fs::read_to_string(&path).unwrap();
            let replaced = replace_files(&text, &certificate, &key, &log);
            let report = check(&replaced);
            assert!(!report.has_errors(), "{}: {report}", path.display());
            texts.push(replaced);
        }
        Self { texts, _certificates: directory }
    }

    fn pick(&self, dice: &mut Dice) -> &str {
        &self.texts[dice.below(self.texts.len())]
    }

    fn mutant(&self, kind: Kind, dice: &mut Dice) -> Mutant {
        mutate(self.pick(dice), kind, dice)
    }
}

/// The text with other files for certificates, keys and logs.
fn replace_files(text: &str, certificate: &Path, key: &Path, log: &Path) -> String {
    let lines = text.lines().map(|line| {
        let words = line.split_inclusive([' ', '}', '"', ',']).map(|word| {
            let bare = word.trim_end_matches([' ', '}', '"', ',']);
            let with = match Path::new(bare).extension().and_then(|extension| extension.to_str()) {
                Some("crt") => certificate,
                Some("key") => key,
                Some("log") => log,
                _ => return word.to_owned(),
            };
            word.replace(bare, &with.to_string_lossy())
        });
        words.collect::<String>()
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

/// A key of a message and its value, if that is a scalar on the same line.
#[derive(Clone, Debug)]
struct Field {
    line: usize,
    key: Range<usize>,
    value: Range<usize>,
}

/// Every field in a text: keys of logs' formats are no fields, nor is what stands in a comment or a string.
fn fields(text: &str) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut format_indent = None;
    for (index, line) in text.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        if format_indent.is_some_and(|format| indent > format) {
            continue;
        }
        format_indent = (line.contains("json_format")).then_some(indent);
        if line.trim_start().starts_with('#') {
            continue;
        }
        for key in keys(line) {
            let after = line[key.end..].trim_start_matches('"').trim_start_matches(':');
            let start = line.len() - after.trim_start().len();
            let end = start + value_length(&line[start..]);
            fields.push(Field { line: index + 1, key, value: start..end });
        }
    }
    fields
}

/// Words in lower case that a colon follows, outside of strings.
fn keys(line: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let bytes = line.as_bytes();
    let mut start = 0;
    while start < bytes.len() {
        let word = bytes[start..]
            .iter()
            .take_while(|byte| byte.is_ascii_lowercase() || **byte == b'_' || byte.is_ascii_digit())
            .count();
        if word == 0 {
            // A string that is no key is skipped as a whole.
            let quoted = bytes[start] == b'"';
            let inside = line[start + 1..].find('"').filter(|_| quoted);
            let is_key = inside
                .is_some_and(|inside| line[start + 2 + inside..].starts_with(':') && !line[start..].starts_with("\"@"));
            start += if is_key { 1 } else { inside.map_or(1, |inside| inside + 2) };
            continue;
        }
        let rest = line[start + word..].trim_start_matches('"');
        let before = start == 0 || b" {-\"".contains(&bytes[start - 1]);
        if before && rest.starts_with(':') && (rest.len() == 1 || rest[1..].starts_with(' ')) {
            found.push(start..start + word);
        }
        start += word;
    }
    found
}

/// How far a scalar reaches; nothing where none begins.
fn value_length(rest: &str) -> usize {
    match rest.chars().next() {
        None | Some('{' | '[' | '&' | '*' | '|' | '#') => 0,
        Some('"') => rest[1..].find('"').map_or(0, |end| end + 2),
        Some(_) => rest.find([',', '}', ']']).unwrap_or(rest.len()),
    }
}

fn mutate(text: &str, kind: Kind, dice: &mut Dice) -> Mutant {
    let all = fields(text);
    match kind {
        Kind::Misspelling => {
            // A slip in two or three letters gives another word of the language more often than not.
            let long: Vec<_> = all.iter().filter(|field| field.key.len() > 3).collect();
            let field = dice.of(&long);
            let key = line_of(text, field.line)[field.key.clone()].to_owned();
            let wrong = slip(&key, dice);
            put(text, field.line, field.key.clone(), &wrong, key)
        }
        Kind::Type => {
            let scalars: Vec<_> = all.iter().filter(|field| !field.value.is_empty()).collect();
            let field = dice.of(&scalars);
            let wrong = ["{oops: 1}", "[[oops]]"][dice.below(2)];
            let key = line_of(text, field.line)[field.key.clone()].to_owned();
            put(text, field.line, field.value.clone(), wrong, key)
        }
        Kind::Enum => {
            let is_name = |field: &&Field| {
                let value = line_of(text, field.line)[field.value.clone()].trim_matches('"');
                value.len() > 2
                    && value.chars().all(|c| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit())
                    && !value.chars().all(|c| c.is_ascii_digit())
            };
            let names: Vec<_> = all.iter().filter(is_name).collect();
            if names.is_empty() {
                return mutate(text, Kind::Type, dice);
            }
            let field = dice.of(&names);
            let value = line_of(text, field.line)[field.value.clone()].trim_matches('"').to_owned();
            let wrong = slip(&value.to_ascii_lowercase(), dice).to_ascii_uppercase();
            put(text, field.line, field.value.clone(), &format!("\"{wrong}\""), value)
        }
        Kind::Move => moved(text, &all, dice),
    }
}

/// A field written under a message that has none of that name: in flow style, for any message is in reach there.
fn moved(text: &str, all: &[Field], dice: &mut Dice) -> Mutant {
    loop {
        let from = dice.of(&all.iter().filter(|field| !field.value.is_empty()).collect::<Vec<_>>()).clone();
        let to = dice.of(&all.iter().filter(|field| field.line != from.line).collect::<Vec<_>>()).clone();
        let (line, target) = (line_of(text, from.line), line_of(text, to.line));
        let key = line[from.key.clone()].to_owned();
        let pair = format!("{key}: {}", &line[from.value.clone()]);
        // Only where the other field opens a mapping in flow style, whose fields are known by name.
        let Some(open) = target[to.key.end..].find('{').map(|at| to.key.end + at + 1) else { continue };
        let home = &target[to.key.clone()];
        if home != "match" && home != "socket_address" && home != "redirect" && home != "address" {
            continue;
        }
        if target[open..].contains(&format!("{key}:")) || ["name", "prefix", "path", "address"].contains(&key.as_str())
        {
            continue;
        }
        let with = format!("{pair}, ");
        let text = replace_line(text, to.line, &format!("{}{with}{}", &target[..open], &target[open..]));
        return Mutant { text, line: to.line, meant: key };
    }
}

fn put(text: &str, line: usize, place: Range<usize>, with: &str, meant: String) -> Mutant {
    let mut changed = line_of(text, line).to_owned();
    changed.replace_range(place, with);
    Mutant { text: replace_line(text, line, &changed), line, meant }
}

fn line_of(text: &str, line: usize) -> &str {
    text.lines().nth(line - 1).unwrap()
}

fn replace_line(text: &str, line: usize, with: &str) -> String {
    let lines = text.lines().enumerate().map(|(index, old)| if index + 1 == line { with } else { old });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

/// Whether no line below stands further in.
fn is_leaf(text: &str, line: usize) -> bool {
    let indent = |line: &str| line.len() - line.trim_start().trim_start_matches("- ").trim_start().len();
    let own = indent(line_of(text, line));
    let below = text.lines().skip(line).find(|below| !below.trim().is_empty());
    below.is_none_or(|below| indent(below) <= own && !below.trim_start().starts_with("- "))
}

/// A word with one letter left out, doubled, swapped with its neighbour, or another one.
fn slip(word: &str, dice: &mut Dice) -> String {
    loop {
        let mut letters: Vec<char> = word.chars().collect();
        let at = dice.below(letters.len() - 1);
        match dice.below(4) {
            0 => drop(letters.remove(at)),
            1 => letters.insert(at, letters[at]),
            2 => letters.swap(at, at + 1),
            _ => letters[at] = char::from(b'a' + u8::try_from(dice.below(26)).unwrap()),
        }
        let wrong: String = letters.into_iter().collect();
        if wrong != word && !wrong.starts_with('_') {
            return wrong;
        }
    }
}

/// The same throws in every run: xorshift64*.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % bound
    }

    fn of<'a, T>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }
}
