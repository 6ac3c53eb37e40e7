//! This instance as `/server_info` and `/config_dump` describe it: what the configuration says, and the program.

use prost_types::{Struct, Value, value::Kind};

use crate::config::proto::envoy::config::core::v3::{BuildVersion, Node, node::UserAgentVersionType};
use crate::config::proto::envoy::r#type::v3::SemanticVersion;

/// The version as `/server_info` says it: name, version, build, TLS library, with Envoy's slashes between.
pub(super) fn version() -> String {
    format!("{NAME}/{}/{}/{TLS}", env!("CARGO_PKG_VERSION"), build())
}

/// The version as `server.version` counts it: 1.2.3 is 1002003.
pub(super) fn version_number() -> u64 {
    let SemanticVersion { major_number, minor_number, patch } = semantic();
    (u64::from(major_number) * 1000 + u64::from(minor_number)) * 1000 + u64::from(patch)
}

/// The node that was configured, with the program that it runs.
pub(super) fn described(configured: Option<Node>) -> Node {
    let text = |text: &str| Value { kind: Some(Kind::StringValue(text.to_owned())) };
    let metadata = [("build.type", text(build())), ("ssl.version", text(TLS))];
    let metadata = Struct { fields: metadata.map(|(name, value)| (name.to_owned(), value)).into() };
    Node {
        user_agent_name: NAME.to_owned(),
        user_agent_version_type: Some(UserAgentVersionType::UserAgentBuildVersion(BuildVersion {
            version: Some(semantic()),
            metadata: Some(metadata),
        })),
        ..configured.unwrap_or_default()
    }
}

fn semantic() -> SemanticVersion {
    let mut parts = env!("CARGO_PKG_VERSION").split(['.', '-']).map(|part| part.parse().unwrap_or_default());
    let mut part = || parts.next().unwrap_or_default();
    SemanticVersion { major_number: part(), minor_number: part(), patch: part() }
}

fn build() -> &'static str {
    if cfg!(debug_assertions) { "DEBUG" } else { "RELEASE" }
}

const NAME: &str = env!("CARGO_PKG_NAME");

/// What TLS is made with.
const TLS: &str = "aws-lc";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_configured_stays() {
        let node = described(Some(Node { id: "edge-1".to_owned(), ..Node::default() }));
        assert_eq!((node.id.as_str(), node.user_agent_name.as_str()), ("edge-1", "quicgate"));
    }

    #[test]
    fn the_version_is_the_packages() {
        let SemanticVersion { major_number, minor_number, patch } = semantic();
        assert!(env!("CARGO_PKG_VERSION").starts_with(&format!("{major_number}.{minor_number}.{patch}")));
        assert!(version().contains(env!("CARGO_PKG_VERSION")));
    }
}
