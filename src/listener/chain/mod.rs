//! Filter chains: what serves a connection, and which of them it is.

mod matcher;
mod rule;

use std::sync::Arc;

use prost::Message as _;

use crate::config::proto::envoy::config::listener::v3::FilterChainMatch;
use crate::config::{At, Invalid};
use crate::hcm::Manager;
use crate::observe::access_log::Connection as Facts;
use crate::tls::{Scope, ServerTls, Shown};
use matcher::Matcher;
use rule::{Rule, rule};

pub(super) use matcher::Traits;

/// A filter chain as it runs.
#[derive(Debug)]
pub struct Chain {
    /// Envoy's `name`; may be empty.
    pub name: Arc<str>,
    /// What serves its connections.
    pub manager: Arc<Manager>,
    /// What it encrypts with; on QUIC always something.
    pub tls: Option<ServerTls>,
}

impl Chain {
    /// What a client was shown in its handshake, where a certificate stands for the name that it asked for.
    pub(super) fn shown(&self, facts: &Facts) -> Option<Shown> {
        self.tls.as_ref()?.shown(facts.server_name.as_deref()?)
    }
}

/// The filter chains of a listener.
#[derive(Debug)]
pub struct Chains {
    /// The default one comes last.
    all: Vec<Arc<Chain>>,
    matcher: Matcher,
    default: Option<usize>,
    /// What has to be known of a connection.
    needs: Needs,
}

/// What has to be known of a connection before it has a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    /// There is one chain, which takes all.
    Nothing,
    /// Its addresses.
    Addresses,
    /// What the client says first.
    FirstWords,
}

/// What there is to a chain before it is built: its rule.
#[derive(Debug)]
pub(super) struct Rules {
    matcher: Matcher,
    all: Vec<Rule>,
}

/// Builds the rules of the chains of a listener.
///
/// # Errors
/// [`Invalid`] where one is no rule, or two are the same.
pub(super) fn rules<'m>(
    written: impl Iterator<Item = Option<&'m FilterChainMatch>>,
    at: At<'_>,
) -> Result<Rules, Invalid> {
    let mut outcome = Ok(());
    let mut rules = Rules { matcher: Matcher::default(), all: Vec::new() };
    for (index, written) in written.enumerate() {
        let at = at.item("filter_chains", index);
        let match_at = at.field("filter_chain_match");
        let rule = match written.map(|written| rule(written, match_at)).transpose() {
            // What was not read whole is no ground to judge by.
            Ok(_) if match_at.is_tainted() => Err(at.given_up()),
            Ok(rule) => Ok(rule.unwrap_or_default()),
            Err(invalid) => Err(invalid),
        };
        match rule {
            Ok(rule) => {
                if let Err(other) = rules.matcher.insert(&rule, index) {
                    let at = if written.is_some() { match_at } else { at };
                    let number = other + 1;
                    outcome = Err(at.error_with_hint(
                        format_args!("chain number {number} takes some of the same connections, by the same rule"),
                        "each connection can have one chain: change one of the two rules, or join the chains",
                    ));
                }
                rules.all.push(rule);
            }
            Err(invalid) => outcome = Err(invalid),
        }
    }
    outcome.map(|()| rules)
}

/// Makes the sessions of a chain depend on which clients it is for. Early data comes before it is known that its sender's
/// address is its own, and a chain is chosen by that: a session shows that its client was heard as one of them before.
pub(super) fn bind_sources(written: Option<&FilterChainMatch>, scope: &mut Scope) {
    let Some(written) = written else { return };
    let sources = FilterChainMatch {
        source_type: written.source_type,
        source_prefix_ranges: written.source_prefix_ranges.clone(),
        direct_source_prefix_ranges: written.direct_source_prefix_ranges.clone(),
        source_ports: written.source_ports.clone(),
        ..FilterChainMatch::default()
    };
    if sources != FilterChainMatch::default() {
        scope.bind("sources of a filter chain", sources.encode_to_vec());
    }
}

impl Chains {
    /// Of these, which have their rules in order; after them perhaps the default one. With `look` the beginning of every
    /// connection is looked at, whether or not a rule needs it.
    pub(super) fn new(rules: Rules, all: Vec<Chain>, look: bool) -> Self {
        let default = (all.len() > rules.all.len()).then_some(rules.all.len());
        let needs = match rules.all.as_slice() {
            _ if look || rules.all.iter().any(Rule::needs_first_words) => Needs::FirstWords,
            [] => Needs::Nothing,
            [rule] if rule.is_empty() => Needs::Nothing,
            _ => Needs::Addresses,
        };
        Self { all: all.into_iter().map(Arc::new).collect(), matcher: rules.matcher, default, needs }
    }

    /// The chain of every connection, where there is one for all.
    pub(super) fn only(&self) -> Option<&Arc<Chain>> {
        self.all.first().filter(|_| self.needs == Needs::Nothing)
    }

    /// Whether the first words of a client have to be known.
    pub(super) fn need_first_words(&self) -> bool {
        self.needs == Needs::FirstWords
    }

    /// The place of the chain of a connection.
    pub(super) fn find(&self, traits: &Traits<'_>) -> Option<usize> {
        self.matcher.find(traits).or(self.default)
    }

    /// The chain at a place.
    pub(super) fn get(&self, place: usize) -> Option<&Arc<Chain>> {
        self.all.get(place)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Chain> {
        self.all.iter().map(AsRef::as_ref)
    }
}
