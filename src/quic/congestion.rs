//! Which congestion controller a connection has, by `connection_options`: the tags are QUICHE's.
//!
//! An Envoy listener follows the tags that a client sends and says none itself, so that only clients of one make can choose.
//! Here whoever configures the listener or the cluster chooses.

use std::sync::Arc;

use quinn::TransportConfig;
use quinn::congestion::{BbrConfig, CubicConfig, NewRenoConfig};

use super::written::Written;
use crate::config::Invalid;

/// A controller and where it begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Congestion {
    controller: Controller,
    /// Bytes that may be on their way before anything is known of the path.
    initial_window: Option<u64>,
}

/// How it is found out what a path can carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Controller {
    /// RFC 9438; QUICHE's default too.
    #[default]
    Cubic,
    /// RFC 9002 §7.
    NewReno,
    /// By bandwidth and round trip, not by loss.
    Bbr,
}

/// What one tag says.
#[derive(Clone, Copy)]
enum Tag {
    Controller(Controller),
    InitialPackets(u64),
}

/// Reads the tags. One without effect is remarked on.
///
/// # Errors
/// [`Invalid`] where they name more than one controller.
pub(super) fn choose(written: &Written<'_>) -> Result<Congestion, Invalid> {
    let text = written.options().map_or("", |options| options.connection_options.as_str());
    let at = written.options_at();
    let at = at.field("connection_options");
    let (mut chosen, mut congestion) = (None, Congestion::default());
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        match tag(name) {
            Some(Tag::Controller(controller)) => {
                congestion.controller = controller;
                let before = chosen.replace((name, controller)).filter(|(_, before)| *before != controller);
                if let Some((before, _)) = before {
                    let message = "`{before}` and `{name}` are two congestion controllers: leave one of them";
                    let message = message.replace("{before}", before).replace("{name}", name);
                    return Err(at.error(message));
                }
            }
            Some(Tag::InitialPackets(packets)) => congestion.initial_window = Some(packets * PACKET),
            None => at.no_effect(format_args!(
                "`{name}` has no effect: those that have are QBIC, BYTE, RENO, TBBR and B2ON (the congestion controller) \
                 and IW03, IW10, IW20 and IW50 (the packets that it begins with)"
            )),
        }
    }
    Ok(congestion)
}

fn tag(name: &str) -> Option<Tag> {
    Some(match name {
        "QBIC" | "BYTE" => Tag::Controller(Controller::Cubic),
        "RENO" => Tag::Controller(Controller::NewReno),
        // Of the two versions there is one here.
        "TBBR" | "B2ON" => Tag::Controller(Controller::Bbr),
        "IW03" => Tag::InitialPackets(3),
        "IW10" => Tag::InitialPackets(10),
        "IW20" => Tag::InitialPackets(20),
        "IW50" => Tag::InitialPackets(50),
        _ => return None,
    })
}

impl Congestion {
    /// Has it control the connections of `config`.
    pub(super) fn control(self, config: &mut TransportConfig) {
        macro_rules! factory {
            ($kind:ty) => {{
                let mut factory = <$kind>::default();
                if let Some(bytes) = self.initial_window {
                    factory.initial_window(bytes);
                }
                config.congestion_controller_factory(Arc::new(factory));
            }};
        }
        match self.controller {
            Controller::Cubic => factory!(CubicConfig),
            Controller::NewReno => factory!(NewRenoConfig),
            Controller::Bbr => factory!(BbrConfig),
        }
    }
}

/// Bytes of a packet before the path is known: RFC 9000 §14.
const PACKET: u64 = 1200;
