//! The syntax of a format: text, `%%`, and `%NAME(ARGUMENT):LENGTH%`.
//!
//! The first step of `format`: it knows what a command looks like, not which ones there are.

use super::error::{FormatError, Problem};

/// A piece of a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// Text that stands for itself.
    Literal(&'a str),
    /// A command.
    Command(Command<'a>),
}

/// A command as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Command<'a> {
    /// Where it begins.
    pub(super) position: usize,
    pub(super) name: &'a str,
    /// What stands in brackets; empty brackets are as none.
    pub(super) argument: Option<&'a str>,
    /// The greatest length in bytes.
    pub(super) length: Option<usize>,
}

/// The pieces of `text`, in order.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, FormatError> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some((literal, after)) = rest.split_once('%') {
        if !literal.is_empty() {
            tokens.push(Token::Literal(literal));
        }
        rest = if let Some(after) = after.strip_prefix('%') {
            tokens.push(Token::Literal("%"));
            after
        } else {
            let position = text.len() - after.len() - 1;
            let (command, after) = command(after, position)?;
            tokens.push(Token::Command(command));
            after
        };
    }
    if !rest.is_empty() {
        tokens.push(Token::Literal(rest));
    }
    Ok(tokens)
}

/// The command at the start of `text`, behind its `%`, and what follows it.
fn command(text: &str, position: usize) -> Result<(Command<'_>, &str), FormatError> {
    let unbalanced = || FormatError::new(position, Problem::Unbalanced);
    let end = text.find(|letter: char| !is_name(letter)).ok_or_else(unbalanced)?;
    let (name, rest) = text.split_at(end);
    if name.is_empty() {
        return Err(unbalanced());
    }
    let (argument, rest) = match rest.strip_prefix('(') {
        Some(inside) => argument(inside).ok_or_else(unbalanced)?,
        None => ("", rest),
    };
    let (length, rest) = ending(rest).ok_or_else(unbalanced)?;
    let argument = (!argument.is_empty()).then_some(argument);
    let length = length.map(|digits| {
        let problem = || Problem::BadArgument {
            operator: name.to_owned(),
            argument: digits.to_owned(),
            expected: "a length is a number of bytes",
        };
        digits.parse().map_err(|_| FormatError::new(position, problem()))
    });
    Ok((Command { position, name, argument, length: length.transpose()? }, rest))
}

/// What stands in brackets, up to the first bracket behind which the command can end, and what follows that bracket.
/// It stays on its line.
fn argument(inside: &str) -> Option<(&str, &str)> {
    let line = inside.split('\n').next().unwrap_or(inside);
    line.match_indices(')').find_map(|(at, _)| {
        let (argument, rest) = inside.split_at(at);
        let rest = rest.get(1..)?;
        ending(rest).map(|_| (argument, rest))
    })
}

/// The end of a command, `%` or `:LENGTH%`: the digits, and what follows.
fn ending(text: &str) -> Option<(Option<&str>, &str)> {
    if let Some(rest) = text.strip_prefix('%') {
        return Some((None, rest));
    }
    let (digits, rest) = text.strip_prefix(':')?.split_once('%')?;
    let number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    number.then_some((Some(digits), rest))
}

fn is_name(letter: char) -> bool {
    letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one<'a>(name: &'a str, argument: Option<&'a str>, length: Option<usize>) -> Token<'a> {
        Token::Command(Command { position: 0, name, argument, length })
    }

    #[test]
    fn commands_are_read() {
        let cases = [
            ("%PROTOCOL%", one("PROTOCOL", None, None)),
            ("%PROTOCOL()%", one("PROTOCOL", None, None)),
            ("%REQ(a?b):3%", one("REQ", Some("a?b"), Some(3))),
            ("%REQ(a):0%", one("REQ", Some("a"), Some(0))),
            ("%REQ:3%", one("REQ", None, Some(3))),
            ("%START_TIME(%Y-%m)%", one("START_TIME", Some("%Y-%m"), None)),
            ("%START_TIME(a(b)c)%", one("START_TIME", Some("a(b)c"), None)),
            ("%START_TIME(%s):3%", one("START_TIME", Some("%s"), Some(3))),
        ];
        for (text, token) in cases {
            assert_eq!(tokens(text).unwrap(), [token], "{text}");
        }
    }

    #[test]
    fn text_and_commands_alternate() {
        let two = Token::Command(Command { position: 5, name: "DURATION", argument: None, length: None });
        let text = "a%%b %DURATION%\n";
        let literal = Token::Literal;
        assert_eq!(tokens(text).unwrap(), [literal("a"), literal("%"), literal("b "), two, literal("\n")]);
        assert_eq!(tokens("").unwrap(), []);
    }

    /// Each of these the release binary of Envoy 1.40 refuses, too.
    #[test]
    fn what_is_no_command_is_an_error_at_its_percent_sign() {
        let cases = [
            ("%PROTOCOL", 0),
            ("a%", 1),
            ("50%%PROTOCOL%", 12),
            ("% PROTOCOL%", 0),
            ("%protocol%", 0),
            ("%REQ(a):%", 0),
            ("%REQ(a):x%", 0),
            ("%REQ(a):-1%", 0),
            ("%REQ(a", 0),
            ("%REQ(a)", 0),
            ("%REQ(a)x%", 0),
            ("%REQ(a\nb)%", 0),
            ("%REQ(a):3", 0),
            ("x %START_TIME(%Y%", 2),
        ];
        for (text, position) in cases {
            assert_eq!(tokens(text).unwrap_err(), FormatError::new(position, Problem::Unbalanced), "{text}");
        }
    }

    #[test]
    fn a_length_beyond_all_measure_is_an_error() {
        let error = tokens("%REQ(a):99999999999999999999%").unwrap_err();
        assert!(matches!(error.problem, Problem::BadArgument { .. }), "{error}");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(%|[A-Z_(){}:?]|[0-9]|\\PC|\n){0,40}") {
            if let Err(error) = tokens(&text) {
                prop_assert_eq!(&text[error.position..=error.position], "%");
            }
        }

        #[test]
        fn literals_come_back_as_they_were(text in "(\\PC|\n){0,40}") {
            let escaped = text.replace('%', "%%");
            let back: String = tokens(&escaped).unwrap().iter().map(|token| match token {
                Token::Literal(literal) => *literal,
                Token::Command(command) => panic!("{command:?} in a text without any"),
            }).collect();
            prop_assert_eq!(back, text);
        }

        #[test]
        fn a_printed_command_is_read_back(
            name in "[A-Z][A-Z0-9_]{0,20}",
            argument in proptest::option::of("[a-z:?%-]{1,12}"),
            length in proptest::option::of(0_usize..100_000),
        ) {
            let brackets = argument.as_ref().map(|inside| format!("({inside})")).unwrap_or_default();
            let tail = length.map(|length| format!(":{length}")).unwrap_or_default();
            let text = format!("%{name}{brackets}{tail}%");
            prop_assert_eq!(tokens(&text).unwrap(), [one(&name, argument.as_deref(), length)]);
        }
    }
}
