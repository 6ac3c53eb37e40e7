//! Puts values into the places of a text, each once: what a value holds is never looked at again.

/// `template` with `${name}` replaced by the value of that name; a name that has none is left out.
pub(super) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut parts = template.split("${");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap_or((part, ""));
        let value = values.iter().find(|(known, _)| *known == name);
        text.push_str(value.map_or("", |(_, value)| *value));
        text.push_str(rest);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_not_a_template() {
        assert_eq!(fill("a ${x}-${y}${z}.", &[("x", "${y}"), ("y", "1")]), "a ${y}-1.");
    }
}
