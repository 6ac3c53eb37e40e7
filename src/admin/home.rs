//! `/`: the commands as a page, with a form for each that takes parameters or changes something.

use std::fmt::Write as _;

use super::call::Call;
use super::endpoint::{Endpoint, Input, Kind, Param};
use super::html::{escaped, page};
use super::query::Query;
use super::response;
use crate::http::Response;

/// The page.
pub(super) fn home(_: &Call<'_>) -> Response {
    let rows: String = Endpoint::all().filter(|endpoint| endpoint.path != "/").map(row).collect();
    let table = format!(
        "<table>\n<thead><tr><th>Command</th><th>Description</th></tr></thead>\n<tbody>\n{rows}</tbody></table>"
    );
    response::html(page("commands", &table))
}

/// A form that asks for what `endpoint` does, filled in with what was asked before.
pub(super) fn form(endpoint: &Endpoint, asked: &Query) -> String {
    let (path, method) = (relative(endpoint), if endpoint.changes() { "post" } else { "get" });
    let inputs: String = endpoint.params.iter().map(|param| input(param, asked)).collect();
    format!("<form method=\"{method}\" action=\"{path}\">{inputs}<button>{path}</button></form>\n")
}

fn row(endpoint: &Endpoint) -> String {
    let path = relative(endpoint);
    let command = match (endpoint.kind, endpoint.params) {
        (Kind::Shows, []) => format!("<a href=\"{path}\">{path}</a>"),
        _ => form(endpoint, &Query::default()),
    };
    format!("<tr><td>{command}</td><td>{}</td></tr>\n", escaped(endpoint.help))
}

/// The path as it is written in a page, so that it holds behind a prefix as well.
fn relative(endpoint: &Endpoint) -> &'static str {
    endpoint.path.trim_start_matches('/')
}

fn input(param: &Param, asked: &Query) -> String {
    let (name, help) = (param.name, escaped(param.help));
    let field = match param.input {
        Input::Flag => {
            let checked = if asked.has(name) { " checked" } else { "" };
            format!("<input type=\"checkbox\" name=\"{name}\"{checked}>")
        }
        Input::Text => {
            let value = escaped(asked.value(name).unwrap_or_default());
            format!("<input name=\"{name}\" value=\"{value}\">")
        }
        Input::OneOf(values) => select(name, values, asked.value(name)),
    };
    format!("<label>{field} {name}: {help}</label>")
}

fn select(name: &str, values: &[&str], asked: Option<&str>) -> String {
    let mut out = format!("<select name=\"{name}\"><option></option>");
    for value in values {
        let selected = if asked == Some(value) { " selected" } else { "" };
        // Writing into a string does not fail.
        let _ = write!(out, "<option{selected}>{value}</option>");
    }
    out.push_str("</select>");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_something_is_a_form_that_posts() {
        let quit = row(Endpoint::find("/quitquitquit").unwrap());
        assert!(quit.contains("method=\"post\" action=\"quitquitquit\""), "{quit}");
        assert!(row(Endpoint::find("/certs").unwrap()).contains("<a href=\"certs\">"));
    }

    #[test]
    fn what_was_asked_is_filled_in_as_text() {
        let asked = Query::parse("usedonly&filter=%22%3E%3Cscript%3E&format=json");
        let form = form(Endpoint::find("/stats").unwrap(), &asked);
        assert!(form.contains("name=\"usedonly\" checked"));
        assert!(form.contains("value=\"&quot;&gt;&lt;script&gt;\""));
        assert!(form.contains("<option selected>json</option>"));
    }
}
