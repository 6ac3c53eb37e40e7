//! Which tunnels are allowed: `upgrade_configs` of the connection manager, and those of a route, which go before.

use crate::config::proto::envoy::config::route::v3::route_action as route;
use crate::config::proto::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager as manager;
use crate::config::{At, Invalid};
use crate::http::AskedTunnel;

/// What is said of each kind of tunnel, by its name in lower case.
#[derive(Clone, Debug, Default)]
pub(super) struct Upgrades(Vec<(String, bool)>);

/// What a route says of tunnels.
#[derive(Clone, Debug, Default)]
pub(super) struct RouteUpgrades {
    upgrades: Upgrades,
    /// Where the tunnels of CONNECT end here: whether those of POST do as well.
    connect: Option<AllowPost>,
}

/// Envoy's `allow_post`.
#[derive(Clone, Copy, Debug)]
struct AllowPost(bool);

impl Upgrades {
    /// What the connection manager says.
    pub(super) fn of_manager(at: At<'_>, written: &[manager::UpgradeConfig]) -> Result<Self, Invalid> {
        Self::build(at, written, |config| (&config.upgrade_type, config.enabled))
    }

    fn build<T>(at: At<'_>, written: &[T], said: impl Fn(&T) -> (&String, Option<bool>)) -> Result<Self, Invalid> {
        let mut upgrades: Vec<(String, bool)> = Vec::new();
        at.each("upgrade_configs", written, |at, config| {
            let (kind, enabled) = said(config);
            let kind = kind.to_ascii_lowercase();
            if upgrades.iter().any(|(other, _)| *other == kind) {
                let fault = format_args!("`{kind}` is configured twice: keep one of them");
                return Err(at.field("upgrade_type").error(fault));
            }
            upgrades.push((kind, enabled.unwrap_or(true)));
            Ok(())
        })?;
        Ok(Self(upgrades))
    }

    fn of(&self, asked: &AskedTunnel) -> Option<bool> {
        let matches = |kind: &str| match asked {
            AskedTunnel::Connect => kind == "connect",
            AskedTunnel::Upgrade(protocol) => protocol.is(kind),
        };
        self.0.iter().find(|(kind, _)| matches(kind)).map(|(_, enabled)| *enabled)
    }

    /// Whether a tunnel may be asked for on this route.
    pub(super) fn allows(&self, route: Option<&RouteUpgrades>, asked: &AskedTunnel) -> bool {
        route.and_then(|route| route.upgrades.of(asked)).or_else(|| self.of(asked)).unwrap_or(false)
    }
}

impl RouteUpgrades {
    /// What a route says.
    pub(super) fn build(at: At<'_>, written: &[route::UpgradeConfig]) -> Result<Self, Invalid> {
        let upgrades = Upgrades::build(at, written, |config| (&config.upgrade_type, config.enabled));
        let connect = at.each("upgrade_configs", written, |at, config| match &config.connect_config {
            Some(_) if !config.upgrade_type.eq_ignore_ascii_case("connect") => Err(at
                .field("connect_config")
                .error("is only for CONNECT: set `upgrade_type: CONNECT`, or leave it out")),
            connect => Ok(connect.as_ref().map(|connect| AllowPost(connect.allow_post))),
        });
        Ok(Self { upgrades: upgrades?, connect: connect?.into_iter().flatten().next() })
    }

    /// Whether the gateway itself is the end of this tunnel: what comes out of it goes to a host as it is.
    pub(super) fn ends_here(&self, asked: Option<&AskedTunnel>, method: &http::Method) -> bool {
        match (self.connect, asked) {
            (Some(_), Some(AskedTunnel::Connect)) => true,
            (Some(AllowPost(post)), None) => post && method == http::Method::POST,
            _ => false,
        }
    }
}
