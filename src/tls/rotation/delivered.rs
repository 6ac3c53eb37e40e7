//! A secret that stands in a file of its own: the file-based form of Envoy's secret discovery service.
//!
//! The file is a `DiscoveryResponse` in YAML, or in JSON where its name ends with `.json`: `resources` lists secrets.

use std::path::PathBuf;
use std::time::Duration;

use super::material::Material;
use crate::config::proto::envoy::config::core::v3::{ConfigSource, PathConfigSource, config_source};
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::Secret;
use crate::config::proto::envoy::service::discovery::v3::DiscoveryResponse;
use crate::config::{At, Invalid, Leniency, Report, Severity, Source, duration, read_message};
use crate::files::Places;

/// Where a secret is delivered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::tls) struct Delivery {
    path: PathBuf,
    directory: Option<PathBuf>,
    /// How often it is looked at beside.
    interval: Option<Duration>,
    /// The name of the secret.
    name: String,
}

/// What reading a file gave.
pub(super) struct Delivered<M> {
    /// The secret, or the lines that say what is wrong.
    pub(super) secret: Result<M, Vec<String>>,
    /// What there is to say of it beside.
    pub(super) warnings: Vec<String>,
    pub(super) places: Places,
}

impl Delivery {
    /// Of the secret `name`; `at` is where the source stands.
    pub(in crate::tls) fn new(name: &str, written: &ConfigSource, at: At<'_>) -> Result<Self, Invalid> {
        match &written.config_source_specifier {
            Some(config_source::ConfigSourceSpecifier::PathConfigSource(PathConfigSource {
                path,
                watched_directory,
                poll_interval,
            })) => Ok(Self {
                path: path.into(),
                directory: watched_directory.as_ref().map(|directory| PathBuf::from(&directory.path)),
                interval: poll_interval.as_ref().map(duration),
                name: name.to_owned(),
            }),
            // The walk has refused the others.
            Some(_) => Err(at.given_up()),
            None => Err(at.error("needs a `path_config_source`")),
        }
    }

    pub(in crate::tls) fn name(&self) -> &str {
        &self.name
    }

    /// Where the file itself is, and where its changes are noticed.
    pub(super) fn places(&self) -> Places {
        let mut places = Places::default();
        places.file(&self.path);
        match &self.directory {
            Some(directory) => places.directory(directory),
            None => places.directories_of_files(),
        }
        self.interval.into_iter().for_each(|interval| places.every(interval));
        places
    }

    /// Reads the file and the secret in it.
    pub(super) fn read<M: Material>(&self) -> Delivered<M> {
        let mut places = self.places();
        let read = read_message::<DiscoveryResponse>(&[Source::Named(self.path.clone())], Leniency::default());
        let (secret, report) = match read {
            Ok((response, report)) => (self.find(&response, &report, &mut places), report),
            Err(report) => (None, report),
        };
        let errors = report.lines(Severity::Error);
        let secret = match secret {
            Some(secret) if errors.is_empty() => Ok(secret),
            // Whatever keeps it from being read has been reported.
            _ => Err(errors),
        };
        Delivered { secret, warnings: report.lines(Severity::Warning), places }
    }

    fn find<M: Material>(&self, response: &DiscoveryResponse, report: &Report, places: &mut Places) -> Option<M> {
        let at = report.at();
        let secrets: Vec<_> =
            at.items("resources", &response.resources).map(|(at, any)| at.unpack::<Secret>(any)).collect();
        let Some((index, secret)) = secrets.iter().enumerate().find_map(|(index, secret)| {
            secret.as_ref().ok().filter(|secret| secret.name == self.name).map(|secret| (index, secret))
        }) else {
            let names = secrets.iter().flatten().map(|secret| secret.name.as_str());
            at.field("resources").dangling("secret", &self.name, names);
            return None;
        };
        let at = at.item("resources", index);
        let Some(written) = secret.r#type.as_ref().and_then(M::of) else {
            at.error(format_args!("the secret `{}` needs a `{}`: it is to be {}", self.name, M::FIELD, M::NAME));
            return None;
        };
        places.add(&M::places(written, true));
        M::load(written, at.field(M::FIELD)).ok()
    }
}
