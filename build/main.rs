//! Build script: makes the typed Envoy messages and their descriptors out of the tables of facts in `src/config`.

mod annotations;
mod descriptors;
mod facts;
mod reach;
mod table;

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use prost::Message;
use prost_types::FileDescriptorSet;

fn main() -> Result<(), Box<dyn Error>> {
    let mut files = Vec::new();
    for table in ["src/config/schema.tsv", "src/config/own.tsv"] {
        files.extend(table::parse(&read(table)?).map_err(|error| format!("{table}:{error}"))?);
    }
    let every: Vec<String> = files.iter().flat_map(|file| &file.messages).map(|message| message.name.clone()).collect();
    reach::retain(&mut files, &read("src/config/roots.txt")?)?;
    let descriptors = descriptors::descriptor_set(&files);

    let out = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
    fs::write(Path::new(&out).join("descriptors.bin"), descriptors.encode_to_vec())?;
    fs::write(Path::new(&out).join("facts.rs"), facts::tables(&every, &files)?)?;
    generate_messages(descriptors)
}

fn generate_messages(descriptors: FileDescriptorSet) -> Result<(), Box<dyn Error>> {
    prost_build::Config::new()
        .enable_type_names()
        .type_name_domain(["."], "type.googleapis.com")
        .btree_map(["."])
        .include_file("proto.rs")
        .compile_fds(descriptors)?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "this is how a build script speaks to cargo")]
fn read(path: &str) -> Result<String, Box<dyn Error>> {
    println!("cargo::rerun-if-changed={path}");
    fs::read_to_string(path).map_err(|error| format!("{path}: {error}").into())
}
