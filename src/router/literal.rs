//! Format strings that are fixed text.
//!
//! Envoy reads several values as format strings. Until the operators are read here too, one that has an operator is
//! refused; `%%` is a percent sign.

use crate::config::{At, Invalid};

/// The text of a format string without operators.
///
/// # Errors
/// When it has an operator, or a lone percent sign.
pub(super) fn text(at: At<'_>, format: &str) -> Result<String, Invalid> {
    let mut text = String::with_capacity(format.len());
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('%') {
        text.push_str(before);
        text.push('%');
        rest = match after.strip_prefix('%') {
            Some(rest) => rest,
            None if after.contains('%') => return Err(at.without("an operator (`%NAME%`)")),
            None => return Err(at.error_with_hint("has a lone `%`", "write `%%` for a percent sign")),
        };
    }
    text.push_str(rest);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use crate::config::Report;

    use super::*;

    #[test]
    fn two_percent_signs_are_one() {
        let report = Report::new("test");
        for (format, expected) in [("", ""), ("a", "a"), ("100%% a%%b", "100% a%b"), ("%%%%", "%%")] {
            assert_eq!(text(report.at(), format).as_deref(), Ok(expected));
        }
        for format in ["%", "a%b", "%REQ(x)%", "%%%", "%START_TIME%%%"] {
            assert!(text(report.at(), format).is_err(), "{format}");
        }
        assert_eq!(report.diagnostics().len(), 5);
    }
}
