//! The Envoy v3 messages, typed, generated at build time from `schema.tsv` for what `roots.txt` names.
//!
//! Modules follow the proto packages: `proto::envoy::config::bootstrap::v3::Bootstrap`.

#![expect(missing_docs, clippy::pedantic, clippy::large_enum_variant, reason = "generated code")]

include!(concat!(env!("OUT_DIR"), "/proto.rs"));
