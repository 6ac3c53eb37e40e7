//! A word of a command line, as a shell reads it back.

/// The word, in quotes where a shell would take it apart or look for files of that name.
pub(super) fn word(text: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "-._/:=,@+%".contains(char);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_back_what_was_meant() {
        for text in ["a.test/api=127.0.0.1:8080,[::1]:1", "*.a.test", "it's a \"$HOME\"", "", "a b"] {
            let output = std::process::Command::new("sh").arg("-c").arg(format!("printf %s {}", word(text))).output();
            assert_eq!(String::from_utf8(output.unwrap().stdout).unwrap(), text);
        }
        assert_eq!(word("a.test=127.0.0.1:8080"), "a.test=127.0.0.1:8080");
    }
}
