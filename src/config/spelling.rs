//! "Did you mean": the known name nearest to a wrong one.

/// The candidate that a person most likely meant, if one is near enough to be worth showing.
pub(crate) fn nearest<'a>(wrong: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if wrong.len() > MAX_BYTES {
        return None;
    }
    let wrong: Vec<char> = wrong.chars().map(|c| c.to_ascii_lowercase()).collect();
    // Of a long name too, only a slip or two is a misspelling.
    let allowed = (wrong.len() / 3).clamp(1, 5);
    let mut best: Option<(usize, &str)> = None;
    let mut known: Vec<char> = Vec::new();
    for candidate in candidates.filter(|candidate| !candidate.is_empty() && candidate.len() <= MAX_BYTES) {
        known.clear();
        known.extend(candidate.chars().map(|c| c.to_ascii_lowercase()));
        // `port` for `port_value`: the beginning of a name says more than its length.
        let begins = wrong.len() > 2 && (known.starts_with(&wrong) || wrong.starts_with(&known));
        let apart = known.len().abs_diff(wrong.len());
        let most = best.map_or(usize::MAX, |(distance, _)| distance.saturating_sub(1));
        let found = if begins { Some(apart) } else { distance(&wrong, &known, allowed.min(most)) };
        if let Some(distance) = found.filter(|distance| best.is_none_or(|best| *distance < best.0)) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from one name to the other, if at most `most`
/// do.
fn distance(one: &[char], other: &[char], most: usize) -> Option<usize> {
    if one.len().abs_diff(other.len()) > most {
        return None;
    }
    let (mut before, mut next) = (Vec::new(), Vec::new());
    let mut row: Vec<usize> = (0..=other.len()).collect();
    let mut last = None;
    for (line, letter) in one.iter().enumerate() {
        next.clear();
        next.push(line + 1);
        for (column, target) in other.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX - 1);
            let replaced = at(&row, column) + usize::from(letter != target);
            let mut best = replaced.min(at(&row, column + 1) + 1).min(at(&next, column) + 1);
            let swapped = column > 0 && last == Some(target) && other.get(column - 1) == Some(letter);
            if swapped {
                best = best.min(at(&before, column - 1) + 1);
            }
            next.push(best);
        }
        // What comes later is no nearer than the nearest so far, of this row or, for a swap, of the one before.
        if next.iter().chain(&row).all(|distance| *distance > most) {
            return None;
        }
        std::mem::swap(&mut before, &mut row);
        std::mem::swap(&mut row, &mut next);
        last = Some(letter);
    }
    row.last().copied().filter(|distance| *distance <= most)
}

/// Nobody misspells a name as long as this, and to compare two takes their lengths multiplied.
const MAX_BYTES: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_a_swap_once() {
        let within = |one: &str, other: &str, most| {
            distance(&one.chars().collect::<Vec<_>>(), &other.chars().collect::<Vec<_>>(), most)
        };
        assert_eq!(within("nmae", "name", 5), Some(1));
        assert_eq!(within("name", "name", 0), Some(0));
        assert_eq!(within("", "name", 4), Some(4));
        assert_eq!(within("", "name", 3), None);
        assert_eq!(within("listner", "listener", 1), Some(1));
        assert_eq!(within("abcdef", "abdcfe", 2), Some(2));
        assert_eq!(within("abcdef", "abdcfe", 1), None);
    }

    #[test]
    fn nearest_prefers_the_closest_and_stays_silent_when_none_is_near() {
        let names = ["name", "address", "port_value", "filter_chains"];
        assert_eq!(nearest("nmae", names.into_iter()), Some("name"));
        assert_eq!(nearest("port", names.into_iter()), Some("port_value"));
        assert_eq!(nearest("FilterChains", names.into_iter()), Some("filter_chains"));
        assert_eq!(nearest("colour", names.into_iter()), None);
    }
    #[test]
    fn an_empty_name_and_a_text_without_end_are_not_what_was_meant() {
        assert_eq!(nearest("c", ["", "d"].into_iter()), Some("d"));
        assert_eq!(nearest("c", [""].into_iter()), None);
        let long = "x".repeat(1000);
        assert_eq!(nearest(&long, [long.as_str()].into_iter()), None);
    }
}
