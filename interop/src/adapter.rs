//! Puts an [`Ask`] to the adapter of a client.

use std::{process::Command, time::Duration};

use crate::{
    ask::{Ask, Said},
    program,
};

impl Ask {
    /// Has `adapter` do this.
    pub(crate) fn put_to(&self, adapter: &[String]) -> Said {
        let Some((program, arguments)) = adapter.split_first() else {
            return Said::Failed("the adapter is an empty command".to_owned());
        };
        let json = match serde_json::to_string(self) {
            Ok(json) => json,
            Err(error) => return Said::Failed(error.to_string()),
        };
        match program::output(Command::new(program).args(arguments).arg(json), PATIENCE) {
            Ok(output) => said(&output),
            Err(error) => Said::Failed(error.to_string()),
        }
    }
}

/// The last line is what counts: some clients print on their own.
fn said(output: &str) -> Said {
    let line = output.lines().last().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|error| Said::Failed(format!("the adapter printed {line:?}: {error}")))
}

/// How long one case may take.
const PATIENCE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_what_the_adapter_says() {
        let Said::Cannot(reason) = said("a greeting\n{\"cannot\": \"no trailers\"}\n") else { panic!() };
        assert_eq!(reason, "no trailers");
    }

    #[test]
    fn an_adapter_that_says_nothing_has_failed() {
        assert!(matches!(said(""), Said::Failed(_)));
        assert!(matches!(said("Traceback"), Said::Failed(_)));
    }
}
