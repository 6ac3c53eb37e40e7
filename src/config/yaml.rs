//! YAML (and so JSON) text to a tree of located nodes.
//!
//! The only module that knows the YAML crate. It takes the parser's events, which carry place and quoting, instead of
//! deserialised values, which do not. Depth and what aliases may copy are bounded. YAML 1.2.2.

use std::collections::HashMap;

use serde_yaml::granit_parser::{ErrorKind, Event, Marker, Parser, ScalarStyle, ScanError, Tag, options};

use super::node::{Content, Entry, Location, Node, Scalar, Size, Syntax};

/// A text that is no tree: the first thing wrong and where.
#[derive(Debug)]
pub(crate) struct SyntaxError {
    pub(crate) location: Location,
    pub(crate) message: String,
}

/// Reads one document; `index` is which of the texts of the configuration it is.
pub(crate) fn parse(text: &str, index: usize, syntax: Syntax) -> Result<Node, SyntaxError> {
    let mut builder =
        Builder { syntax, root: None, open: Vec::new(), anchors: HashMap::new(), copied: Size::default() };
    let bounds = options! { flow_nesting_limit: MAX_DEPTH, block_nesting_limit: MAX_DEPTH };
    for event in Parser::new_from_str_with_options(text, bounds) {
        let (event, span) = event.map_err(|error| SyntaxError::of(&error, index))?;
        builder.take(event, location(index, span.start))?;
    }
    builder.root.filter(|root| !root.is_null()).ok_or_else(|| {
        let message = "there is no configuration in it: it is empty or all comments";
        SyntaxError::new(Location { text: index, line: 1, column: 1 }, message)
    })
}

/// Collections that are open, innermost last, and what anchors name.
struct Builder {
    syntax: Syntax,
    root: Option<Node>,
    open: Vec<Open>,
    /// By the parser's anchor number: the node and its size.
    anchors: HashMap<usize, (Node, Size)>,
    /// What was copied for anchors and aliases so far.
    copied: Size,
}

/// A collection being read; `anchor` is 0 when it has none.
struct Open {
    location: Location,
    anchor: usize,
    content: Content,
    /// The key that waits for its value.
    key: Option<(String, Location)>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, location: Location) -> Result<(), SyntaxError> {
        match event {
            Event::DocumentStart(..) if self.root.is_some() => {
                Err(SyntaxError::new(location, "a second document begins here: Envoy reads only the first; remove one"))
            }
            Event::Scalar(text, style, anchor, tag) => {
                let string = check_tag(tag.as_deref(), location)?;
                let plain = (style == ScalarStyle::Plain && !string).then_some(self.syntax);
                let scalar = Scalar { text: text.into_owned(), plain };
                self.place(Node { location, content: Content::Scalar(scalar) }, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                check_tag(tag.as_deref(), location)?;
                self.enter(location, anchor, Content::Sequence(Vec::new()))
            }
            Event::MappingStart(_, anchor, tag) => {
                check_tag(tag.as_deref(), location)?;
                self.enter(location, anchor, Content::Mapping(Vec::new()))
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open { location, anchor, content, .. }) => self.place(Node { location, content }, anchor),
                None => Ok(()),
            },
            Event::Alias(anchor) => {
                let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
                    return Err(SyntaxError::new(location, "this alias stands inside what it refers to"));
                };
                self.count_copy(size, location)?;
                self.place(node, 0)
            }
            _ => Ok(()),
        }
    }

    fn enter(&mut self, location: Location, anchor: usize, content: Content) -> Result<(), SyntaxError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(SyntaxError::new(location, too_deep()));
        }
        self.open.push(Open { location, anchor, content, key: None });
        Ok(())
    }

    /// Puts a finished node where it belongs: under the innermost open collection.
    fn place(&mut self, node: Node, anchor: usize) -> Result<(), SyntaxError> {
        if anchor != 0 {
            let size = node.size();
            self.count_copy(size, node.location)?;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match (&mut open.content, open.key.take()) {
            (Content::Mapping(entries), Some((key, location))) => entries.push(Entry { key, location, value: node }),
            (Content::Mapping(_), None) => match node.content {
                Content::Scalar(scalar) => open.key = Some((scalar.text, node.location)),
                _ => return Err(SyntaxError::new(node.location, "a key has to be a word, not a list or a mapping")),
            },
            (Content::Sequence(items), _) => items.push(node),
            (Content::Scalar(_), _) => {}
        }
        Ok(())
    }

    /// Aliases of aliases grow without end ("billion laughs"): what they copy is bounded.
    fn count_copy(&mut self, size: Size, location: Location) -> Result<(), SyntaxError> {
        self.copied += size;
        let message = if self.copied.nodes > MAX_COPIED {
            format!("anchors and aliases copy more than {MAX_COPIED} values")
        } else if self.copied.bytes > MAX_COPIED_BYTES {
            format!("anchors and aliases copy more than {} MiB of text", MAX_COPIED_BYTES >> 20)
        } else {
            return Ok(());
        };
        Err(SyntaxError::new(location, message))
    }
}

impl SyntaxError {
    fn new(location: Location, message: impl Into<String>) -> Self {
        Self { location, message: message.into() }
    }

    fn of(error: &ScanError, index: usize) -> Self {
        let message = match error.kind() {
            ErrorKind::RecursionLimitExceeded => too_deep(),
            _ => format!("not valid YAML: {}", error.info()),
        };
        Self::new(location(index, *error.marker()), message)
    }
}

fn too_deep() -> String {
    format!("nested deeper than {MAX_DEPTH} levels")
}

/// Whether the tag makes the value a string. Other tags name types that no field has.
fn check_tag(tag: Option<&Tag>, location: Location) -> Result<bool, SyntaxError> {
    match tag {
        None => Ok(false),
        Some(tag) if tag.is_yaml_core_schema_tag("str") || tag.original() == "!" => Ok(true),
        Some(tag) => {
            Err(SyntaxError::new(location, format!("the tag `{}` has no meaning here: remove it", tag.original())))
        }
    }
}

fn location(text: usize, marker: Marker) -> Location {
    Location { text, line: marker.line(), column: marker.col() + 1 }
}

/// Far more than a configuration needs: the walk and the drop of a tree take stack for each level.
const MAX_DEPTH: usize = 64;

/// What all anchors and aliases of a text may copy, in nodes.
const MAX_COPIED: usize = 200_000;

/// The same in bytes of keys and values: as much as the largest text may have.
const MAX_COPIED_BYTES: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Node, SyntaxError> {
        super::parse(text, 0, Syntax::Yaml)
    }

    fn location(line: usize, column: usize) -> Location {
        Location { text: 0, line, column }
    }

    fn fault(text: &str) -> (usize, usize, String) {
        let error = parse(text).unwrap_err();
        (error.location.line, error.location.column, error.message)
    }

    #[test]
    fn nodes_and_keys_know_their_places() {
        let root = parse("a:\n  - b: \"é\"\n    c: 'd'\n").unwrap();
        let a = root.entry("a").unwrap();
        assert_eq!(a.location, location(1, 1));
        let Content::Sequence(items) = &a.value.content else { panic!("no list") };
        assert_eq!(items[0].location, location(2, 5));
        let c = items[0].entry("c").unwrap();
        assert_eq!((c.location, c.value.location), (location(3, 5), location(3, 8)));
    }

    #[test]
    fn only_plain_scalars_are_plain() {
        let root = parse("[a, 'a', \"a\", !!str a, ! a]").unwrap();
        let Content::Sequence(items) = root.content else { panic!("no list") };
        let plain = items.iter().map(|item| matches!(&item.content, Content::Scalar(scalar) if scalar.plain.is_some()));
        assert_eq!(plain.collect::<Vec<_>>(), [true, false, false, false, false]);
        let block = parse("a: |\n  80\n").unwrap();
        assert!(matches!(&block.entry("a").unwrap().value.content, Content::Scalar(scalar) if scalar.plain.is_none()));
    }

    #[test]
    fn an_alias_is_a_copy_at_the_place_of_its_anchor() {
        let root = parse("a: &x {b: 1}\nc: *x\n").unwrap();
        let copy = &root.entry("c").unwrap().value;
        assert_eq!(copy.location, location(1, 7));
        assert!(copy.entry("b").is_some());
    }

    #[test]
    fn an_alias_inside_its_own_anchor_is_a_fault() {
        let (line, column, message) = fault("a: &x [*x]");
        assert_eq!((line, column), (1, 8));
        assert!(message.contains("alias"), "{message}");
    }

    #[test]
    fn what_aliases_copy_is_bounded_in_bytes_too() {
        let text = |aliases| format!("a: &x \"{}\"\nb: [{}]\n", "y".repeat(1 << 20), vec!["*x"; aliases].join(", "));
        assert!(parse(&text(63)).is_ok());
        let (line, column, message) = fault(&text(64));
        assert_eq!((line, column), (2, 5 + 63 * 4));
        assert_eq!(message, "anchors and aliases copy more than 64 MiB of text");
    }

    #[test]
    fn a_key_has_to_be_a_word() {
        assert_eq!(fault("? [a]\n: b\n"), (1, 3, "a key has to be a word, not a list or a mapping".to_owned()));
    }

    #[test]
    fn json_is_yaml_with_tabs_surrogates_and_long_lines() {
        let root = parse("{\n\t\"a\":\t[1,\n\t\"\\ud83d\\ude00\\/\"]\n}").unwrap();
        let Content::Sequence(items) = &root.entry("a").unwrap().value.content else { panic!("no list") };
        assert!(matches!(&items[1].content, Content::Scalar(scalar) if scalar.text == "😀/"));
        let long = format!("{{\"a\":{{\"b\":\"{}\",\"c\":[1,2]}},\"d\":1}}", "x".repeat(5000));
        assert!(parse(&long).unwrap().entry("d").is_some());
    }
}
