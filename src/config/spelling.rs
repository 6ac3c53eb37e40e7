//! "Did you mean": the known name nearest to a wrong one.

/// The candidate that a person most likely meant, if one is near enough to be worth showing.
pub(crate) fn nearest<'a>(wrong: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_ascii_lowercase();
    // Of a long name too, only a slip or two is a misspelling.
    let allowed = (wrong.chars().count() / 3).clamp(1, 5);
    let scored = candidates.filter_map(|candidate| {
        let known = candidate.to_ascii_lowercase();
        let distance = distance(&wrong, &known);
        // `port` for `port_value`: the beginning of a name says more than its length.
        let begins = wrong.len() > 2 && (known.starts_with(&wrong) || wrong.starts_with(&known));
        (distance <= allowed || begins).then_some((distance, candidate))
    });
    scored.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from one name to the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    let mut last = None;
    for (line, letter) in one.chars().enumerate() {
        let mut next = vec![line + 1];
        for (column, &target) in other.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX - 1);
            let replaced = at(&row, column) + usize::from(letter != target);
            let mut best = replaced.min(at(&row, column + 1) + 1).min(at(&next, column) + 1);
            let swapped = column > 0 && last == Some(target) && other.get(column - 1) == Some(&letter);
            if swapped {
                best = best.min(at(&before, column - 1) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
        last = Some(letter);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_a_swap_once() {
        assert_eq!(distance("nmae", "name"), 1);
        assert_eq!(distance("name", "name"), 0);
        assert_eq!(distance("", "name"), 4);
        assert_eq!(distance("listner", "listener"), 1);
    }

    #[test]
    fn nearest_prefers_the_closest_and_stays_silent_when_none_is_near() {
        let names = ["name", "address", "port_value", "filter_chains"];
        assert_eq!(nearest("nmae", names.into_iter()), Some("name"));
        assert_eq!(nearest("port", names.into_iter()), Some("port_value"));
        assert_eq!(nearest("FilterChains", names.into_iter()), Some("filter_chains"));
        assert_eq!(nearest("colour", names.into_iter()), None);
    }
}
