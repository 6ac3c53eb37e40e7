//! What a source may hold: the kinds of secrets that contexts use.

use std::fmt::Debug;

use prost::Message;

use crate::config::proto::envoy::config::core::v3::{DataSource, WatchedDirectory, data_source::Specifier};
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::secret::Type;
use crate::config::{At, Invalid};
use crate::files::Places;

/// A kind of secret.
pub(in crate::tls) trait Material: Debug + Send + Sync + Sized + 'static {
    /// The message that describes it.
    type Written: Message + Clone + 'static;

    /// Its field in a `Secret`.
    const FIELD: &'static str;

    /// What a person calls it.
    const NAME: &'static str;

    /// The message, where a secret is of this kind.
    fn of(secret: &Type) -> Option<&Self::Written>;

    /// Reads it.
    fn load(written: &Self::Written, at: At<'_>) -> Result<Self, Invalid>;

    /// Its data sources, and the directory that is watched for all of them.
    fn files(written: &Self::Written) -> (Vec<&DataSource>, Option<&WatchedDirectory>);

    /// Which of its files matter, and where their changes are noticed. As in Envoy, the directories of the files of a secret
    /// that is `delivered` are watched even where nobody says so.
    fn places(written: &Self::Written, delivered: bool) -> Places {
        let (sources, directory) = Self::files(written);
        let mut places = Places::default();
        for source in sources {
            if let Some(Specifier::Filename(path)) = &source.specifier {
                places.file(path);
            }
            if let Some(own) = &source.watched_directory {
                places.directory(&own.path);
            }
        }
        match directory {
            Some(directory) => places.directory(&directory.path),
            None if delivered && places.are_unwatched() => places.directories_of_files(),
            None => {}
        }
        places
    }
}
