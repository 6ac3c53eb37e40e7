//! One `--site`: `NAME[/PATH]=BACKEND[,BACKEND…]`.

use std::fmt;
use std::str::FromStr;

use super::backend::{Backend, BackendError};
use super::name::{NameError, SiteName};
use super::path::{PathError, SitePath};

/// Requests of one name, below one path, and where they go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The name.
    pub name: SiteName,
    /// The path.
    pub path: SitePath,
    /// At least one, each once.
    pub backends: Vec<Backend>,
}

/// Why a text is no site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SiteError {
    /// There is no `=`.
    NoBackends,
    /// The name.
    Name(NameError),
    /// The path.
    Path(PathError),
    /// A backend, as written.
    Backend(String, BackendError),
    /// The same backend stands there twice.
    Twice(Backend),
}

// === impl Site ===

impl Site {
    /// Name and path, as they are typed.
    #[must_use]
    pub fn place(&self) -> String {
        let path = if self.path.is_root() { "" } else { self.path.as_str() };
        format!("{}{path}", self.name)
    }
}

impl FromStr for Site {
    type Err = SiteError;

    fn from_str(text: &str) -> Result<Self, SiteError> {
        let (place, list) = text.split_once('=').ok_or(SiteError::NoBackends)?;
        if place.contains("://") {
            return Err(SiteError::Name(NameError::Url));
        }
        let (name, path) = place.split_at(place.find('/').unwrap_or(place.len()));
        let name = name.parse().map_err(SiteError::Name)?;
        let path = SitePath::new(path).map_err(SiteError::Path)?;
        let mut backends: Vec<Backend> = Vec::new();
        for text in list.split(',') {
            let backend = text.parse().map_err(|fault| SiteError::Backend(text.to_owned(), fault))?;
            if backends.contains(&backend) {
                return Err(SiteError::Twice(backend));
            }
            backends.push(backend);
        }
        Ok(Self { name, path, backends })
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let backends: Vec<String> = self.backends.iter().map(Backend::to_string).collect();
        write!(f, "{}={}", self.place(), backends.join(","))
    }
}

// === impl SiteError ===

impl fmt::Display for SiteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBackends => write!(f, "there is no `=` between the name and its backend")?,
            Self::Name(fault) => fault.fmt(f)?,
            Self::Path(fault) => fault.fmt(f)?,
            Self::Backend(text, fault) if text.is_empty() => write!(f, "a backend {fault}")?,
            Self::Backend(text, fault) => write!(f, "the backend `{}` {fault}", text.escape_debug())?,
            Self::Twice(backend) => write!(f, "the backend `{backend}` stands there twice: write it once")?,
        }
        f.write_str(FORM)
    }
}

impl std::error::Error for SiteError {}

const FORM: &str = "
  The form is NAME[/PATH]=BACKEND[,BACKEND...], as in
    --site a.test=127.0.0.1:8080
    --site a.test/api=127.0.0.1:8081,127.0.0.1:8082";
