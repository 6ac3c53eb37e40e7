//! Which filter chain a connection gets, by what is known of it before anything is said. Pure.
//!
//! Envoy's order: destination port, destination address, server name, transport protocol, application protocols, address of
//! the peer itself, kind of source, address of the source, its port. At each step those chains stay that say most about the
//! connection, or else those that say nothing; a step is never taken back. So the rules of all chains are one tree, with one
//! level a step ([`Step`]), and finding is walking down.

use std::collections::HashMap;
use std::hash::Hash;
use std::marker::PhantomData;
use std::net::SocketAddr;

use super::rule::{Rule, Source};
use crate::net::Prefix;

/// What is known of a connection.
#[derive(Clone, Copy, Debug)]
pub(in crate::listener) struct Traits<'a> {
    /// Where it came to.
    pub(in crate::listener) destination: SocketAddr,
    /// The name that the client asks for, in lower case.
    pub(in crate::listener) server_name: Option<&'a str>,
    /// `tls`, `raw_buffer` or `quic`.
    pub(in crate::listener) transport_protocol: &'a str,
    /// What the client offers, what it prefers first.
    pub(in crate::listener) application_protocols: &'a [Vec<u8>],
    /// The other end of the transport.
    pub(in crate::listener) peer: SocketAddr,
    /// The client, which is the other end unless a proxy told of another.
    pub(in crate::listener) source: SocketAddr,
}

/// The rules of all chains.
#[derive(Debug, Default)]
pub(in crate::listener) struct Matcher(Ports);

type Ports = Level<DestinationPort, Level<DestinationAddress, Names>>;
type Names = Level<ServerName, Level<TransportProtocol, Level<ApplicationProtocol, Sources>>>;
type Sources = Level<PeerAddress, Level<SourceKind, Level<SourceAddress, Level<SourcePort, Leaf>>>>;

impl Matcher {
    /// Takes in the rule of a chain; the error is a chain that matches the same connections already.
    pub(super) fn insert(&mut self, rule: &Rule, chain: usize) -> Result<(), usize> {
        self.0.insert(rule, chain)
    }

    /// The chain of a connection.
    pub(in crate::listener) fn find(&self, traits: &Traits<'_>) -> Option<usize> {
        self.0.find(traits)
    }
}

/// One step: what a rule may say, and what of it is true of a connection.
trait Step {
    type Key: Hash + Eq;

    /// What the rule says; nothing where any connection will do.
    fn of_rule(rule: &Rule) -> Vec<Self::Key>;

    /// The first that is known of what could be said of a connection, the most telling first.
    fn pick<'n, N>(known: &'n HashMap<Self::Key, N>, traits: &Traits<'_>) -> Option<&'n N>;
}

/// What comes after a step.
trait Node: Default {
    fn insert(&mut self, rule: &Rule, chain: usize) -> Result<(), usize>;
    fn find(&self, traits: &Traits<'_>) -> Option<usize>;
}

#[derive(Debug)]
struct Level<S: Step, N> {
    known: HashMap<S::Key, N>,
    any: Option<Box<N>>,
    step: PhantomData<S>,
}

impl<S: Step, N> Default for Level<S, N> {
    fn default() -> Self {
        Self { known: HashMap::new(), any: None, step: PhantomData }
    }
}

impl<S: Step, N: Node> Node for Level<S, N> {
    fn insert(&mut self, rule: &Rule, chain: usize) -> Result<(), usize> {
        let said = S::of_rule(rule);
        if said.is_empty() {
            return self.any.get_or_insert_default().insert(rule, chain);
        }
        said.into_iter().try_for_each(|key| self.known.entry(key).or_default().insert(rule, chain))
    }

    fn find(&self, traits: &Traits<'_>) -> Option<usize> {
        let picked = if self.known.is_empty() { None } else { S::pick(&self.known, traits) };
        picked.or(self.any.as_deref())?.find(traits)
    }
}

/// The end of all steps: a chain.
#[derive(Debug, Default)]
struct Leaf(Option<usize>);

impl Node for Leaf {
    fn insert(&mut self, _: &Rule, chain: usize) -> Result<(), usize> {
        match self.0.replace(chain) {
            // A rule may say one thing twice.
            Some(other) if other != chain => Err(other),
            _ => Ok(()),
        }
    }

    fn find(&self, _: &Traits<'_>) -> Option<usize> {
        self.0
    }
}

#[derive(Debug)]
struct DestinationPort;

impl Step for DestinationPort {
    type Key = u16;

    fn of_rule(rule: &Rule) -> Vec<u16> {
        rule.destination_port.into_iter().collect()
    }

    fn pick<'n, N>(known: &'n HashMap<u16, N>, traits: &Traits<'_>) -> Option<&'n N> {
        known.get(&traits.destination.port())
    }
}

#[derive(Debug)]
struct DestinationAddress;

impl Step for DestinationAddress {
    type Key = Prefix;

    fn of_rule(rule: &Rule) -> Vec<Prefix> {
        rule.prefix_ranges.clone()
    }

    fn pick<'n, N>(known: &'n HashMap<Prefix, N>, traits: &Traits<'_>) -> Option<&'n N> {
        smallest_around(known, traits.destination)
    }
}

#[derive(Debug)]
struct ServerName;

impl Step for ServerName {
    /// In lower case; a wildcard without its `*`.
    type Key = Box<str>;

    fn of_rule(rule: &Rule) -> Vec<Box<str>> {
        rule.server_names.iter().map(|name| name.strip_prefix('*').unwrap_or(name).into()).collect()
    }

    fn pick<'n, N>(known: &'n HashMap<Box<str>, N>, traits: &Traits<'_>) -> Option<&'n N> {
        let name = traits.server_name?;
        let wildcards = name.match_indices('.').filter(|(dot, _)| *dot > 0).filter_map(|(dot, _)| name.get(dot..));
        // A name does not begin with a dot: none is taken for a wildcard.
        std::iter::once(name).filter(|name| !name.starts_with('.')).chain(wildcards).find_map(|name| known.get(name))
    }
}

#[derive(Debug)]
struct TransportProtocol;

impl Step for TransportProtocol {
    type Key = Box<str>;

    fn of_rule(rule: &Rule) -> Vec<Box<str>> {
        rule.transport_protocol.iter().cloned().collect()
    }

    fn pick<'n, N>(known: &'n HashMap<Box<str>, N>, traits: &Traits<'_>) -> Option<&'n N> {
        known.get(traits.transport_protocol)
    }
}

#[derive(Debug)]
struct ApplicationProtocol;

impl Step for ApplicationProtocol {
    type Key = Vec<u8>;

    fn of_rule(rule: &Rule) -> Vec<Vec<u8>> {
        rule.application_protocols.clone()
    }

    fn pick<'n, N>(known: &'n HashMap<Vec<u8>, N>, traits: &Traits<'_>) -> Option<&'n N> {
        traits.application_protocols.iter().find_map(|protocol| known.get(protocol))
    }
}

#[derive(Debug)]
struct PeerAddress;

impl Step for PeerAddress {
    type Key = Prefix;

    fn of_rule(rule: &Rule) -> Vec<Prefix> {
        rule.direct_source_prefix_ranges.clone()
    }

    fn pick<'n, N>(known: &'n HashMap<Prefix, N>, traits: &Traits<'_>) -> Option<&'n N> {
        smallest_around(known, traits.peer)
    }
}

#[derive(Debug)]
struct SourceKind;

impl Step for SourceKind {
    type Key = Source;

    fn of_rule(rule: &Rule) -> Vec<Source> {
        rule.source_type.into_iter().collect()
    }

    fn pick<'n, N>(known: &'n HashMap<Source, N>, traits: &Traits<'_>) -> Option<&'n N> {
        let ip = traits.source.ip().to_canonical();
        let is_local = ip.is_loopback() || ip == traits.destination.ip().to_canonical();
        known.get(if is_local { &Source::SameIpOrLoopback } else { &Source::External })
    }
}

#[derive(Debug)]
struct SourceAddress;

impl Step for SourceAddress {
    type Key = Prefix;

    fn of_rule(rule: &Rule) -> Vec<Prefix> {
        rule.source_prefix_ranges.clone()
    }

    fn pick<'n, N>(known: &'n HashMap<Prefix, N>, traits: &Traits<'_>) -> Option<&'n N> {
        smallest_around(known, traits.source)
    }
}

#[derive(Debug)]
struct SourcePort;

impl Step for SourcePort {
    type Key = u16;

    fn of_rule(rule: &Rule) -> Vec<u16> {
        rule.source_ports.clone()
    }

    fn pick<'n, N>(known: &'n HashMap<u16, N>, traits: &Traits<'_>) -> Option<&'n N> {
        known.get(&traits.source.port())
    }
}

fn smallest_around<N>(known: &HashMap<Prefix, N>, address: SocketAddr) -> Option<&N> {
    Prefix::around(address.ip()).find_map(|prefix| known.get(&prefix))
}

#[cfg(test)]
mod tests;
