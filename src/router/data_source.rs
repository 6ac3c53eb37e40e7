//! Data that stands in the configuration or beside it: Envoy's `DataSource`.

use std::fs::File;
use std::io::Read as _;

use bytes::Bytes;

use crate::config::proto::envoy::config::core::v3::DataSource;
use crate::config::proto::envoy::config::core::v3::data_source::Specifier;
use crate::config::{At, Invalid};

/// Reads the data of a source, at most `limit` bytes if there is a limit.
///
/// # Errors
/// When there is none, it is too large, or a file or variable cannot be read.
pub(super) fn read(at: At<'_>, source: &DataSource, limit: Option<u64>) -> Result<Bytes, Invalid> {
    if source.watched_directory.is_some() {
        return Err(at.beyond::<DataSource>("watched_directory"));
    }
    let (field, data) = match &source.specifier {
        Some(Specifier::Filename(path)) => {
            let at = at.field("filename");
            (
                "filename",
                read_file(path, limit).map_err(|error| at.error(format_args!("`{path}` cannot be read: {error}")))?,
            )
        }
        Some(Specifier::InlineBytes(bytes)) => ("inline_bytes", bytes.clone()),
        Some(Specifier::InlineString(text)) => ("inline_string", text.clone().into_bytes()),
        Some(Specifier::EnvironmentVariable(name)) => {
            let at = at.field("environment_variable");
            let value = std::env::var_os(name);
            let value = value.ok_or_else(|| at.error(format_args!("the variable `{name}` is not set")))?;
            ("environment_variable", value.into_encoded_bytes())
        }
        None => return Err(at.error("needs one of filename, inline_bytes, inline_string and environment_variable")),
    };
    match limit {
        Some(limit) if data.len() as u64 > limit => {
            Err(at.field(field).error(format_args!("is larger than the {limit} bytes that are allowed here")))
        }
        _ => Ok(data.into()),
    }
}

/// One byte more than the limit tells that a file is larger.
fn read_file(path: &str, limit: Option<u64>) -> std::io::Result<Vec<u8>> {
    let mut data = Vec::new();
    File::open(path)?.take(limit.map_or(u64::MAX, |limit| limit.saturating_add(1))).read_to_end(&mut data)?;
    Ok(data)
}
