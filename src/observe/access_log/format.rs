//! A compiled log format: text or JSON.
//!
//! Built from configuration (`log_format`, `body_format`), written once per line. The language is in `syntax` and
//! `operator`.

use super::capture::Captures;
use super::error::FormatError;
use super::json::Template;
use super::operator::Operator;
use super::record::Record;
use super::syntax::{Token, tokens};

/// A format ready to be written.
#[derive(Clone, Debug)]
pub struct Format(Kind);

/// What is written for a fact that is missing: `omit_empty_values`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EmptyValues {
    /// `-` in text, `null` in JSON.
    #[default]
    Keep,
    /// Nothing in text, no property in JSON.
    Omit,
}

/// One piece of a text.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    Literal(Box<str>),
    Operator(Operator),
}

#[derive(Clone, Debug)]
enum Kind {
    Text(Vec<Piece>, EmptyValues),
    Json(Template, EmptyValues),
}

// === impl Format ===

impl Format {
    /// A text format. What ends a line must stand in it.
    ///
    /// # Errors
    /// Where the text is not in Envoy's format language: the error names the operator, its place, and names like it.
    pub fn text(text: &str, empty: EmptyValues, captures: &mut Captures) -> Result<Self, FormatError> {
        Ok(Self(Kind::Text(pieces(text, captures)?, empty)))
    }

    /// A JSON format: an object whose texts are text formats. Its properties are written in the order of their names, each
    /// record on a line of its own. A text that is one operator is written with the type of its value.
    ///
    /// # Errors
    /// Where `template` is not an object, or a text in it is not in Envoy's format language.
    pub fn json(
        template: &serde_json::Value,
        empty: EmptyValues,
        captures: &mut Captures,
    ) -> Result<Self, FormatError> {
        Ok(Self(Kind::Json(Template::compile(template, captures)?, empty)))
    }

    /// The format of an access log that has none: [`DEFAULT_FORMAT`].
    ///
    /// # Errors
    /// None: the default is in the language, and a test holds it so.
    pub fn envoy_default(captures: &mut Captures) -> Result<Self, FormatError> {
        Self::text(DEFAULT_FORMAT, EmptyValues::Keep, captures)
    }

    /// Writes the line of `record`, whose fields were captured with the list this format was built with.
    pub fn write(&self, record: &Record, out: &mut Vec<u8>) {
        match &self.0 {
            Kind::Json(template, empty) => template.write(record, *empty, out),
            Kind::Text(pieces, empty) => {
                for piece in pieces {
                    match piece {
                        Piece::Literal(text) => out.extend_from_slice(text.as_bytes()),
                        Piece::Operator(operator) => operator.answer(record).write_text(out, empty.in_text()),
                    }
                }
            }
        }
    }
}

// === impl EmptyValues ===

impl EmptyValues {
    /// What stands in a text for a fact that is missing.
    pub(super) fn in_text(self) -> &'static str {
        match self {
            Self::Keep => "-",
            Self::Omit => "",
        }
    }
}

/// Compiles a text; neighbouring literals become one.
pub(super) fn pieces(text: &str, captures: &mut Captures) -> Result<Vec<Piece>, FormatError> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    for token in tokens(text)? {
        match token {
            Token::Literal(text) => literal.push_str(text),
            Token::Command(command) => {
                if !literal.is_empty() {
                    pieces.push(Piece::Literal(std::mem::take(&mut literal).into()));
                }
                pieces.push(Piece::Operator(Operator::compile(&command, captures)?));
            }
        }
    }
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal.into()));
    }
    Ok(pieces)
}

/// Envoy's default access log format.
pub const DEFAULT_FORMAT: &str = concat!(
    "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" ",
    "%RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% ",
    "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" ",
    "\"%REQ(X-REQUEST-ID)%\" \"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\"\n",
);
