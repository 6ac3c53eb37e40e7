//! Header fields that a configuration adds, overwrites and removes.
//!
//! Route, virtual host and route configuration each have such a set for requests and one for responses; `route` applies
//! them in Envoy's order.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::config::proto::envoy::config::core::v3::HeaderValueOption;
use crate::config::proto::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use crate::config::{At, Invalid};
use crate::observe::access_log::{Captures, EmptyValues, Format, Record};

use super::{literal, one_line};

/// The changes that one level of the configuration makes.
#[derive(Clone, Debug, Default)]
pub struct HeaderMutations {
    remove: Box<[HeaderName]>,
    add: Box<[Addition]>,
}

/// Whose fields are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The request's, on its way upstream.
    Request,
    /// The response's, on its way to the client.
    Response,
}

/// One field to add: Envoy's `HeaderValueOption`.
#[derive(Clone, Debug)]
struct Addition {
    name: HeaderName,
    value: Value,
    action: HeaderAppendAction,
    keep_empty: bool,
    /// Whether the field stays in one line, so that a value is appended behind a comma.
    one_line: bool,
}

/// What a field is set to.
#[derive(Clone, Debug)]
enum Value {
    /// The same for all.
    Literal(HeaderValue),
    /// Made of the facts of the exchange.
    Format(Format),
}

// === impl HeaderMutations ===

impl HeaderMutations {
    /// The changes said by a message with the fields `<direction>_headers_to_add` and `<direction>_headers_to_remove`,
    /// at which `at` stands.
    ///
    /// # Errors
    /// When a name may not be changed or a value cannot be sent.
    pub fn build(
        at: At<'_>,
        direction: Direction,
        add: &[HeaderValueOption],
        remove: &[String],
    ) -> Result<Self, Invalid> {
        let (to_add, to_remove) = match direction {
            Direction::Request => ("request_headers_to_add", "request_headers_to_remove"),
            Direction::Response => ("response_headers_to_add", "response_headers_to_remove"),
        };
        let add = at.each(to_add, add, |at, option| Addition::build(at, option, direction, None));
        let remove = at.each(to_remove, remove, |at, name| changeable(at, name));
        Ok(Self { add: add?.into(), remove: remove?.into() })
    }

    /// The fields that the list `name` of the message at `at` adds to a response, for [`Self::apply_for`]; what their values read
    /// is noted in `captures`.
    ///
    /// # Errors
    /// When a name may not be changed or a value cannot be sent.
    pub fn of_response(
        at: At<'_>,
        name: &str,
        add: &[HeaderValueOption],
        captures: &mut Captures,
    ) -> Result<Self, Invalid> {
        let add =
            at.each(name, add, |at, option| Addition::build(at, option, Direction::Response, Some(&mut *captures)));
        Ok(Self { remove: Box::default(), add: add?.into() })
    }

    /// Whether nothing is changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty()
    }

    /// Makes the changes: fields are removed, then overwritten, then added. What depends on a field that is there looks at
    /// those that are left after the removal.
    pub fn apply(&self, headers: &mut HeaderMap) {
        self.change(headers, None);
    }

    /// The same, with values made of the facts of an exchange.
    pub fn apply_for(&self, headers: &mut HeaderMap, record: &Record) {
        self.change(headers, Some(record));
    }

    fn change(&self, headers: &mut HeaderMap, record: Option<&Record>) {
        for name in &self.remove {
            headers.remove(name);
        }
        let due: Vec<_> =
            self.add.iter().filter_map(|addition| Some((addition, addition.value(headers, record)?))).collect();
        for (addition, value) in due.iter().filter(|(addition, _)| addition.overwrites()) {
            headers.insert(addition.name.clone(), value.as_ref().clone());
        }
        for (addition, value) in due.iter().filter(|(addition, _)| !addition.overwrites()) {
            addition.append(headers, value);
        }
    }
}

// === impl Addition ===

impl Addition {
    fn build(
        at: At<'_>,
        option: &HeaderValueOption,
        direction: Direction,
        captures: Option<&mut Captures>,
    ) -> Result<Self, Invalid> {
        let header = at.required("header", option.header.as_ref())?;
        let name = changeable(at.field("header.key"), &header.key);
        let value = Value::build(at.field("header.value"), &header.value, captures);
        let action = append_action(at, option);
        if !header.raw_value.is_empty() {
            at.field("header.raw_value").no_effect("is not read here, as in Envoy: write the text into `value`");
        }
        let name = name?;
        let one_line = match direction {
            Direction::Request => one_line::in_requests(&name),
            Direction::Response => one_line::in_responses(&name),
        };
        Ok(Self { name, value: value?, action: action?, keep_empty: option.keep_empty_value, one_line })
    }

    /// The value, when the field is to be set at all.
    fn value(&self, headers: &HeaderMap, record: Option<&Record>) -> Option<Cow<'_, HeaderValue>> {
        let is_due = match self.action {
            HeaderAppendAction::AppendIfExistsOrAdd | HeaderAppendAction::OverwriteIfExistsOrAdd => true,
            HeaderAppendAction::AddIfAbsent => !headers.contains_key(&self.name),
            HeaderAppendAction::OverwriteIfExists => headers.contains_key(&self.name),
        };
        let value = is_due.then(|| self.value.evaluate(record))?;
        (self.keep_empty || !value.is_empty()).then_some(value)
    }

    fn overwrites(&self) -> bool {
        match self.action {
            HeaderAppendAction::OverwriteIfExists | HeaderAppendAction::OverwriteIfExistsOrAdd => true,
            HeaderAppendAction::AppendIfExistsOrAdd | HeaderAppendAction::AddIfAbsent => false,
        }
    }

    /// Adds a line, or adds to the one there is.
    fn append(&self, headers: &mut HeaderMap, value: &HeaderValue) {
        let lines = headers.get_all(&self.name);
        let joins = self.one_line && lines.iter().next().is_some();
        let joined = joins.then(|| one_line::joined(lines.iter().chain([value]).map(HeaderValue::as_bytes)));
        match joined.and_then(|joined| HeaderValue::try_from(joined).ok()) {
            Some(joined) => headers.insert(self.name.clone(), joined).is_some(),
            None => headers.append(self.name.clone(), value.clone()),
        };
    }
}

/// The name of a field that may be changed.
fn changeable(at: At<'_>, name: &str) -> Result<HeaderName, Invalid> {
    if name.starts_with(':') || name.eq_ignore_ascii_case("host") {
        let hint =
            "a route changes the path by `prefix_rewrite` or `regex_rewrite`, the host by `host_rewrite_literal`";
        return Err(at.error_with_hint("pseudo-header fields and `host` cannot be changed", hint));
    }
    let name = HeaderName::from_bytes(name.as_bytes());
    name.map_err(|_| at.error("no header field can have this name: use letters, digits, `-` and `_`"))
}

/// The action said by `append_action`, or by the older `append`.
fn append_action(at: At<'_>, option: &HeaderValueOption) -> Result<HeaderAppendAction, Invalid> {
    let action = HeaderAppendAction::try_from(option.append_action);
    match (option.append, action.map_err(|error| at.field("append_action").error(error))?) {
        (None, action) => Ok(action),
        (Some(true), HeaderAppendAction::AppendIfExistsOrAdd) => Ok(HeaderAppendAction::AppendIfExistsOrAdd),
        (Some(false), HeaderAppendAction::AppendIfExistsOrAdd) => Ok(HeaderAppendAction::OverwriteIfExistsOrAdd),
        (Some(_), _) => Err(at.field("append").error("stands beside `append_action`: write only the latter")),
    }
}

// === impl Value ===

impl Value {
    fn build(at: At<'_>, format: &str, captures: Option<&mut Captures>) -> Result<Self, Invalid> {
        if let Some(captures) = captures.filter(|_| format.contains('%')) {
            let format = Format::text(format, EmptyValues::Omit, captures).map_err(|error| at.error(error));
            return format.map(Self::Format);
        }
        let text = literal::text(at, format)?;
        HeaderValue::try_from(text)
            .map(Self::Literal)
            .map_err(|_| at.error("no header field can hold a control character"))
    }

    fn evaluate(&self, record: Option<&Record>) -> Cow<'_, HeaderValue> {
        match self {
            Self::Literal(value) => Cow::Borrowed(value),
            Self::Format(format) => {
                let mut text = Vec::new();
                if let Some(record) = record {
                    format.write(record, &mut text);
                }
                Cow::Owned(HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("")))
            }
        }
    }
}
