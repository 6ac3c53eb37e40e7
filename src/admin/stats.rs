//! `/stats`, `/stats/prometheus`, `/reset_counters`: what is counted.

use http::StatusCode;
use regex::{Regex, RegexBuilder};

use super::call::Call;
use super::endpoint::{Endpoint, Input, Param};
use super::query::Query as Params;
use super::response::{self, done, text};
use super::{home, html};
use crate::http::Response;
use crate::observe::stats::render::{self, Buckets, Kind, Query};

/// What may be asked of `/stats`.
pub(super) const PARAMS: &[Param] = &[
    USED_ONLY,
    FILTER,
    INVERT_FILTER,
    Param { name: "format", input: Input::OneOf(&["html", "text", "json", "prometheus"]), help: "Format to use" },
    Param {
        name: "type",
        input: Input::OneOf(&["All", "Counters", "Histograms", "Gauges", "TextReadouts"]),
        help: "Stat types to include.",
    },
    Param {
        name: "histogram_buckets",
        input: Input::OneOf(&["cumulative", "disjoint", "detailed", "summary"]),
        help: "Histogram bucket display mode",
    },
];

/// What may be asked of `/stats/prometheus`.
pub(super) const PROMETHEUS_PARAMS: &[Param] = &[
    USED_ONLY,
    FILTER,
    INVERT_FILTER,
    Param {
        name: "histogram_buckets",
        input: Input::OneOf(&["cumulative", "summary"]),
        help: "Histogram bucket display mode",
    },
];

/// All statistics, or those asked for, in the form asked for.
pub(super) fn stats(call: &Call<'_>) -> Response {
    let query = match asked(&call.query) {
        Ok(query) => query,
        Err(refusal) => return refused(refusal),
    };
    call.admin.refresh_stats();
    let store = &call.admin.stats;
    match call.query.value("format") {
        None | Some("text") => text(StatusCode::OK, render::text(store, &query)),
        Some("json") => response::json(render::json(store, &query)),
        Some("html") => response::html(page(&render::text(store, &query), &call.query)),
        Some("prometheus") => exposed(call, &query),
        Some(_) => refused(FORMATS.to_owned()),
    }
}

/// All statistics, or those asked for, in Prometheus' text format.
pub(super) fn prometheus(call: &Call<'_>) -> Response {
    match asked(&call.query) {
        Ok(query) => {
            call.admin.refresh_stats();
            exposed(call, &query)
        }
        Err(refusal) => refused(refusal),
    }
}

/// Sets all counters to zero.
pub(super) fn reset_counters(call: &Call<'_>) -> Response {
    call.admin.stats.reset_counters();
    done()
}

fn exposed(call: &Call<'_>, query: &Query) -> Response {
    if matches!(query.buckets, Buckets::Disjoint | Buckets::Detailed) {
        return refused("unsupported prometheus histogram bucket mode".to_owned());
    }
    text(StatusCode::OK, render::prometheus(&call.admin.stats, query))
}

fn refused(why: String) -> Response {
    text(StatusCode::BAD_REQUEST, why)
}

/// What the parameters ask for.
///
/// # Errors
/// What is said to who asks for what there is not.
fn asked(params: &Params) -> Result<Query, String> {
    let kind = params.value("type").map_or(Some(Kind::All), Kind::named);
    let buckets = params.value("histogram_buckets").map_or(Some(Buckets::Unspecified), Buckets::named);
    let filter = params.value("filter").map(filter).transpose();
    Ok(Query {
        used_only: params.has("usedonly"),
        filter: filter.map_err(|reason| format!("Invalid re2 regex: {reason}"))?,
        invert: params.has("invert_filter"),
        kind: kind.ok_or_else(|| "invalid &type= param".to_owned())?,
        buckets: buckets.ok_or_else(|| MODES.to_owned())?,
    })
}

/// A filter, or why it is none, in a line.
fn filter(written: &str) -> Result<Regex, String> {
    RegexBuilder::new(written).size_limit(FILTER_SIZE).build().map_err(|error| {
        let told = error.to_string();
        let reason = told.lines().last().unwrap_or_default();
        reason.strip_prefix("error: ").unwrap_or(reason).to_owned()
    })
}

fn page(stats: &str, query: &Params) -> String {
    let form = Endpoint::find("/stats").map(|endpoint| home::form(endpoint, query)).unwrap_or_default();
    html::page("stats", &format!("{form}<pre>{}</pre>", html::escaped(stats)))
}

const USED_ONLY: Param = Param {
    name: "usedonly",
    input: Input::Flag,
    help: "Only include stats that have been written by system since restart",
};
const FILTER: Param = Param { name: "filter", input: Input::Text, help: "Regular expression for filtering stats" };
const INVERT_FILTER: Param = Param { name: "invert_filter", input: Input::Flag, help: "Invert the filter regex" };

/// Said to who asks for another format.
const FORMATS: &str = "usage: /stats?format=(html|json|prometheus|text)\n\n";

/// Said to who asks for other buckets.
const MODES: &str = "usage: /stats?histogram_buckets=(cumulative|disjoint|detailed|summary)\n";

/// Bytes that a compiled filter may take.
const FILTER_SIZE: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read() {
        let query = asked(&Params::parse("usedonly&filter=upstream&type=Gauges&histogram_buckets=disjoint")).unwrap();
        assert!(query.used_only && !query.invert && query.filter.is_some());
        assert_eq!((query.kind, query.buckets), (Kind::Gauges, Buckets::Disjoint));
        let query = asked(&Params::parse("filter=&type=&histogram_buckets=")).unwrap();
        assert!(query.filter.is_none());
        assert_eq!((query.kind, query.buckets), (Kind::All, Buckets::Unspecified));
    }

    #[test]
    fn what_there_is_not_is_refused() {
        for query in ["type=gauges", "histogram_buckets=all", "filter=%5B", "filter=(a{999}){999}"] {
            assert!(asked(&Params::parse(query)).is_err(), "{query}");
        }
        assert_eq!(filter("[").unwrap_err(), "unclosed character class");
    }
}
