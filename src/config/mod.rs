//! Floor 1: Envoy v3 messages as written.
//!
//! [`read`] turns texts into the typed messages of [`proto`]: `yaml` makes a tree of located nodes of each, `merge` puts
//! one over the other, `decode` walks it against the descriptors of `schema`, and every fault becomes a remark in a
//! [`Report`] with file, line, column and path. Higher floors then build what runs out of the messages, with an [`At`]
//! beside each to report what they find.
//! A `typed_config` stays packed until the extension that owns it calls [`unpack`].
//!
//! The messages, their validation rules and the support table follow Envoy 1.40: `schema.tsv`, `support.tsv`. Our own,
//! for what Envoy has no field for, stand in `own.tsv`.

mod any;
mod at;
mod decode;
mod diagnostic;
mod duration;
#[cfg(test)]
pub(crate) mod evidence;
mod merge;
mod node;
mod place;
pub mod proto;
mod render;
mod report;
mod rules;
mod schema;
mod source;
mod spelling;
mod support;
mod support_list;
#[cfg(test)]
mod sweep;
mod taint;
pub mod values;
mod yaml;

use prost::{Message, Name};

use decode::Decoder;
use merge::merge;
use node::Node;
use proto::envoy::config::bootstrap::v3::Bootstrap;

pub use any::{UnpackError, type_name, unpack};
pub use at::{At, Invalid};
pub use decode::Leniency;
pub use diagnostic::{Code, Diagnostic, Severity};
pub use duration::duration;
pub use node::Location;
pub use report::Report;
pub use schema::{descriptors, is_sensitive};
pub use source::Source;
#[cfg(test)]
pub(crate) use support::lines as support_lines;
pub use support_list::{Part, Status, Supported, support_list};

/// A configuration as far as it could be read.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration as written, without what is faulty.
    pub bootstrap: Bootstrap,
    /// What there is to say of it, and the text, so that what is found later can be reported at its line.
    pub report: Report,
}

/// Reads a bootstrap configuration: one text, or several that are merged, each over those before it.
///
/// What could not be read is in the report and left out of the messages, so that building finds what else is wrong:
/// whoever wants a configuration to run asks [`Report::has_errors`] once it is built.
///
/// # Errors
/// The report, when there is nothing to build from: a text cannot be had or is no YAML.
pub fn read(sources: &[Source], leniency: Leniency) -> Result<Loaded, Report> {
    read_message(sources, leniency).map(|(bootstrap, report)| Loaded { bootstrap, report })
}

/// The same for any message: a file that the bootstrap refers to.
///
/// # Errors
/// The report, when there is nothing to build from: a text cannot be had or is no YAML.
pub fn read_message<M: Message + Name + Default>(
    sources: &[Source],
    leniency: Leniency,
) -> Result<(M, Report), Report> {
    let read = sources.iter().enumerate().map(|(index, source)| source.read(index));
    let (texts, syntaxes): (Vec<_>, Vec<_>) = read.unzip();
    let mut report = Report::of_texts(texts);
    let descriptor = schema::message(&M::full_name());
    let mut root: Option<Node> = None;
    for (index, syntax) in syntaxes.into_iter().enumerate() {
        let text = report.text(index).map(|text| &*text.content).unwrap_or_default();
        let tree = syntax.and_then(|syntax| {
            yaml::parse(text, index, syntax).map_err(|error| Diagnostic::unreadable(error.location, error.message))
        });
        match (tree, &mut root, &descriptor) {
            (Err(error), ..) => report.add(error),
            (Ok(tree), Some(root), Some(descriptor)) => merge(root, tree, descriptor),
            (Ok(tree), ..) => root = Some(tree),
        }
    }
    if report.has_errors() {
        return Err(report);
    }
    if let Some(root) = root {
        report.set_root(root);
    }
    let message = walk(&report, Decoder { leniency });
    report.walked();
    match message {
        Some(message) => Ok((message, report)),
        None => Err(report),
    }
}

/// Reads a bootstrap configuration that has to be without faults.
///
/// # Errors
/// The report with every fault found, when the source cannot be read or has faults.
pub fn load(source: &Source) -> Result<Loaded, Report> {
    let loaded = read(std::slice::from_ref(source), Leniency::default())?;
    if loaded.report.has_errors() { Err(loaded.report) } else { Ok(loaded) }
}

fn walk<M: Message + Name + Default>(report: &Report, decoder: Decoder) -> Option<M> {
    let descriptor = schema::message(&M::full_name())?;
    let message = decoder.message(report.at(), report.root()?, &descriptor)?;
    // Of what was just encoded, only the depth can displease the decoder.
    M::decode(decode::encode(&message).as_slice())
        .map_err(|_| report.at().error("nested deeper than the 100 levels that a protobuf message may have"))
        .ok()
}
