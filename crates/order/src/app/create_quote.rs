//! Works out one landed price and freezes it.
//!
//! The three calls come before the transaction, so that it is short; of two same requests at once both work out a price
//! and get the first one. A refusal is kept like an answer, and counts like one.

use std::num::NonZeroU32;

use db::{Batched, Command, Entry, Outcome, Tx};
use kernel::QuoteId;
use money::Currency;
use uuid::Uuid;

use super::{App, Error, ports};
use crate::domain::Refusal;
use crate::domain::pricing::{self, RequestedLine};
use crate::domain::quote::Quote;
use crate::store::quotes;

/// Lines that a quote may have for as much as it is worth at least.
const LINES_PER_QUOTE: usize = 10;
/// About what a line takes in a stored quote, with its answer.
const LINE_BYTES: usize = 4_000;

/// What a price is wanted for.
#[derive(Debug, Clone)]
pub(crate) struct QuoteRequest {
    /// The principal that asks.
    pub(crate) owner: String,
    /// What is to be bought.
    pub(crate) requested: Vec<RequestedLine>,
    /// The buyer's currency; the hub's when none is said.
    pub(crate) currency: Option<Currency>,
    /// The destination's postcode; empty: the zones of all postcodes that have none of their own.
    pub(crate) postcode: String,
    /// The carrier's service; empty: for each consignment the one with the lowest landed total.
    pub(crate) carriage_service: String,
}

impl QuoteRequest {
    /// For how many quotes it counts: it takes room for each of its lines.
    pub(crate) fn worth(&self) -> NonZeroU32 {
        let quotes = u32::try_from(self.requested.len().div_ceil(LINES_PER_QUOTE)).unwrap_or(u32::MAX);
        NonZeroU32::new(quotes).unwrap_or(NonZeroU32::MIN)
    }
}

/// Freezes the price that was worked out, or keeps why there is none.
#[derive(Debug)]
pub(crate) struct CreateQuote {
    /// The quote's id.
    pub(crate) id: QuoteId,
    /// The price.
    pub(crate) worked_out: Result<Quote, ports::Error>,
}

impl Command<App> for CreateQuote {
    type Output = Quote;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<Quote, Error> {
        db::run_alone(self, app, tx).await
    }
}

impl Batched<App> for CreateQuote {
    fn key(&self) -> Uuid {
        self.id.uuid()
    }

    fn bytes(&self) -> usize {
        let lines = self.worked_out.iter().flat_map(|quote| &quote.consignments);
        lines.map(|consignment| consignment.lines.len() * LINE_BYTES).sum()
    }

    async fn run_all(
        batch: &[Entry<'_, Self>],
        _: &App,
        tx: &mut Tx,
    ) -> Result<Vec<Outcome<App, Self>>, Error> {
        let priced: Vec<&Quote> =
            batch.iter().filter_map(|entry| entry.command().worked_out.as_ref().ok()).collect();
        if !priced.is_empty() {
            quotes::insert(tx, &priced).await?;
        }
        Ok(batch.iter().map(|entry| Ok(entry.worked_out.clone()?)).collect())
    }
}

impl App {
    /// Asks the other services what it comes to.
    pub(crate) async fn work_out(&self, id: QuoteId, wanted: QuoteRequest) -> Result<Quote, ports::Error> {
        let now = self.clock.now();
        let expires_at = now + self.trade_policy.quote_validity;
        let currency = wanted.currency.unwrap_or(self.trade_policy.currency);
        let offers = self.catalog.offers(&wanted.requested).await?;
        let groups = pricing::group(&wanted.requested, offers)?;
        let pairs = pricing::pairs(&groups, self.trade_policy.currency, currency);
        let (rates, mut warnings) = match pairs.is_empty() {
            true => (Vec::new(), Vec::new()),
            false => self.payment.lock_rates(id, &pairs, expires_at).await?,
        };
        // After the rates: what the buyer is charged for the goods decides which tax they bear.
        let (postcode, service) = (&wanted.postcode, &wanted.carriage_service);
        let landed = self.logistics.landed_costs(&groups, &rates, currency, postcode, service).await?;
        if landed.len() != groups.len() {
            let problem = format!("{} landed costs for {} consignments", landed.len(), groups.len());
            return Err(ports::Error::Fault(problem));
        }
        let mut consignments = Vec::with_capacity(groups.len());
        for (group, landed) in groups.into_iter().zip(landed) {
            warnings.extend(landed.warnings.iter().cloned());
            let freight_by = self.trade_policy.freight_spread(&group.from_country);
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
            profile_hash: self.trade_policy.profile_hash.clone(),
            created_at: now,
            expires_at,
        };
        if !quote.price()?.total()?.is_positive() {
            return Err(Refusal::new("NOTHING_TO_PAY", "the price comes to zero").into());
        }
        Ok(quote)
    }
}
