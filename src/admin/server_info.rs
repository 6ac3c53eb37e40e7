//! `/server_info`: which program this is, how it was started, how it is.

use std::time::Duration;

use serde_json::Value;

use super::call::Call;
use super::json::{self, Defaults};
use super::{Admin, hot_restart_version, node, response};
use crate::config::proto::envoy::admin::v3 as proto;
use crate::config::proto::envoy::admin::v3::command_line_options::DrainStrategy;
use crate::http::Response;

/// Envoy's message, with the options of the command line over the defaults of Envoy's.
pub(super) fn server_info(call: &Call<'_>) -> Response {
    let admin = call.admin;
    let mut shown = json::value(&described(admin, admin.began.elapsed()), Defaults::Shown);
    if let (Some(shown), Some(options)) =
        (shown.get_mut("command_line_options").and_then(Value::as_object_mut), admin.options.as_object())
    {
        for (name, value) in options {
            shown.insert(name.clone(), value.clone());
        }
    }
    response::json(json::pretty(&shown))
}

fn described(admin: &Admin, uptime: Duration) -> proto::ServerInfo {
    let uptime = seconds(uptime);
    proto::ServerInfo {
        version: node::version(),
        state: admin.state().into(),
        uptime_current_epoch: Some(uptime),
        uptime_all_epochs: Some(uptime),
        hot_restart_version: hot_restart_version::VERSION.to_owned(),
        command_line_options: Some(proto::CommandLineOptions {
            disable_hot_restart: true,
            drain_strategy: DrainStrategy::Immediate.into(),
            drain_time: Some(seconds(admin.drain_time)),
            ..proto::CommandLineOptions::default()
        }),
        node: admin.bootstrap.node.clone(),
        hot_restart_initializing: false,
    }
}

fn seconds(duration: Duration) -> prost_types::Duration {
    prost_types::Duration { seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX), nanos: 0 }
}
