//! The table against the release binary of Envoy 1.40, its faults, and properties.

mod exchange;
mod facts;
mod faults;
mod properties;

use prost_reflect::DynamicMessage;

use crate::config::proto::envoy::config::route::v3::RouteAction;
use crate::config::{Report, descriptors};

use super::super::Scope;
use super::*;

/// A table that carries the names of its clusters.
type Table = RouteTable<String>;

/// The table of a configuration in YAML, with all that was reported.
fn build(yaml: &str) -> (Result<Table, Invalid>, Vec<String>) {
    let value: serde_json::Value = serde_yaml::from_str(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    let descriptor = descriptors().get_message_by_name("envoy.config.route.v3.RouteConfiguration").unwrap();
    let message = DynamicMessage::deserialize(descriptor, value).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    let proto: RouteConfiguration = message.transcode_to().unwrap();
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
