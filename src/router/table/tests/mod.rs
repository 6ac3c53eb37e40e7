//! The table against the release binary of Envoy 1.40, its faults, and properties.

mod exchange;
mod facts;
mod faults;
mod properties;
mod yaml;

use crate::config::Report;
use crate::config::proto::envoy::config::route::v3::RouteAction;

use super::super::Scope;
use super::*;

/// A table that carries the names of its clusters.
type Table = RouteTable<String>;

/// The table of a configuration in YAML, with all that was reported.
fn build(yaml: &str) -> (Result<Table, Invalid>, Vec<String>) {
    let proto = yaml::route_configuration(yaml);
    let report = Report::new("test");
    let mut attach = |_: At<'_>, action: &RouteAction, _: Scope<'_>| Ok(format!("{:?}", action.cluster_specifier));
    let table = Table::build(report.at(), &proto, &mut attach);
    let remarks = report.diagnostics().iter().map(|remark| format!("{}: {}", remark.path, remark.message)).collect();
    (table, remarks)
}

/// The table of a configuration without faults.
fn table(yaml: &str) -> Table {
    let (table, remarks) = build(yaml);
    table.unwrap_or_else(|_| panic!("{remarks:#?}\n{yaml}"))
}
