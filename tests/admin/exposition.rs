//! A reader of Prometheus' text exposition format, strict where Prometheus is, and where Envoy's dashboards are.

use std::collections::{BTreeMap, BTreeSet};

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: Labels,
    pub(crate) value: f64,
}

/// Names and values, in the order of the line.
type Labels = Vec<(String, String)>;

/// Reads everything, or says which line breaks which rule.
pub(crate) fn check(text: &str) -> Result<Vec<Sample>, String> {
    let mut families = BTreeMap::new();
    let mut current = None;
    let mut samples = Vec::new();
    let mut seen = BTreeSet::new();
    if !text.is_empty() && !text.ends_with('\n') {
        return Err("the last line has no end".to_owned());
    }
    for line in text.lines().filter(|line| !line.is_empty()) {
        let broken = |rule: &str| format!("{rule}: {line}");
        if let Some(declared) = line.strip_prefix("# TYPE ") {
            let (name, kind) = declared.split_once(' ').ok_or_else(|| broken("a TYPE has a name and a kind"))?;
            if families.insert(name.to_owned(), kind.to_owned()).is_some() {
                return Err(broken("TYPE once a family"));
            }
            current = Some((name.to_owned(), kind.to_owned()));
            continue;
        }
        let sample = sample(line).ok_or_else(|| broken("not a sample"))?;
        let (family, kind) = current.as_ref().ok_or_else(|| broken("a sample before any TYPE"))?;
        if !belongs(&sample, family, kind) {
            return Err(broken("a sample outside its family"));
        }
        if !seen.insert((sample.name.clone(), sample.labels.clone())) {
            return Err(broken("the same sample twice"));
        }
        samples.push(sample);
    }
    for (family, _) in families.iter().filter(|(_, kind)| *kind == "histogram") {
        histogram(family, &samples)?;
    }
    Ok(samples)
}

/// `name{label="value",…} 1`
fn sample(line: &str) -> Option<Sample> {
    let (series, value) = line.rsplit_once(' ')?;
    let (name, labels) = match series.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}')?),
        None => (series, ""),
    };
    let value = if value == "nan" { f64::NAN } else { value.parse().ok()? };
    Some(Sample { name: is_name(name).then(|| name.to_owned())?, labels: labels_of(labels)?, value })
}

fn labels_of(mut text: &str) -> Option<Labels> {
    let mut labels = Vec::new();
    while !text.is_empty() {
        let (name, rest) = text.split_once("=\"")?;
        let end = closing_quote(rest)?;
        labels.push((is_name(name).then(|| name.to_owned())?, rest[..end].to_owned()));
        text = &rest[end + 1..];
        text = text.strip_prefix(',').unwrap_or(text);
    }
    Some(labels)
}

/// Where the first quote stands that no backslash escapes.
fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, character)| {
        let closes = character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
        closes.then_some(at)
    })
}

fn is_name(name: &str) -> bool {
    let allowed = |character: char| character.is_ascii_alphanumeric() || character == '_' || character == ':';
    !name.is_empty() && name.chars().all(allowed) && !name.starts_with(|first: char| first.is_ascii_digit())
}

fn belongs(sample: &Sample, family: &str, kind: &str) -> bool {
    let rest = sample.name.strip_prefix(family);
    match kind {
        "counter" | "gauge" => rest == Some(""),
        "histogram" => matches!(rest, Some("_bucket" | "_sum" | "_count")),
        "summary" => matches!(rest, Some("" | "_sum" | "_count")),
        _ => false,
    }
}

/// Buckets of a histogram ascend in bound and in count, and end with all that was counted.
fn histogram(family: &str, samples: &[Sample]) -> Result<(), String> {
    let mut series: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
    for sample in samples.iter().filter(|sample| sample.name == format!("{family}_bucket")) {
        let (bound, rest): (Vec<_>, Vec<_>) = sample.labels.iter().cloned().partition(|(name, _)| name == "le");
        let bound = bound.first().and_then(|(_, bound)| bound.parse().ok()).ok_or("a bucket without a bound")?;
        series.entry(rest).or_default().push((bound, sample.value));
    }
    if series.is_empty() {
        return Err(format!("{family} has no buckets"));
    }
    for (labels, buckets) in series {
        let counted = samples.iter().find(|sample| sample.name == format!("{family}_count") && sample.labels == labels);
        let ascends = buckets.is_sorted_by(|(bound, count), (next, more)| bound < next && count <= more);
        let last = buckets.last().copied();
        if !ascends || last != counted.map(|sample| (f64::INFINITY, sample.value)) {
            return Err(format!("{family}{labels:?}: {buckets:?}"));
        }
    }
    Ok(())
}

#[test]
fn the_reader_finds_what_is_wrong() {
    let good = "# TYPE a counter\na{x=\"1,\\\"}\"} 1\na{x=\"2\"} 2\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum{} 3\nh_count{} 2\n";
    assert_eq!(check(good).map(|samples| samples.len()), Ok(6));
    let broken = [
        ("a 1\n", "before any TYPE"),
        ("# TYPE a counter\na 1", "no end"),
        ("# TYPE a counter\na 1\n# TYPE a counter\n", "once a family"),
        ("# TYPE a counter\nb 1\n", "outside its family"),
        ("# TYPE a counter\na one\n", "not a sample"),
        ("# TYPE a counter\na{x=1} 1\n", "not a sample"),
        ("# TYPE a counter\na 1\na 1\n", "twice"),
        (&good.replace("le=\"1\"} 1", "le=\"1\"} 9"), "h[]"),
        (&good.replace("h_count{} 2", "h_count{} 3"), "h[]"),
    ];
    for (text, fault) in broken {
        assert!(check(text).is_err_and(|found| found.contains(fault)), "{text}");
    }
}
