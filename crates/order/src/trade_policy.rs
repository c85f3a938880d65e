//! What orders go by of the hub's profile: where it is, how buyers pay, how long quotes, escrow and returns last.

use std::sync::Arc;

use chrono::Duration;
use hub::{FreightSpread, PaymentMethod, PaymentMethodCode};
use kernel::Country;
use money::Currency;

use crate::domain::quote::QuotedConsignment;
use crate::domain::returns::Rules;

/// The hub as orders know it.
#[derive(Debug, Clone)]
pub(crate) struct TradePolicy {
    /// The profile's code.
    pub(crate) code: String,
    /// Its name for people.
    pub(crate) name: String,
    /// The importing country.
    pub(crate) country: Country,
    /// The hub's currency.
    pub(crate) currency: Currency,
    /// BCP 47 tags, the default first.
    pub(crate) languages: Vec<String>,
    /// IANA name.
    pub(crate) time_zone: String,
    /// Where it has lanes from.
    pub(crate) lanes_from: Vec<String>,
    /// How buyers may pay.
    pub(crate) payment_methods: Vec<PaymentMethodCode>,
    /// The profile's hash.
    pub(crate) profile_hash: String,
    /// Money and parcels are not real.
    pub(crate) sandbox: bool,
    /// How long a quote can be ordered.
    pub(crate) quote_validity: Duration,
    /// How long after delivery a buyer may object before escrow is released.
    pub(crate) escrow: Duration,
    /// By what goods go back.
    pub(crate) returns: Rules,
    /// The profile, for what is not listed here.
    pub(crate) profile: Arc<hub::Profile>,
}

impl TradePolicy {
    /// What the profile says.
    pub(crate) fn of(profile: &Arc<hub::Profile>, sandbox: bool) -> Self {
        let terms = profile.terms();
        Self {
            code: profile.code().to_owned(),
            name: profile.name().to_owned(),
            country: profile.country(),
            currency: profile.currency(),
            languages: profile.languages().to_vec(),
            time_zone: profile.time_zone().name().to_owned(),
            lanes_from: profile.lanes().map(|lane| lane.from.to_string()).collect(),
            payment_methods: profile.payment_methods().iter().map(PaymentMethod::code).collect(),
            profile_hash: profile.hash().to_owned(),
            sandbox,
            quote_validity: Duration::minutes(terms.quote_minutes.into()),
            escrow: Duration::days(terms.escrow_days.into()),
            returns: Rules { period: Duration::days(terms.return_days.into()), returns: *profile.returns() },
            profile: profile.clone(),
        }
    }

    /// How freight from a country is spread over the lines of a consignment.
    pub(crate) fn freight_spread(&self, from: &str) -> FreightSpread {
        let ruleset = from.parse().ok().and_then(|from| self.profile.ruleset(from));
        ruleset.map_or_else(FreightSpread::default, |ruleset| ruleset.rules.freight_spread)
    }

    /// The zone that a consignment's carriage has for a postcode; `None` where it does not carry to.
    pub(crate) fn zone(&self, consignment: &QuotedConsignment, postcode: &str) -> Option<String> {
        let from = consignment.from_country.parse().ok()?;
        self.profile.zone(&consignment.carriage.carrier, &consignment.carriage.service, from, postcode)
    }
}
