//! Which messages and enums the roots refer to: only those become code, which keeps a clean build short.

use std::collections::{HashMap, HashSet};
use std::error::Error;

use crate::table::{File, Kind, Message};

/// Keeps of `files` what the roots reach. A nested type keeps the messages around it, for its Rust path runs through
/// them. A root that the table does not know is an error.
pub(crate) fn retain(files: &mut Vec<File>, roots: &str) -> Result<(), Box<dyn Error>> {
    let reached = reach(files, roots)?;
    for file in files.iter_mut() {
        file.messages.retain(|message| reached.contains(&message.name));
        file.enums.retain(|item| reached.contains(&item.name));
    }
    files.retain(|file| !file.messages.is_empty() || !file.enums.is_empty());
    Ok(())
}

fn reach(files: &[File], roots: &str) -> Result<HashSet<String>, Box<dyn Error>> {
    let messages: HashMap<&str, &Message> =
        files.iter().flat_map(|file| &file.messages).map(|message| (message.name.as_str(), message)).collect();
    let enums: HashSet<&str> = files.iter().flat_map(|file| &file.enums).map(|item| item.name.as_str()).collect();
    let mut reached = HashSet::new();
    let mut waiting: Vec<&str> =
        roots.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    while let Some(name) = waiting.pop() {
        if !reached.insert(name.to_owned()) {
            continue;
        }
        if let Some((parent, _)) = name.rsplit_once('.').filter(|(parent, _)| messages.contains_key(parent)) {
            waiting.push(parent);
        }
        match messages.get(name) {
            Some(message) => waiting.extend(message.fields.iter().filter_map(|field| refers_to(&field.kind))),
            None if enums.contains(name) => {}
            None => return Err(format!("`{name}` is in no table").into()),
        }
    }
    Ok(reached)
}

fn refers_to(kind: &Kind) -> Option<&str> {
    match kind {
        Kind::Scalar(_) => None,
        Kind::Message(name) | Kind::Enum(name) => Some(name),
        Kind::Map { value, .. } => refers_to(value),
    }
}
