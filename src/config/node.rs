//! A configuration text as a tree of located nodes.
//!
//! `yaml` makes it, `decode` walks it, and `At` looks up in it where a path stands in the file.

use std::fmt;
use std::ops::AddAssign;

/// A place in a text: line and column count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// Which of the texts of the configuration, from 0.
    pub text: usize,
    /// The line, from 1; 0 for the text as a whole.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
}

impl Location {
    /// A text as a whole.
    pub(crate) fn whole(text: usize) -> Self {
        Self { text, line: 0, column: 0 }
    }
}

/// A value and the place where it begins.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) location: Location,
    pub(crate) content: Content,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>),
}

/// A key and its value. Keys may occur twice: the walk over the tree reports it, with the path.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) location: Location,
    pub(crate) value: Node,
}

/// A scalar as written.
#[derive(Clone, Debug)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    /// By whose rules it becomes a value; none with quotes or in block style, for then it is a string.
    pub(crate) plain: Option<Syntax>,
}

/// The rules that turn a plain scalar into a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    Yaml,
    Json,
}

/// What a scalar means before a field says which type it wants.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Meaning {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
}

impl Node {
    /// A null is a field that is not set.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.content, Content::Scalar(scalar) if scalar.is_null())
    }

    /// The entry of a mapping under this key.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.content {
            Content::Mapping(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// What a copy of this takes.
    pub(crate) fn size(&self) -> Size {
        let mut size = Size { nodes: 1, bytes: 0 };
        match &self.content {
            Content::Scalar(scalar) => size.bytes += scalar.text.len(),
            Content::Sequence(items) => items.iter().for_each(|item| size += item.size()),
            Content::Mapping(entries) => entries.iter().for_each(|entry| {
                size.bytes += entry.key.len();
                size += entry.value.size();
            }),
        }
        size
    }

    /// What kind of value this is, for a message.
    pub(crate) fn describe(&self) -> String {
        match &self.content {
            Content::Sequence(_) => "a list".to_owned(),
            Content::Mapping(_) => "a mapping".to_owned(),
            Content::Scalar(scalar) => match scalar.meaning() {
                Meaning::Null => "nothing".to_owned(),
                Meaning::Bool(value) => format!("the boolean {value}"),
                Meaning::Integer(value) => format!("the number {value}"),
                Meaning::Float(value) => format!("the number {value}"),
                Meaning::Text(text) => format!("the string {}", Quoted(&text)),
            },
        }
    }
}

impl Scalar {
    pub(crate) fn is_null(&self) -> bool {
        self.plain.is_some() && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }

    /// The value as Envoy reads it. Its YAML reader knows YAML 1.1 booleans and octal and hexadecimal integers, keeps
    /// an integer that needs more than 32 bits as text, and every fraction too; JSON numbers are numbers.
    pub(crate) fn meaning(&self) -> Meaning {
        match self.plain {
            None => Meaning::Text(self.text.clone()),
            Some(_) if self.is_null() => Meaning::Null,
            Some(Syntax::Yaml) => self.yaml_meaning(),
            Some(Syntax::Json) => self.json_meaning(),
        }
    }

    fn yaml_meaning(&self) -> Meaning {
        if let Some(value) = yaml_bool(&self.text) {
            return Meaning::Bool(value);
        }
        match yaml_integer(&self.text) {
            Some(value) if i32::try_from(value).is_ok() => Meaning::Integer(value),
            Some(value) => Meaning::Text(value.to_string()),
            None => Meaning::Text(self.text.clone()),
        }
    }

    fn json_meaning(&self) -> Meaning {
        match self.text.as_str() {
            "true" => Meaning::Bool(true),
            "false" => Meaning::Bool(false),
            text => {
                let integer = text.parse().ok().map(Meaning::Integer);
                let number = || text.parse().ok().filter(|_| text.contains(|c: char| c.is_ascii_digit()));
                integer.or_else(|| number().map(Meaning::Float)).unwrap_or_else(|| Meaning::Text(text.to_owned()))
            }
        }
    }
}

/// How much of a tree hangs together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Size {
    pub(crate) nodes: usize,
    /// Of keys and scalars.
    pub(crate) bytes: usize,
}

impl AddAssign for Size {
    fn add_assign(&mut self, other: Self) {
        self.nodes += other.nodes;
        self.bytes += other.bytes;
    }
}

/// A text from the input, short and with its control characters escaped, between back-quotes.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: String = self.0.chars().take(QUOTED_CHARACTERS).collect();
        let rest = if shown.len() < self.0.len() { "..." } else { "" };
        write!(formatter, "`{}{rest}`", shown.escape_debug())
    }
}

/// YAML 1.1 booleans: lower case, upper case or capitalised.
fn yaml_bool(text: &str) -> Option<bool> {
    let mut rest = text.chars().skip(1);
    let uniform = text.chars().all(|c| c.is_ascii_uppercase()) || rest.all(|c| c.is_ascii_lowercase());
    match text.to_ascii_lowercase().as_str() {
        "y" | "yes" | "true" | "on" if uniform => Some(true),
        "n" | "no" | "false" | "off" if uniform => Some(false),
        _ => None,
    }
}

/// A decimal, `0x` hexadecimal or `0` octal integer that fits 64 bits.
fn yaml_integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text),
    };
    let (radix, digits) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(digits) => (16, digits),
        None if digits.len() > 1 && digits.starts_with('0') => (8, digits),
        None => (10, digits),
    };
    if digits.starts_with(['-', '+']) {
        return None;
    }
    let value = i128::from_str_radix(digits, radix).ok()?;
    i64::try_from(if negative { -value } else { value }).ok()
}

/// A message shows this much of a text from the input.
const QUOTED_CHARACTERS: usize = 100;
