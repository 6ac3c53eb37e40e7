//! The annotations of a field, from their text form (`validate.rules={string { min_len: 1 }}`) to a tree.

/// One annotation: `deprecated`, or a name with what stands in its braces.
pub(crate) struct Annotation {
    pub(crate) name: String,
    pub(crate) content: Vec<Entry>,
}

/// An entry of proto text: `min_len: 1` or `string { ... }`.
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) value: Value,
}

/// What an entry holds; strings come without their quotes.
pub(crate) enum Value {
    Literal(String),
    Block(Vec<Entry>),
}

/// Reads the annotations of one line.
pub(crate) fn parse(text: &str) -> Option<Vec<Annotation>> {
    let mut annotations = Vec::new();
    let mut tokens = tokenize(text)?.into_iter().peekable();
    while let Some(word) = tokens.next() {
        let Some(name) = word.strip_suffix('=') else {
            annotations.push(Annotation { name: word, content: Vec::new() });
            continue;
        };
        tokens.next_if_eq("{")?;
        // A single literal, such as {True} or {3.0}, has no entries.
        let literal =
            tokens.next_if(|token| token == "True" || token.starts_with(|first: char| first.is_ascii_digit()));
        let content = if literal.is_some() { Vec::new() } else { parse_entries(&mut tokens)? };
        tokens.next_if_eq("}")?;
        annotations.push(Annotation { name: name.to_owned(), content });
    }
    Some(annotations)
}

type Tokens = std::iter::Peekable<std::vec::IntoIter<String>>;

/// Entries up to the brace that closes them, which stays.
fn parse_entries(tokens: &mut Tokens) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    while tokens.peek()? != "}" {
        let name = tokens.next()?;
        let value = if tokens.next_if_eq("{").is_some() {
            let block = parse_entries(tokens)?;
            tokens.next_if_eq("}")?;
            Value::Block(block)
        } else {
            Value::Literal(tokens.next()?)
        };
        entries.push(Entry { name: name.trim_end_matches(':').to_owned(), value });
    }
    Some(entries)
}

/// Words, braces and strings; `name:` and `name=` keep their last character.
fn tokenize(text: &str) -> Option<Vec<String>> {
    let mut tokens = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' => {}
            '{' | '}' => tokens.push(letter.to_string()),
            '"' => {
                let mut string = String::new();
                loop {
                    match letters.next()? {
                        '"' => break,
                        '\\' => string.push(letters.next()?),
                        other => string.push(other),
                    }
                }
                tokens.push(string);
            }
            _ => {
                let mut word = letter.to_string();
                while let Some(next) = letters.next_if(|next| !matches!(next, ' ' | '{' | '}')) {
                    word.push(next);
                }
                tokens.push(word);
            }
        }
    }
    Some(tokens)
}
