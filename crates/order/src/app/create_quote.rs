//! Works out one landed price and freezes it.
//!
//! The three calls come before the transaction, so that it is short; of two same requests at once both work out a price
//! and get the first one. A refusal is kept like an answer, and counts like one.

use std::num::NonZeroU32;
use std::sync::Arc;

use kernel::QuoteId;
use money::Currency;
use proto::order::v1::CreateQuoteResponse;
use rpc::Counted;
use rpc::replay::{self, Key};
use tokio::time::Instant;
use tonic::Status;

use super::{App, Error, asks};
use crate::domain::Refusal;
use crate::domain::pricing::{self, Wish};
use crate::domain::quote::Quote;
use crate::store::quotes;
use crate::wire;

/// Lines that a quote may have for as much as it is worth at least.
const LINES_PER_QUOTE: usize = 10;

/// What a price is wanted for.
#[derive(Debug, Clone)]
pub(crate) struct QuoteWanted {
    /// The principal that asks.
    pub(crate) owner: String,
    /// For whom it counts.
    pub(crate) counted: Counted,
    /// What is to be bought.
    pub(crate) wishes: Vec<Wish>,
    /// The buyer's currency; the hub's when none is said.
    pub(crate) currency: Option<Currency>,
    /// The destination's postcode; empty: the zones of all postcodes that have none of their own.
    pub(crate) postcode: String,
    /// The carrier's service; empty: for each consignment the one with the lowest landed total.
    pub(crate) carriage_service: String,
}

impl QuoteWanted {
    /// For how many quotes it counts: it takes room for each of its lines.
    fn worth(&self) -> NonZeroU32 {
        let quotes = u32::try_from(self.wishes.len().div_ceil(LINES_PER_QUOTE)).unwrap_or(u32::MAX);
        NonZeroU32::new(quotes).unwrap_or(NonZeroU32::MIN)
    }
}

impl App {
    /// The price, once for this key.
    pub(crate) async fn create_quote(
        self: &Arc<Self>,
        key: Key,
        wanted: QuoteWanted,
        deadline: Instant,
    ) -> Result<CreateQuoteResponse, Status> {
        if let Some(answer) = replay::ended(&self.db, &key).await? {
            return Ok(answer);
        }
        self.quotes.take(&wanted.counted, wanted.worth())?;
        let worked_out = Arc::new(self.work_out(wanted).await);
        let kept = replay::once(&self.db, &self.clock, key, deadline, move |tx| {
            let worked_out = worked_out.clone();
            Box::pin(async move {
                let quote = worked_out.as_ref().as_ref().map_err(|error| Error::from(error.clone()))?;
                quotes::insert(tx, quote).await?;
                let quote = Some(wire::quote(quote)?);
                // A secret is never kept: whoever made one for the guest adds it.
                Ok::<_, Error>(CreateQuoteResponse { quote, guest_secret: String::new() })
            })
        });
        kept.await
    }

    async fn work_out(&self, wanted: QuoteWanted) -> Result<Quote, asks::Error> {
        let (id, now) = (QuoteId::new(), self.clock.now());
        let expires_at = now + self.market.quote_validity;
        let currency = wanted.currency.unwrap_or(self.market.currency);
        let offers = self.catalog.offers(&wanted.wishes).await?;
        let groups = pricing::group(&wanted.wishes, offers)?;
        let pairs = pricing::pairs(&groups, self.market.currency, currency);
        let (rates, mut warnings) = match pairs.is_empty() {
            true => (Vec::new(), Vec::new()),
            false => self.payment.lock_rates(id, &pairs, expires_at).await?,
        };
        // After the rates: what the buyer is charged for the goods decides which tax they bear.
        let (postcode, service) = (&wanted.postcode, &wanted.carriage_service);
        let landed = self.logistics.landed_costs(&groups, &rates, postcode, service).await?;
        if landed.len() != groups.len() {
            let problem = format!("{} landed costs for {} consignments", landed.len(), groups.len());
            return Err(asks::Error::Fault(problem));
        }
        let mut consignments = Vec::with_capacity(groups.len());
        for (group, landed) in groups.into_iter().zip(landed) {
            warnings.extend(landed.warnings.iter().cloned());
            let freight_by = self.market.freight_spread(&group.from_country);
            consignments.push(pricing::consignment(group, landed, freight_by, &rates, currency)?);
        }
        let mut told = std::collections::BTreeSet::new();
        warnings.retain(|warning| told.insert(warning.clone()));
        let quote = Quote {
            id,
            owner: Some(wanted.owner),
            currency,
            postcode: wanted.postcode,
            consignments,
            warnings,
            profile_hash: self.market.profile_hash.clone(),
            created_at: now,
            expires_at,
        };
        if !quote.price()?.total()?.is_positive() {
            return Err(Refusal::new("NOTHING_TO_PAY", "the price comes to nothing").into());
        }
        Ok(quote)
    }
}
