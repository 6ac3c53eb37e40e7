//! A share of the requests: Envoy's `RuntimeFractionalPercent`.

use crate::config::proto::envoy::config::core::v3::RuntimeFractionalPercent;
use crate::config::proto::envoy::r#type::v3::fractional_percent::DenominatorType;
use crate::config::{At, Invalid};

/// A share between nothing and all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fraction {
    numerator: u32,
    denominator: u32,
}

// === impl Fraction ===

impl Fraction {
    /// The share that the message says by default.
    ///
    /// # Errors
    /// When it has no default or an unknown denominator.
    pub fn build(at: At<'_>, percent: &RuntimeFractionalPercent) -> Result<Self, Invalid> {
        let value = at.required("default_value", percent.default_value.as_ref())?;
        let denominator = match DenominatorType::try_from(value.denominator) {
            Ok(DenominatorType::Hundred) => 100,
            Ok(DenominatorType::TenThousand) => 10_000,
            Ok(DenominatorType::Million) => 1_000_000,
            Err(error) => return Err(at.field("default_value.denominator").error(error)),
        };
        Ok(Self { numerator: value.numerator, denominator })
    }

    /// Whether a request belongs to it, `random` being an evenly distributed number that is its own.
    #[must_use]
    pub fn holds(self, random: u64) -> bool {
        random % u64::from(self.denominator) < u64::from(self.numerator)
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Report;
    use crate::config::proto::envoy::r#type::v3::FractionalPercent;

    use super::*;

    #[test]
    fn a_share_is_met_by_as_many_numbers() {
        let share = |numerator, denominator: DenominatorType, of: u64| {
            let report = Report::new("test");
            let value = FractionalPercent { numerator, denominator: denominator.into() };
            let percent =
                RuntimeFractionalPercent { default_value: Some(value), ..RuntimeFractionalPercent::default() };
            let fraction = Fraction::build(report.at(), &percent).unwrap();
            (0..of).filter(|random| fraction.holds(*random)).count()
        };
        assert_eq!(share(0, DenominatorType::Hundred, 100), 0);
        assert_eq!(share(30, DenominatorType::Hundred, 100), 30);
        assert_eq!(share(200, DenominatorType::Hundred, 100), 100);
        assert_eq!(share(30, DenominatorType::TenThousand, 10_000), 30);
        assert_eq!(share(30, DenominatorType::Million, 1_000_000), 30);
        assert!(!Fraction { numerator: 99, denominator: 100 }.holds(u64::MAX - (u64::MAX % 100) - 1));
    }
}
