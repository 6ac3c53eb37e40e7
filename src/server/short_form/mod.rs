//! The short form: `quicgate run --site a.test=127.0.0.1:8080`, an edge without a file, and `quicgate expand`, which writes
//! the file.
//!
//! `args` is what is typed, each option parsed into what it means; `plan` looks names up, chooses ports and has
//! certificates made; `yaml` writes the configuration of that as text. `run` hands the text to the ordinary way of a
//! configuration, so that there is one meaning of it, and `expand` prints it.

mod args;
mod backend;
mod fill;
mod hosts;
mod name;
mod path;
mod plan;
mod problem;
mod shell;
mod shown;
mod site;
mod yaml;

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

pub use args::{AdminAddress, Edge, ShortFormArgs};
pub use backend::{Backend, BackendError};
pub use name::{NameError, SiteName};
pub use path::{PathError, SitePath};
pub use site::{Site, SiteError};

use plan::{Local, Plan};
use problem::Problem;

use super::cli::Serve;
use super::local_ca::Made;
use super::{complain, run};
use crate::net::BindError;

pub(super) use args::{EXPAND_EXAMPLES, RUN_EXAMPLES, hide_what_serves};

/// A configuration that was made of options.
#[derive(Clone, Debug)]
pub struct ShortForm {
    /// The configuration, in YAML.
    pub(super) text: String,
    /// What the banner says of it.
    pub(super) lines: String,
}

impl Serve {
    /// Why an address cannot be listened on, in the words of whoever chose it.
    pub(super) fn refused(&self, error: &BindError) -> String {
        match self.short_form {
            Some(_) => {
                format!("{error}\n  Here --https-port, --http-port, --address and --admin-address say where to listen.")
            }
            None => error.to_string(),
        }
    }
}

/// `quicgate run`: serves the sites.
pub(super) fn run(args: &ShortFormArgs) -> ExitCode {
    let made = readable(&args.edge).and_then(|()| plan(args));
    let plan = match made {
        Ok(plan) => plan,
        Err(problem) => return complain(&problem.to_string()),
    };
    let form = ShortForm { text: plan.yaml(), lines: plan.lines(args) };
    let mut serve = args.serve.clone();
    serve.short_form = Some(form);
    run::serve(&serve)
}

/// `quicgate expand`: writes the configuration to standard output.
pub(super) fn expand(args: &ShortFormArgs) -> ExitCode {
    let plan = match plan(args) {
        Ok(plan) => plan,
        Err(problem) => return complain(&problem.to_string()),
    };
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(plan.yaml().as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&format!("the configuration cannot be written to standard output: {error}")),
    }
}

/// Makes the plan, and says on standard error what was made for it.
fn plan(args: &ShortFormArgs) -> Result<Plan, Problem> {
    if args.serve.config_path.is_some() || args.serve.config_yaml.is_some() {
        return Err(Problem::Configuration);
    }
    let plan = Plan::of(&args.edge, args.serve.state_dir.as_deref())?;
    if let Some(local) = &plan.certificates.local {
        // With nobody to read it there is nothing else to do.
        let _ = std::io::stderr().lock().write_all(remarks(local).as_bytes());
    }
    Ok(plan)
}

fn remarks(local: &Local) -> String {
    let mut text = match local.made {
        Made::Nothing => String::new(),
        Made::Leaf => {
            format!("note: made a certificate under the authority {}, which clients trust already\n", local.ca)
        }
        Made::Everything => format!("note: made an authority and a certificate: clients have to trust {}\n", local.ca),
    };
    for name in &local.uncovered {
        let way_out = "clients reach it as localhost, or give --cert and --key";
        let _ = writeln!(text, "note: no certificate can be made for `{name}`: {way_out}");
    }
    text
}

/// Files that are named have to be there when they are served: an error here names the option.
fn readable(edge: &Edge) -> Result<(), Problem> {
    for (option, path) in [("--cert", &edge.cert), ("--key", &edge.key)] {
        if let Some(path) = path {
            std::fs::read(path).map_err(|source| Problem::File { option, path: path.clone(), source })?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
