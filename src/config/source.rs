//! Where a configuration comes from.

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::diagnostic::Diagnostic;
use super::node::{Location, Syntax};
use super::report::Text;

/// A file, or a text under a name.
#[derive(Clone, Debug)]
pub enum Source {
    /// A file in YAML, or in JSON when its name ends with `.json`.
    File(PathBuf),
    /// The same, where another file names it and not the command line.
    Named(PathBuf),
    /// A text in YAML: one given on the command line, or embedded.
    Text {
        /// How reports call it.
        name: String,
        /// The text itself.
        text: String,
    },
}

impl Source {
    /// The text, the first of which has the index 0, or why it cannot be had.
    pub(crate) fn read(&self, index: usize) -> (Text, Result<Syntax, Diagnostic>) {
        let path = match self {
            Self::Text { name, text } => {
                return (Text { name: name.as_str().into(), content: text.as_str().into() }, Ok(Syntax::Yaml));
            }
            Self::File(path) | Self::Named(path) => path,
        };
        let advice = if matches!(self, Self::File(_)) { "give -c " } else { "name " };
        let (content, syntax) = match read_text(path, index, advice) {
            Ok(text) => (text, Ok(syntax_of(path))),
            Err(error) => (String::new(), Err(error)),
        };
        (Text { name: path.display().to_string().into(), content: content.into() }, syntax)
    }
}

fn syntax_of(path: &Path) -> Syntax {
    let json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    if json { Syntax::Json } else { Syntax::Yaml }
}

fn read_text(path: &Path, index: usize, advice: &str) -> Result<String, Diagnostic> {
    let bytes = read_bounded(path)
        .map_err(|error| Diagnostic::unreadable(Location::whole(index), describe(path, &error, advice)))?;
    String::from_utf8(bytes).map_err(|error| {
        let good = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        Diagnostic::unreadable(end_of(good, index), "this byte is not UTF-8: save the file as UTF-8".to_owned())
    })
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    use io::Read;
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::from(io::ErrorKind::FileTooLarge));
    }
    Ok(bytes)
}

/// What a person can do about a file that cannot be read.
fn describe(path: &Path, error: &io::Error, advice: &str) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => {
            let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            format!("there is no such file: {advice}a path that exists (looked for {})", absolute.display())
        }
        io::ErrorKind::PermissionDenied => {
            "permission denied: let the user that runs this program read the file and search its directories".to_owned()
        }
        io::ErrorKind::IsADirectory => format!("this is a directory: {advice}the file in it"),
        io::ErrorKind::FileTooLarge => format!("the file is larger than {} MiB", MAX_BYTES >> 20),
        _ => format!("cannot be read: {error}"),
    }
}

/// The place after a text.
fn end_of(text: &[u8], index: usize) -> Location {
    let text = String::from_utf8_lossy(text);
    let last = text.rsplit('\n').next().unwrap_or_default();
    Location { text: index, line: text.matches('\n').count() + 1, column: last.chars().count() + 1 }
}

/// A configuration larger than this is a mistake.
const MAX_BYTES: u64 = 64 << 20;
