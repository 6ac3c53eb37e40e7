//! Response flags: what went wrong with an exchange, in Envoy's 30 words.
//!
//! Set by `hcm` and the upstream floors as facts become known, printed by `%RESPONSE_FLAGS%` in that order.

use std::borrow::Cow;

/// The flags of one exchange, in the order in which they were set. Empty for nearly all: then it holds no memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseFlags(Vec<Flag>);

macro_rules! flags {
    ($($(#[$doc:meta])* $name:ident = $short:literal, $long:literal;)*) => {
        /// One thing that went wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Flag { $($(#[$doc])* $name,)* }

        impl Flag {
            /// Every flag.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The name in `%RESPONSE_FLAGS%`: `UF`.
            #[must_use]
            pub fn short(self) -> &'static str {
                match self { $(Self::$name => $short,)* }
            }

            /// The name in `%RESPONSE_FLAGS_LONG%`: `UpstreamConnectionFailure`.
            #[must_use]
            pub fn long(self) -> &'static str {
                match self { $(Self::$name => $long,)* }
            }
        }
    };
}

flags! {
    /// The local health check was made to fail.
    FailedLocalHealthCheck = "LH", "FailedLocalHealthCheck";
    /// No healthy host in the cluster.
    NoHealthyUpstream = "UH", "NoHealthyUpstream";
    /// The upstream did not answer in time.
    UpstreamRequestTimeout = "UT", "UpstreamRequestTimeout";
    /// The stream to the upstream was reset from this side.
    LocalReset = "LR", "LocalReset";
    /// The upstream reset the stream.
    UpstreamRemoteReset = "UR", "UpstreamRemoteReset";
    /// No connection to the upstream could be made.
    UpstreamConnectionFailure = "UF", "UpstreamConnectionFailure";
    /// The connection to the upstream ended during the exchange.
    UpstreamConnectionTermination = "UC", "UpstreamConnectionTermination";
    /// A circuit breaker was open.
    UpstreamOverflow = "UO", "UpstreamOverflow";
    /// No route, or no filter chain, for the request.
    NoRouteFound = "NR", "NoRouteFound";
    /// A delay was injected.
    DelayInjected = "DI", "DelayInjected";
    /// A failure was injected.
    FaultInjected = "FI", "FaultInjected";
    /// The request was rate limited.
    RateLimited = "RL", "RateLimited";
    /// An authorisation service said no.
    UnauthorizedExternalService = "UAEX", "UnauthorizedExternalService";
    /// The rate limit service failed.
    RateLimitServiceError = "RLSE", "RateLimitServiceError";
    /// The client closed the connection.
    DownstreamConnectionTermination = "DC", "DownstreamConnectionTermination";
    /// All retries were used.
    UpstreamRetryLimitExceeded = "URX", "UpstreamRetryLimitExceeded";
    /// The stream was idle for too long.
    StreamIdleTimeout = "SI", "StreamIdleTimeout";
    /// An `x-envoy-*` request header had an invalid value.
    InvalidEnvoyRequestHeaders = "IH", "InvalidEnvoyRequestHeaders";
    /// The client broke the protocol.
    DownstreamProtocolError = "DPE", "DownstreamProtocolError";
    /// The stream reached its greatest allowed duration.
    UpstreamMaxStreamDurationReached = "UMSDR", "UpstreamMaxStreamDurationReached";
    /// The response came from a cache.
    ResponseFromCacheFilter = "RFCF", "ResponseFromCacheFilter";
    /// A filter's configuration has not come.
    NoFilterConfigFound = "NFCF", "NoFilterConfigFound";
    /// The connection reached its greatest allowed duration.
    DurationTimeout = "DT", "DurationTimeout";
    /// The upstream broke the protocol.
    UpstreamProtocolError = "UPE", "UpstreamProtocolError";
    /// The route names a cluster that does not exist.
    NoClusterFound = "NC", "NoClusterFound";
    /// Ended because of overload.
    OverloadManagerTerminated = "OM", "OverloadManagerTerminated";
    /// The upstream's name did not resolve.
    DnsResolutionFailed = "DF", "DnsResolutionFailed";
    /// Dropped by the cluster's `drop_overloads`.
    DropOverload = "DO", "DropOverload";
    /// The client reset the stream.
    DownstreamRemoteReset = "DR", "DownstreamRemoteReset";
    /// Dropped by `drop_overloads` that drop everything.
    UnconditionalDropOverload = "UDO", "UnconditionalDropOverload";
}

// === impl ResponseFlags ===

impl ResponseFlags {
    /// Sets `flag`; setting it again changes nothing.
    pub fn insert(&mut self, flag: Flag) {
        if !self.contains(flag) {
            self.0.push(flag);
        }
    }

    /// Whether `flag` is set.
    #[must_use]
    pub fn contains(&self, flag: Flag) -> bool {
        self.0.contains(&flag)
    }

    /// Whether none is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The flags set, in the order of their setting.
    pub fn iter(&self) -> impl Iterator<Item = Flag> {
        self.0.iter().copied()
    }

    /// The names joined by commas, `-` for none.
    pub(super) fn joined(&self, name: fn(Flag) -> &'static str) -> Cow<'static, str> {
        match self.0.as_slice() {
            [] => Cow::Borrowed("-"),
            [flag] => Cow::Borrowed(name(*flag)),
            flags => Cow::Owned(flags.iter().map(|flag| name(*flag)).collect::<Vec<_>>().join(",")),
        }
    }
}

impl FromIterator<Flag> for ResponseFlags {
    fn from_iter<I: IntoIterator<Item = Flag>>(flags: I) -> Self {
        let mut set = Self::default();
        flags.into_iter().for_each(|flag| set.insert(flag));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_thirty_flags_with_names_of_their_own() {
        let mut names: Vec<_> = Flag::ALL.iter().flat_map(|flag| [flag.short(), flag.long()]).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!((Flag::ALL.len(), names.len()), (30, 60));
    }

    #[test]
    fn flags_are_printed_in_the_order_they_were_set() {
        let mut flags = ResponseFlags::default();
        assert_eq!(flags.joined(Flag::short), "-");
        flags.insert(Flag::UpstreamRetryLimitExceeded);
        flags.insert(Flag::UpstreamConnectionFailure);
        flags.insert(Flag::UpstreamRetryLimitExceeded);
        assert_eq!(flags.joined(Flag::short), "URX,UF");
        assert_eq!(flags.joined(Flag::long), "UpstreamRetryLimitExceeded,UpstreamConnectionFailure");
    }
}
