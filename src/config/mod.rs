//! Floor 1: Envoy v3 messages as written.
//!
//! [`load`] turns a file into the typed messages of [`proto`]: `yaml` makes a tree of located nodes, `decode` walks it
//! against the descriptors of `schema`, and every fault becomes a remark in a [`Report`] with file, line, column and
//! path. Higher floors then build what runs out of the messages, with an [`At`] beside each to report what they find.
//! A `typed_config` stays packed until the extension that owns it calls [`unpack`].
//!
//! The messages, their validation rules and the support table follow Envoy 1.40: `schema.tsv`, `support.tsv`.

mod any;
mod at;
mod decode;
mod diagnostic;
mod duration;
mod node;
pub mod proto;
mod render;
mod report;
mod rules;
mod schema;
mod source;
mod spelling;
mod support;
pub mod values;
mod yaml;

use prost::{Message, Name};

use decode::Decoder;
use proto::envoy::config::bootstrap::v3::Bootstrap;

pub use any::{UnpackError, type_name, unpack};
pub use at::{At, Invalid};
pub use diagnostic::{Diagnostic, Severity};
pub use duration::duration;
pub use node::Location;
pub use report::Report;
pub use schema::{descriptors, is_sensitive};
pub use source::Source;

/// A configuration without errors.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration as written.
    pub bootstrap: Bootstrap,
    /// Its warnings, and the text, so that what is found later can be reported at its line.
    pub report: Report,
}

/// Reads a bootstrap configuration.
///
/// # Errors
/// The report with every fault found, when the source cannot be read or has faults.
pub fn load(source: &Source) -> Result<Loaded, Report> {
    let (mut report, syntax) = source.read()?;
    match yaml::parse(report.text()) {
        Ok(root) => report.set_root(root),
        Err(error) => {
            report.add(Diagnostic {
                severity: Severity::Error,
                location: Some(error.location),
                path: String::new(),
                message: error.message,
                suggestion: None,
            });
            return Err(report);
        }
    }
    match read_bootstrap(&report, Decoder { syntax }) {
        Some(bootstrap) if !report.has_errors() => Ok(Loaded { bootstrap, report }),
        _ => Err(report),
    }
}

fn read_bootstrap(report: &Report, decoder: Decoder) -> Option<Bootstrap> {
    let descriptor = schema::message(&Bootstrap::full_name())?;
    let message = decoder.message(report.at(), report.root()?, &descriptor)?;
    // Of what was just encoded, only the depth can displease the decoder.
    Bootstrap::decode(decode::encode(&message).as_slice())
        .map_err(|_| report.at().error("nested deeper than the 100 levels that a protobuf message may have"))
        .ok()
}
