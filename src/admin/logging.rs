//! `/logging`: from which severity on the process's components are logged.

use std::fmt::Write as _;

use http::StatusCode;

use super::call::Call;
use super::endpoint::{Input, Param};
use super::query::Query;
use super::response::text;
use crate::http::Response;
use crate::observe::log::{Level, LevelError, Levels, components};

/// What may be asked. Beside these, the name of a component with its level.
pub(super) const PARAMS: &[Param] = &[
    Param {
        name: "paths",
        input: Input::Text,
        help: "Change multiple logging levels by setting to <logger_name1>:<desired_level1>,<logger_name2>:<desired_level2>",
    },
    Param {
        name: "level",
        input: Input::OneOf(&["trace", "debug", "info", "warning", "error", "critical", "off"]),
        help: "desired logging level, this will change all loggers's level",
    },
];

/// Changes what is asked for, and lists all levels.
pub(super) fn logging(call: &Call<'_>) -> Response {
    let levels = &call.admin.levels;
    match change(levels, &call.query) {
        Ok(()) => text(StatusCode::OK, listed(levels)),
        Err(fault) => text(StatusCode::BAD_REQUEST, format!("error: {fault}\n\n{}{}", usage(), listed(levels))),
    }
}

/// # Errors
/// Envoy's words for what is wrong; nothing has changed then.
fn change(levels: &Levels, query: &Query) -> Result<(), &'static str> {
    let mut asked = query.iter();
    let (first, more) = (asked.next(), asked.next());
    let changes = match (first, more) {
        (None, _) => return Ok(()),
        (Some(_), Some(_)) => return Err("invalid number of parameters"),
        (Some(("level", level)), None) => {
            levels.set_all(level.parse().map_err(|error| fault(&error))?);
            return Ok(());
        }
        (Some(("paths", pairs)), None) => components(pairs).map_err(|error| fault(&error))?,
        (Some((name, level)), None) => vec![(name.to_owned(), level.parse().map_err(|error| fault(&error))?)],
    };
    apply(levels, &changes)
}

/// All changes or none.
fn apply(levels: &Levels, changes: &[(String, Level)]) -> Result<(), &'static str> {
    let before: Vec<_> = levels.iter().collect();
    for (name, level) in changes {
        if let Err(error) = levels.set(name, *level) {
            // These names are known: they came from there.
            let _ = before.iter().try_for_each(|(name, level)| levels.set(name, *level));
            return Err(fault(&error));
        }
    }
    Ok(())
}

fn fault(error: &LevelError) -> &'static str {
    match error {
        LevelError::UnknownLevel(_) => "unknown logger level",
        LevelError::UnknownComponent(_) => "unknown logger name",
        LevelError::NotAPair(_) => "empty logger name or empty logger level",
    }
}

fn usage() -> String {
    format!("{USAGE}levels: {} \n", Level::ALL.map(Level::name).join(" "))
}

fn listed(levels: &Levels) -> String {
    let mut out = "active loggers:\n".to_owned();
    for (name, level) in levels.iter() {
        // Writing into a string does not fail.
        let _ = writeln!(out, "  {name}: {level}");
    }
    out.push('\n');
    out
}

const USAGE: &str = "usage: /logging?<name>=<level> (change single level)\n\
                     usage: /logging?paths=name1:level1,name2:level2,... (change multiple levels)\n\
                     usage: /logging?level=<level> (change all levels)\n";

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(query: &str) -> (Result<(), &'static str>, Vec<(&'static str, Level)>) {
        let levels = Levels::new(Level::Info);
        let outcome = change(&levels, &Query::parse(query));
        (outcome, levels.iter().filter(|(_, level)| *level != Level::Info).collect())
    }

    #[test]
    fn one_component_several_or_all_are_changed() {
        assert_eq!(changed("quic=trace"), (Ok(()), vec![("quic", Level::Trace)]));
        let two = vec![("quic", Level::Off), ("tls", Level::Debug)];
        assert_eq!(changed("paths=tls:debug,quic:off"), (Ok(()), two));
        let (outcome, all) = changed("level=error");
        assert!(outcome.is_ok() && all.len() == Levels::new(Level::Info).iter().count());
    }

    #[test]
    fn without_parameters_nothing_changes() {
        assert_eq!(changed(""), (Ok(()), vec![]));
        assert_eq!(changed("level=&paths="), (Ok(()), vec![]));
    }

    #[test]
    fn a_fault_changes_nothing() {
        let faults = [
            ("level=loud", "unknown logger level"),
            ("upsteam=debug", "unknown logger name"),
            ("quic=loud", "unknown logger level"),
            ("paths=tls:debug,upsteam:debug", "unknown logger name"),
            ("paths=tls", "empty logger name or empty logger level"),
            ("level=debug&quic=trace", "invalid number of parameters"),
        ];
        for (query, fault) in faults {
            assert_eq!(changed(query), (Err(fault), vec![]), "{query}");
        }
    }
}
