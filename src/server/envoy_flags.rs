//! Flags that are taken because command lines written for Envoy have them.
//!
//! Each one works, or says why not: a flag that has no effect here is named in the log at the start
//! ([`EnvoyFlags::without_effect`]), one that cannot be done without harm is refused.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

/// Flags of Envoy's; `Serve` holds those that do something for everybody.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Flags of Envoy's, so that its command lines work")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct EnvoyFlags {
    /// Take fields that are not known in the configuration, and go on without them.
    #[arg(long, hide_short_help = true)]
    pub allow_unknown_static_fields: bool,
    /// Envoy's old name of `--allow-unknown-static-fields`.
    #[arg(long, hide_short_help = true)]
    pub allow_unknown_fields: bool,
    /// No warnings for fields that are deprecated.
    #[arg(long, hide_short_help = true)]
    pub skip_deprecated_logs: bool,
    /// Count processors by the cpuset. That is always so here, where `--concurrency` is not given.
    #[arg(long, hide_short_help = true)]
    pub cpuset_threads: bool,
    /// Print which processes can take over from this one, and exit.
    #[arg(long, hide_short_help = true)]
    pub hot_restart_version: bool,
    /// Always so: there is no hot restart yet.
    #[arg(long, hide_short_help = true)]
    pub disable_hot_restart: bool,
    /// Which restart this is. There is no hot restart yet: only 0 has a meaning.
    #[arg(long, value_name = "N", hide_short_help = true)]
    pub restart_epoch: Option<u32>,
    /// Start as a first process where `--restart-epoch` is not 0.
    #[arg(long, hide_short_help = true)]
    pub skip_hot_restart_on_no_parent: bool,
    /// No effect: there is no hot restart yet.
    #[arg(long, hide_short_help = true)]
    pub skip_hot_restart_parent_stats: bool,
    /// No effect: there is no hot restart yet.
    #[arg(long, hide_short_help = true)]
    pub use_dynamic_base_id: bool,
    /// No effect: there is no hot restart yet.
    #[arg(long, value_name = "N", hide_short_help = true)]
    pub base_id: Option<u32>,
    /// No effect, nothing is written: there is no hot restart yet.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub base_id_path: Option<PathBuf>,
    /// No effect: there is no hot restart yet.
    #[arg(long, value_name = "PATH", hide_short_help = true)]
    pub socket_path: Option<PathBuf>,
    /// No effect: there is no hot restart yet.
    #[arg(long, value_name = "OCTAL", value_parser = octal, hide_short_help = true)]
    pub socket_mode: Option<u32>,
    /// No effect: there is no hot restart yet.
    #[arg(long, value_name = "SECONDS", hide_short_help = true)]
    pub parent_shutdown_time_s: Option<u32>,
    /// `immediate` is what is done: every connection is asked to end at once. `gradual` has no effect.
    #[arg(long, value_enum, hide_short_help = true)]
    pub drain_strategy: Option<DrainStrategy>,
    /// No effect: there is no dynamic configuration yet.
    #[arg(long, hide_short_help = true)]
    pub reject_unknown_dynamic_fields: bool,
    /// No effect: there is no dynamic configuration yet.
    #[arg(long, hide_short_help = true)]
    pub ignore_unknown_dynamic_fields: bool,
    /// No effect: access logs are written as soon as there is something to write.
    #[arg(long, value_name = "MS", hide_short_help = true)]
    pub file_flush_interval_msec: Option<u32>,
    /// No effect: access logs are written as soon as there is something to write.
    #[arg(long, value_name = "KB", hide_short_help = true)]
    pub file_flush_min_size_kb: Option<u32>,
    /// No effect: nothing here says the address of the host.
    #[arg(long, value_enum, hide_short_help = true)]
    pub local_address_ip_version: Option<IpVersion>,
    /// No effect: statistics have no tags of one's own yet. May be given more than once.
    #[arg(long, value_name = "TAG:VALUE", value_parser = stats_tag, hide_short_help = true)]
    pub stats_tag: Vec<String>,
    /// Refused: an extension that is not wanted is one that the configuration does not name.
    #[arg(long, value_name = "NAMES", value_parser = no_extensions, hide_short_help = true)]
    pub disable_extensions: Option<String>,
    /// No effect: the limits of the system decide (`ulimit -c`, `LimitCORE=`).
    #[arg(long, hide_short_help = true)]
    pub enable_core_dump: bool,
    /// No effect: there is nothing to trace.
    #[arg(long, hide_short_help = true)]
    pub enable_mutex_tracing: bool,
    /// No effect: levels are set for components (`--component-log-level`), not for files.
    #[arg(long, hide_short_help = true)]
    pub enable_fine_grain_logging: bool,
    /// No effect: stack traces do not go to the log.
    #[arg(long, hide_short_help = true)]
    pub log_stacktrace_single_entry: bool,
}

/// Envoy's `--drain-strategy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DrainStrategy {
    /// Ask more and more connections to end.
    Gradual,
    /// Ask all at once.
    Immediate,
}

/// Envoy's `--local-address-ip-version`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum IpVersion {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl EnvoyFlags {
    /// The flags that were given and change nothing.
    #[must_use]
    pub fn without_effect(&self) -> Vec<&'static str> {
        let first = self.restart_epoch.unwrap_or(0) == 0;
        let given = [
            ("--skip-hot-restart-on-no-parent", self.skip_hot_restart_on_no_parent && first),
            ("--skip-hot-restart-parent-stats", self.skip_hot_restart_parent_stats),
            ("--use-dynamic-base-id", self.use_dynamic_base_id),
            ("--base-id", self.base_id.is_some()),
            ("--base-id-path", self.base_id_path.is_some()),
            ("--socket-path", self.socket_path.is_some()),
            ("--socket-mode", self.socket_mode.is_some()),
            ("--parent-shutdown-time-s", self.parent_shutdown_time_s.is_some()),
            ("--drain-strategy gradual", self.drain_strategy == Some(DrainStrategy::Gradual)),
            ("--reject-unknown-dynamic-fields", self.reject_unknown_dynamic_fields),
            ("--ignore-unknown-dynamic-fields", self.ignore_unknown_dynamic_fields),
            ("--file-flush-interval-msec", self.file_flush_interval_msec.is_some()),
            ("--file-flush-min-size-kb", self.file_flush_min_size_kb.is_some()),
            ("--local-address-ip-version", self.local_address_ip_version.is_some()),
            ("--stats-tag", !self.stats_tag.is_empty()),
            ("--enable-core-dump", self.enable_core_dump),
            ("--enable-mutex-tracing", self.enable_mutex_tracing),
            ("--enable-fine-grain-logging", self.enable_fine_grain_logging),
            ("--log-stacktrace-single-entry", self.log_stacktrace_single_entry),
        ];
        given.into_iter().filter(|(_, given)| *given).map(|(flag, _)| flag).collect()
    }

    /// Why nothing can be served with these flags, if so.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        let epoch = self.restart_epoch.filter(|epoch| *epoch > 0 && !self.skip_hot_restart_on_no_parent)?;
        Some(format!(
            "--restart-epoch {epoch}: there is no hot restart yet, so no parent to take over from; stop the old process \
             and start this one without --restart-epoch, or add --skip-hot-restart-on-no-parent to start as a first process"
        ))
    }

    /// What was given, as `/server_info` shows it.
    pub(super) fn to_json(&self) -> Map<String, Value> {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| json!(path.display().to_string()));
        let name = |name: &str| Some(json!(name));
        let shown = [
            ("base_id", self.base_id.map(|id| json!(id.to_string()))),
            ("use_dynamic_base_id", Some(json!(self.use_dynamic_base_id))),
            ("skip_hot_restart_on_no_parent", Some(json!(self.skip_hot_restart_on_no_parent))),
            ("skip_hot_restart_parent_stats", Some(json!(self.skip_hot_restart_parent_stats))),
            ("base_id_path", path(&self.base_id_path)),
            ("allow_unknown_static_fields", Some(json!(self.allow_unknown()))),
            ("reject_unknown_dynamic_fields", Some(json!(self.reject_unknown_dynamic_fields))),
            ("ignore_unknown_dynamic_fields", Some(json!(self.ignore_unknown_dynamic_fields))),
            ("skip_deprecated_logs", Some(json!(self.skip_deprecated_logs))),
            ("local_address_ip_version", self.local_address_ip_version.and_then(|version| name(version.shown()))),
            ("file_flush_interval", self.file_flush_interval_msec.map(|time| json!(milliseconds(time)))),
            ("file_flush_min_size", self.file_flush_min_size_kb.map(|size| json!(size))),
            ("drain_strategy", self.drain_strategy.and_then(|strategy| name(strategy.shown()))),
            ("parent_shutdown_time", self.parent_shutdown_time_s.map(|time| json!(format!("{time}s")))),
            ("enable_mutex_tracing", Some(json!(self.enable_mutex_tracing))),
            ("restart_epoch", self.restart_epoch.map(|epoch| json!(epoch))),
            ("cpuset_threads", Some(json!(self.cpuset_threads))),
            ("enable_fine_grain_logging", Some(json!(self.enable_fine_grain_logging))),
            ("log_stacktrace_single_entry", Some(json!(self.log_stacktrace_single_entry))),
            ("socket_path", path(&self.socket_path)),
            ("socket_mode", self.socket_mode.map(|mode| json!(mode))),
            ("enable_core_dump", Some(json!(self.enable_core_dump))),
            ("stats_tag", Some(json!(self.stats_tag))),
        ];
        shown.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }

    /// Whether fields that are not known are taken.
    pub(super) fn allow_unknown(&self) -> bool {
        self.allow_unknown_static_fields || self.allow_unknown_fields
    }
}

impl DrainStrategy {
    fn shown(self) -> &'static str {
        match self {
            Self::Gradual => "Gradual",
            Self::Immediate => "Immediate",
        }
    }
}

impl IpVersion {
    fn shown(self) -> &'static str {
        match self {
            Self::V4 => "v4",
            Self::V6 => "v6",
        }
    }
}

fn octal(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777);
    mode.ok_or_else(|| "not the permissions of a file in octal, as 600".to_owned())
}

fn stats_tag(text: &str) -> Result<String, String> {
    let right = text.split_once(':').is_some_and(|(tag, value)| {
        let tag = !tag.is_empty() && tag.chars().all(|letter| letter.is_ascii_alphanumeric());
        tag && !value.is_empty() && !value.contains('.')
    });
    let fault = || "not of the form tag:value, with letters and digits in the tag and no dot in the value".to_owned();
    right.then(|| text.to_owned()).ok_or_else(fault)
}

fn no_extensions(_: &str) -> Result<String, String> {
    Err("extensions cannot be switched off here; leave the flag out, and what is not wanted out of the configuration"
        .into())
}

/// As protobuf's JSON writes a duration.
fn milliseconds(time: u32) -> String {
    match (time / 1000, time % 1000) {
        (seconds, 0) => format!("{seconds}s"),
        (seconds, rest) => format!("{seconds}.{rest:03}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_as_many_digits_as_it_needs() {
        assert_eq!([milliseconds(10), milliseconds(1250), milliseconds(10_000)], ["0.010s", "1.250s", "10s"]);
    }

    #[test]
    fn a_tag_of_statistics_is_envoys() {
        assert!(stats_tag("zone:eu-1").is_ok() && stats_tag("zone:a:b").is_ok());
        for fault in ["zone", ":eu", "zone:", "zo-ne:eu", "zone:eu.1"] {
            assert!(stats_tag(fault).is_err(), "{fault}");
        }
    }

    #[test]
    fn permissions_are_octal() {
        assert_eq!((octal("600"), octal("0644")), (Ok(0o600), Ok(0o644)));
        assert!(octal("9").is_err() && octal("77777").is_err() && octal("rw").is_err());
    }
}
