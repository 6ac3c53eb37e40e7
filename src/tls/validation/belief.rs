//! Whom a TLS context believes, as its sources have it now.
//!
//! One source for a context of its own or one that is a secret; two where a secret says more than the configuration
//! (`combined_validation_context`). When one of them is another, they are brought together anew; what cannot be used is told and
//! left, and the last good one stays.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use prost::Message as _;

use super::build::{build, without_authority};
use super::{Shared, Trust, Validation};
use crate::config::proto::envoy::extensions::transport_sockets::tls::v3::common_tls_context::{
    CombinedCertificateValidationContext, ValidationContextType,
};
use crate::config::{At, Invalid, Report, Severity};
use crate::tls::rotation::{Context, Material as _, Source};
use crate::tls::secrets::Secrets;

/// Whom to believe now.
#[derive(Debug)]
pub(in crate::tls) struct Belief {
    parts: Parts,
    now: ArcSwap<Validation>,
    /// What it was made of, or could not be made of, last.
    tried: Mutex<Made>,
    refused: AtomicU64,
}

/// What it is made of.
#[derive(Debug)]
enum Parts {
    Whole(Arc<Source<Trust>>),
    /// The single values of the secret stand before those of the default, its lists behind them.
    Combined {
        default: Arc<Source<Trust>>,
        secret: Arc<Source<Trust>>,
    },
}

/// What the parts were.
#[derive(Debug)]
struct Made(Arc<Trust>, Option<Arc<Trust>>);

impl Belief {
    /// That of a `CommonTlsContext`, which stands at `at`; `None` where it says nothing.
    pub(in crate::tls) fn of_context(
        written: Option<&ValidationContextType>,
        secrets: &Secrets,
        at: At<'_>,
    ) -> Result<Option<Arc<Self>>, Invalid> {
        let (parts, at) = match written {
            None => return Ok(None),
            Some(ValidationContextType::ValidationContext(written)) => {
                let at = at.field("validation_context");
                let (complete, source) = (without_authority(written, at), secrets.own(written, at));
                complete?;
                (Parts::Whole(source?), at)
            }
            Some(ValidationContextType::ValidationContextSdsSecretConfig(written)) => {
                let at = at.field("validation_context_sds_secret_config");
                (Parts::Whole(secrets.named(written, at)?), at)
            }
            Some(ValidationContextType::CombinedValidationContext(written)) => {
                let parts = Parts::combined(written, secrets, at.field("combined_validation_context"))?;
                (parts, at.field("combined_validation_context.default_validation_context"))
            }
            // The walk has refused the others.
            Some(_) => return Err(at.given_up()),
        };
        let made = parts.now();
        let now = ArcSwap::new(made.build(at)?);
        let belief = Arc::new(Self { parts, now, tried: Mutex::new(made), refused: AtomicU64::new(0) });
        if belief.changes() {
            secrets.rotate(&belief);
        }
        Ok(Some(belief))
    }

    pub(in crate::tls) fn now(&self) -> Shared {
        self.now.load_full()
    }

    /// Whether it may be another some time.
    pub(in crate::tls) fn changes(&self) -> bool {
        self.parts.sources().any(|source| source.changes())
    }

    /// How often something else was refused.
    pub(in crate::tls) fn refused(&self) -> u64 {
        self.parts.sources().map(|source| source.refused()).sum::<u64>() + self.refused.load(Ordering::Relaxed)
    }
}

impl Context for Belief {
    fn refresh(&self) {
        let made = self.parts.now();
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        if made.is(&tried) {
            return;
        }
        let report = Report::new(Trust::FIELD);
        let built =
            made.build(report.at()).and_then(|built| succeeds(&built, &self.now(), report.at()).map(|()| built));
        *tried = made;
        if let Ok(built) = built {
            return self.now.store(built);
        }
        self.refused.fetch_add(1, Ordering::Relaxed);
        let reason = report.lines(Severity::Error).join("; ");
        tracing::warn!(reason, "{} is not taken into use, the last good one stays", Trust::NAME);
    }
}

impl Parts {
    fn combined(
        written: &CombinedCertificateValidationContext,
        secrets: &Secrets,
        at: At<'_>,
    ) -> Result<Self, Invalid> {
        let default = at.required("default_validation_context", written.default_validation_context.as_ref());
        let default = default.and_then(|default| secrets.own(default, at.field("default_validation_context")));
        let config = written.validation_context_sds_secret_config.as_ref();
        let config = at.required("validation_context_sds_secret_config", config);
        let secret = config.and_then(|config| secrets.named(config, at.field("validation_context_sds_secret_config")));
        Ok(Self::Combined { default: default?, secret: secret? })
    }

    fn sources(&self) -> impl Iterator<Item = &Arc<Source<Trust>>> {
        let (first, second) = match self {
            Self::Whole(source) => (source, None),
            Self::Combined { default, secret } => (default, Some(secret)),
        };
        [Some(first), second].into_iter().flatten()
    }

    fn now(&self) -> Made {
        match self {
            Self::Whole(source) => Made(source.now(), None),
            Self::Combined { default, secret } => Made(default.now(), Some(secret.now())),
        }
    }
}

impl Made {
    fn is(&self, other: &Self) -> bool {
        let second = match (&self.1, &other.1) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        Arc::ptr_eq(&self.0, &other.0) && second
    }

    fn build(&self, at: At<'_>) -> Result<Shared, Invalid> {
        let Self(first, second) = self;
        let Some(second) = second else {
            return without_authority(&first.written, at).map(|()| Arc::clone(&first.built));
        };
        let mut merged = first.written.clone();
        // Merging is what protobuf calls it when bytes of one message follow those of another.
        merged.merge(second.written.encode_to_vec().as_slice()).map_err(|error| at.error(error))?;
        let (complete, built) = (without_authority(&merged, at), build(&merged, at));
        complete.and(built)
    }
}

/// Whether `new` may come after `old`: nobody who was held against something is let in unseen from now on.
fn succeeds(new: &Validation, old: &Validation, at: At<'_>) -> Result<(), Invalid> {
    if (old.verifies() && !new.verifies()) || (old.asks() && !new.asks()) {
        return Err(at.error(
            "verifies nothing any more: set `trusted_ca`, or restart where certificates are not to be verified from now on",
        ));
    }
    // They make a certificate required where nothing else does.
    let insists = |validation: &Validation| validation.is_picky() && !validation.lets_pass();
    if insists(old) && !insists(new) {
        return Err(at.error(
            "asks for no name and no pin any more: name one, or restart where any certificate will do from now on",
        ));
    }
    Ok(())
}
