//! `/config_dump`: the configuration that runs, as Envoy's `ConfigDump`, without its secrets.
//!
//! `dump` makes the messages, this file chooses among them as the parameters ask, `mask` cuts them down, and `json`
//! prints them and keeps what is sensitive to itself.

mod dump;
mod mask;

use http::StatusCode;
use prost_reflect::{DynamicMessage, ReflectMessage};
use regex::Regex;
use serde_json::{Map, Value, json};

use self::mask::Mask;
use super::call::Call;
use super::endpoint::{Input, Param};
use super::json;
use super::query::Query;
use super::response;
use crate::http::Response;

/// What may be asked.
pub(super) const PARAMS: &[Param] = &[
    Param { name: "resource", input: Input::Text, help: "The resource to dump" },
    Param {
        name: "mask",
        input: Input::Text,
        help: "The mask to apply: paths of fields, with commas between. With a resource, it is applied to each of its \
               elements",
    },
    Param {
        name: "name_regex",
        input: Input::Text,
        help: "Dump only configurations whose whole names match the regular expression",
    },
    Param { name: "include_eds", input: Input::Flag, help: "Dump the endpoints of clusters as well" },
];

/// All configurations, or those that were asked for.
pub(super) fn config_dump(call: &Call<'_>) -> Response {
    let chosen = Names::asked(&call.query).and_then(|names| {
        let eds = call.query.has("include_eds");
        choose(dump::all(call.admin, &names, eds), &call.query)
    });
    match chosen {
        Ok(configs) => {
            let configs: Vec<Value> = configs.iter().map(json::with_type).collect();
            let body = if configs.is_empty() { Value::Object(Map::new()) } else { json!({ "configs": configs }) };
            response::json(json::pretty(&body))
        }
        Err(refusal) => response::plain(refusal.status(), refusal.to_string()),
    }
}

/// Which names are to be dumped.
#[derive(Debug, Default)]
struct Names(Option<Regex>);

impl Names {
    fn asked(query: &Query) -> Result<Self, Refusal> {
        let Some(written) = query.value("name_regex") else { return Ok(Self(None)) };
        let whole = Regex::new(written).and_then(|_| Regex::new(&format!("^(?:{written})$")));
        whole.map(|regex| Self(Some(regex))).map_err(|_| Refusal::NoRegex(written.to_owned()))
    }

    fn take(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|names| names.is_match(name))
    }
}

/// Why nothing can be dumped.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Refusal {
    /// No configuration has a field of that name.
    UnknownResource(String),
    /// The field is not a list of resources.
    NotRepeated(String),
    /// The mask names fields that the elements of the resource do not have.
    MaskUnfit(String),
    /// The mask fits no configuration.
    MaskFitsNone(String),
    /// `name_regex` is no regular expression.
    NoRegex(String),
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::UnknownResource(_) => StatusCode::NOT_FOUND,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownResource(name) => write!(f, "{name} not found in config dump"),
            Self::NotRepeated(name) => {
                write!(f, "{name} is not a repeated field. Use ?mask={name} to get only this field")
            }
            Self::MaskUnfit(mask) => write!(f, "FieldMask {mask} could not be successfully used."),
            Self::MaskFitsNone(mask) => {
                write!(f, "FieldMask {mask} could not be successfully applied to any configs.")
            }
            Self::NoRegex(regex) => write!(f, "Error while parsing name_regex from {regex}"),
        }
    }
}

fn choose(dumps: Vec<DynamicMessage>, query: &Query) -> Result<Vec<DynamicMessage>, Refusal> {
    let mask = query.value("mask").map(Mask::parse);
    match (query.value("resource"), mask) {
        (Some(resource), mask) => elements(&dumps, resource, mask.as_ref()),
        (None, None) => Ok(dumps),
        (None, Some(mask)) => {
            let fitting: Vec<_> = dumps.into_iter().filter_map(|dump| mask.cut(dump).ok()).collect();
            if fitting.is_empty() { Err(Refusal::MaskFitsNone(mask.to_string())) } else { Ok(fitting) }
        }
    }
}

/// The elements of the first list of that name.
fn elements(dumps: &[DynamicMessage], resource: &str, mask: Option<&Mask>) -> Result<Vec<DynamicMessage>, Refusal> {
    let field = |dump: &DynamicMessage| dump.descriptor().get_field_by_name(resource);
    let Some((dump, field)) = dumps.iter().find_map(|dump| Some((dump, field(dump)?))) else {
        return Err(Refusal::UnknownResource(resource.to_owned()));
    };
    let held = dump.get_field(&field);
    let Some(list) = held.as_list() else { return Err(Refusal::NotRepeated(resource.to_owned())) };
    let elements = list.iter().filter_map(|element| element.as_message()).cloned();
    match mask {
        None => Ok(elements.collect()),
        Some(mask) => {
            let cut: Result<_, _> = elements.map(|element| mask.cut(element)).collect();
            cut.map_err(|mask::Unfit| Refusal::MaskUnfit(mask.to_string()))
        }
    }
}

#[cfg(test)]
mod tests;
