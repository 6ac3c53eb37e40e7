//! Who looks on while a connection lasts: Envoy's `connection_debug_visitor_config`.

use std::sync::Arc;
use std::time::Duration;

use super::qlog::Qlog;
use super::written::Written;
use crate::config::proto::envoy::extensions::quic::connection_debug_visitor::quic_stats::v3::Config as StatsVisitor;
use crate::config::{Invalid, duration, type_name};
use crate::observe::stats::Scope;

/// What is done with what is seen.
#[derive(Clone, Debug)]
pub(super) struct Visitor {
    /// How often statistics are brought up to date.
    pub(super) update_period: Duration,
    /// Where packets are recorded.
    pub(super) qlog: Option<Arc<Qlog>>,
}

/// Builds it; `listener` is the listener's scope.
///
/// # Errors
/// [`Invalid`] where the extension is another, or cannot do what it should.
pub(super) fn visitor(written: &Written<'_>, listener: &Scope) -> Result<Visitor, Invalid> {
    let mut visitor = Visitor { update_period: UPDATE_PERIOD, qlog: None };
    let extension = written.listener().and_then(|options| options.connection_debug_visitor_config.as_ref());
    let Some(any) = extension.and_then(|extension| extension.typed_config.as_ref()) else { return Ok(visitor) };
    let at = written.udp_at.field("quic_options.connection_debug_visitor_config.typed_config");
    match type_name(&any.type_url) {
        QLOG => visitor.qlog = Some(Arc::new(Qlog::build(any, at, listener)?)),
        STATS => {
            let stats: StatsVisitor = at.unpack(any)?;
            visitor.update_period = stats.update_period.as_ref().map_or(UPDATE_PERIOD, duration);
        }
        other => return Err(at.error(format_args!("holds `{other}`, which visits no connections: name `{QLOG}`"))),
    }
    Ok(visitor)
}

/// Envoy brings its statistics up to date at the end of a connection only, where nothing is set. A download of an hour should
/// be seen before it is over, and a look at a connection takes 24 ns.
const UPDATE_PERIOD: Duration = Duration::from_secs(10);

const QLOG: &str = "quicgate.extensions.quic.qlog.v1.Qlog";

const STATS: &str = "envoy.extensions.quic.connection_debug_visitor.quic_stats.v3.Config";
