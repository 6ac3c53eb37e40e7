//! The command line, with Envoy's names for what Envoy has.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::envoy_flags::EnvoyFlags;
use super::short_form::{self, ShortForm, ShortFormArgs};
use super::support_list;
use crate::config::Leniency;
use crate::observe::log::{Destination, Level, Levels, Logs, Pattern, components};
use crate::probe;

/// An edge gateway that puts QUIC first: HTTP/3, HTTP/2 and HTTP/1.1 in, configured by Envoy v3 files.
///
/// Without a configuration it serves a demo on <https://localhost:10443>, with a certificate authority of its own in
/// ./certs. Try it, then put it in front of a server: `quicgate run --help`.
#[derive(Debug, Parser)]
#[command(name = "quicgate", version, args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do instead of serving a file.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to serve.
    #[command(flatten)]
    pub serve: Serve,
}

/// What the program does beside serving a file.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve sites without a file: HTTP/3, HTTP/2 and HTTP/1.1 with TLS in front of backends.
    #[command(after_help = short_form::RUN_EXAMPLES)]
    Run(Box<ShortFormArgs>),
    /// Write the configuration that `run` serves with the same options, to begin a file with.
    #[command(after_help = short_form::EXPAND_EXAMPLES, mut_args(short_form::hide_what_serves))]
    Expand(Box<ShortFormArgs>),
    /// Ask a server something and say what the connection was like.
    Probe(probe::Args),
    /// Look at what of Envoy's configuration has an effect here.
    Config {
        /// What to do.
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Run the demo backend alone: an HTTP/1.1 server that answers with what it was asked.
    Demo {
        /// Where to listen.
        #[arg(long, default_value = "127.0.0.1:8080")]
        address: std::net::SocketAddr,
    },
}

/// What there is to see of the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// List every field of Envoy's that is applied, has no effect or is not implemented.
    ///
    /// The same table decides what a configuration may say: a field that is not listed as applied is an error in it, or a
    /// warning where ignoring it is harmless.
    #[command(after_help = support_list::EXAMPLES)]
    Support(support_list::Args),
}

/// How to serve.
#[derive(Args, Clone, Debug)]
pub struct Serve {
    /// The configuration: an Envoy v3 bootstrap in YAML or JSON.
    #[arg(short = 'c', long, value_name = "FILE")]
    pub config_path: Option<PathBuf>,
    /// The configuration as text; with -c, what is merged over the file: values replace, lists are appended to.
    #[arg(long, value_name = "YAML")]
    pub config_yaml: Option<String>,
    /// `serve`, or `validate`: read the configuration, say what is wrong with it, and exit.
    #[arg(long, value_enum, default_value_t = Mode::Serve)]
    pub mode: Mode,
    /// How errors in the configuration are written.
    #[arg(long, value_enum, default_value_t = ErrorFormat::Text)]
    pub error_format: ErrorFormat,
    /// Worker threads [default: one for each processor].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub concurrency: Option<u16>,
    /// Seconds that exchanges in flight have to end when the program is told to stop.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub drain_time_s: u32,
    /// trace, debug, info, warning, error, critical or off.
    #[arg(short = 'l', long, value_name = "LEVEL", default_value = "info")]
    pub log_level: String,
    /// Levels of single components, as `upstream:debug,config:trace`.
    #[arg(long, value_name = "LEVELS")]
    pub component_log_level: Option<String>,
    /// Write the log to this file instead of standard error.
    #[arg(long, value_name = "FILE")]
    pub log_path: Option<PathBuf>,
    /// How a line of the log is written, in spdlog's syntax, as Envoy's.
    ///
    /// %v message and fields, %l level, %L its letter, %n component, %t thread, %P process; %g path, %s file, %# line, %!
    /// module of the source; %^ and %$ colour on a terminal; %j message for a JSON string, %+ that without its fields, %*
    /// the fields as members of a JSON object; %Y %m %d %H %M %S %e %z and the rest of spdlog's date and time. %8l sets to
    /// the right, %-8l to the left, %=8l in the middle, %8!l cuts.
    #[arg(long, value_name = "FORMAT", default_value = Pattern::DEFAULT, allow_hyphen_values = true)]
    pub log_format: String,
    /// Write each line of the log as it would stand in a C string, so that it is printable ASCII.
    #[arg(long)]
    pub log_format_escaped: bool,
    /// Write the address of the admin interface to this file once it is bound.
    #[arg(long, value_name = "FILE")]
    pub admin_address_path: Option<PathBuf>,
    /// Where files of the program's own are kept: certificates made here, in DIR/certs [default: .].
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// What `run` made of its options, which stands for a file.
    #[arg(skip)]
    pub short_form: Option<ShortForm>,
    /// The name of this node, over `node.id`.
    #[arg(long, value_name = "NAME")]
    pub service_node: Option<String>,
    /// The name of this cluster of nodes, over `node.cluster`.
    #[arg(long, value_name = "NAME")]
    pub service_cluster: Option<String>,
    /// The zone of this node, over `node.locality.zone`.
    #[arg(long, value_name = "NAME")]
    pub service_zone: Option<String>,
    /// The rest of Envoy's flags.
    #[command(flatten)]
    pub envoy: EnvoyFlags,
}

/// Envoy's `--mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Serve.
    Serve,
    /// Read the configuration and exit.
    Validate,
}

/// How configuration errors are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ErrorFormat {
    /// For a person.
    Text,
    /// For an editor or a CI: one JSON object a line.
    Json,
}

impl Serve {
    /// How many workers to run.
    #[must_use]
    pub fn workers(&self) -> usize {
        let processors = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.concurrency.map_or_else(processors, usize::from)
    }

    /// Sets up the process's log.
    ///
    /// # Errors
    /// What is wrong with the options, or with the file.
    pub fn logs(&self) -> Result<Logs, String> {
        let level = self.log_level.parse::<Level>().map_err(|error| format!("--log-level: {error}"))?;
        let levels = Levels::new(level);
        for (component, level) in components(self.component_log_level.as_deref().unwrap_or_default())
            .map_err(|error| format!("--component-log-level: {error}"))?
        {
            levels.set(&component, level).map_err(|error| format!("--component-log-level: {error}"))?;
        }
        let pattern = self.log_format.parse::<Pattern>().map_err(|error| format!("--log-format: {error}"))?;
        let destination = self.log_path.clone().map_or(Destination::Stderr, Destination::File);
        Logs::install(levels, &destination, pattern.escaped(self.log_format_escaped)).map_err(|error| error.to_string())
    }

    /// The options as `/server_info` shows them.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let mut shown = serde_json::json!({
            "concurrency": self.workers(),
            "mode": if self.mode == Mode::Serve { "Serve" } else { "Validate" },
            "config_path": path(self.config_path.as_deref()),
            "config_yaml": self.config_yaml.clone().unwrap_or_default(),
            "log_level": self.log_level,
            "component_log_level": self.component_log_level.clone().unwrap_or_default(),
            "log_path": path(self.log_path.as_deref()),
            "drain_time": format!("{}s", self.drain_time_s),
            "service_node": self.service_node.clone().unwrap_or_default(),
            "service_cluster": self.service_cluster.clone().unwrap_or_default(),
            "service_zone": self.service_zone.clone().unwrap_or_default(),
            "log_format": self.log_format,
            "log_format_escaped": self.log_format_escaped,
            "admin_address_path": path(self.admin_address_path.as_deref()),
        });
        if let Some(shown) = shown.as_object_mut() {
            shown.extend(self.envoy.to_json());
        }
        shown
    }

    /// What of a configuration passes with a warning, or without a word.
    #[must_use]
    pub fn leniency(&self) -> Leniency {
        Leniency { unknown_fields: self.envoy.allow_unknown(), deprecated: self.envoy.skip_deprecated_logs }
    }

    /// Why nothing can be served with this command line, if so.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        // To read a configuration no process is taken over.
        (self.mode == Mode::Serve).then(|| self.envoy.refusal()).flatten()
    }

    /// How long exchanges in flight have at the stop.
    #[must_use]
    pub fn drain_time(&self) -> Duration {
        Duration::from_secs(self.drain_time_s.into())
    }
}

fn path(path: Option<&Path>) -> String {
    path.map(|path| path.display().to_string()).unwrap_or_default()
}

const EXAMPLES: &str = "\
Examples:
  quicgate                                  serve the demo
  quicgate run --site a.test=127.0.0.1:8080 serve a site without a file
  quicgate -c config/edge.yaml              serve a configuration
  quicgate -c edge.yaml --mode validate     check a configuration
  quicgate probe --http3 --cacert certs/ca.crt https://localhost:10443/

Signals: SIGTERM and SIGINT finish what is in flight, a second one stops at once; SIGUSR1 reopens the access logs; \
SIGHUP reads certificates and what else TLS has in files again.";
