//! One SKU that everybody wants: each reservation takes a unit of the same shelf. In the end another shelf is sold out by
//! all at once, and both are compared with what their callers were answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::{Context as _, Result};
use kernel::{OrderId, ReservationId};
use proof::market::Market;
use proof::shop::SellerEntry;
use proto::catalog::internal::v1::offer_service_client::OfferServiceClient;
use proto::catalog::internal::v1::reservation_service_client::ReservationServiceClient;
use proto::catalog::internal::v1::{
    GetOffersRequest, Offer, OfferLine, QuotedGoods, ReservationLine, ReserveRequest,
};
use proto::catalog::v1::StockItem;
use rpc::Peer;
use tokio::task::JoinSet;
use tonic::Status;

use crate::bench::Plan;
use crate::bench::subject::Component;
use crate::bench::tally::Parts;
use crate::bench::work::{Findings, Unit, Work};

/// Units of the two shelves: one that lasts, and one that is sold out.
const UNITS: [i64; 2] = [1_000_000_000, 500];
const LASTING: usize = 0;
const SCARCE: usize = 1;
/// Those who sell the scarce one out, and how many calls each makes: together they want four times what there is.
const BUYERS_OF_SCARCE: usize = 64;
const CALLS_FOR_SCARCE: i64 = 32;

/// What the callers share.
pub(super) struct HotSku {
    market: Market,
    reservations: ReservationServiceClient<Peer>,
    lines: [ReservationLine; 2],
    answers: Answers,
}

/// What those were answered who wanted a unit of a shelf.
#[derive(Debug, Default)]
struct Answers {
    held: AtomicI64,
    /// Whether a unit is held for them is not known.
    failed: AtomicI64,
}

impl Work for HotSku {
    const UNIT: Unit = Unit { one: "reservation", many: "reservations", whole: "reservation", parts: &[] };
    type Subject = Component;

    async fn start(plan: &Plan<'_>) -> Result<Component> {
        Component::start(plan, "catalog").await
    }

    async fn prepare(catalog: &Component, _: usize) -> Result<Self> {
        let market = Market::open(&catalog.people()?, &SellerEntry::thai("bench"), &UNITS).await?;
        let mut lines = Vec::new();
        for variant in &market.variants {
            lines.push(line(&catalog.peer(), variant).await?);
        }
        let lines = lines.try_into().ok().context("a line for each shelf")?;
        let reservations = ReservationServiceClient::new(catalog.peer());
        Ok(Self { market, reservations, lines, answers: Answers::default() })
    }

    async fn once(&self, _: usize, _: &mut fastrand::Rng) -> Result<Parts, Status> {
        self.answers.note(reserve(self.reservations.clone(), &self.lines[LASTING]).await)?;
        Ok(Vec::new())
    }

    async fn check(&self, catalog: &Component) -> Result<Findings> {
        let mut found = Findings::default();
        found.compare(
            "the shelf that lasts",
            &self.market.shelf(LASTING).await?,
            UNITS[LASTING],
            &self.answers,
        );
        let scarce = self.sell_out().await?;
        let shelf = self.market.shelf(SCARCE).await?;
        found.compare("the shelf that is sold out", &shelf, UNITS[SCARCE], &scarce);
        if shelf.reserved < UNITS[SCARCE] {
            found.violations.push(format!(
                "{} of {} units were left though all were wanted",
                UNITS[SCARCE] - shelf.reserved,
                UNITS[SCARCE]
            ));
        }
        let audit = proof::invariants::stock(&catalog.people()?).await?;
        found.seen.push(format!("The stock's audit: {}.", audit.seen));
        found.violations.extend(audit.violations);
        Ok(found)
    }
}

impl HotSku {
    /// All want the scarce one at once, until it has been refused to most.
    async fn sell_out(&self) -> Result<Answers> {
        let answers = Arc::new(Answers::default());
        let mut buying = JoinSet::new();
        for _ in 0..BUYERS_OF_SCARCE {
            let (reservations, line, answers) =
                (self.reservations.clone(), self.lines[SCARCE].clone(), answers.clone());
            buying.spawn(async move {
                for _ in 0..CALLS_FOR_SCARCE {
                    // A refusal is what most of them get; the shelf is counted in the end.
                    drop(answers.note(reserve(reservations.clone(), &line).await));
                }
            });
        }
        while let Some(bought) = buying.join_next().await {
            bought?;
        }
        Arc::into_inner(answers).context("buyers who have not ended")
    }
}

impl Answers {
    fn note(&self, answer: Result<(), Status>) -> Result<(), Status> {
        match &answer {
            Ok(()) => self.held.fetch_add(1, Ordering::Relaxed),
            Err(refused) if rpc::status::reason(refused).as_deref() == Some("OUT_OF_STOCK") => 0,
            Err(_) => self.failed.fetch_add(1, Ordering::Relaxed),
        };
        answer
    }
}

impl Findings {
    /// Compares a shelf with what there was on it and with what callers were answered.
    fn compare(&mut self, name: &str, shelf: &StockItem, units: i64, answers: &Answers) {
        let (held, failed) = (answers.held.load(Ordering::Relaxed), answers.failed.load(Ordering::Relaxed));
        let StockItem { on_hand, reserved, .. } = *shelf;
        self.seen
            .push(format!("Of {name}: {held} reservations of {units} units, {reserved} units reserved."));
        let mut violated = |sentence: String| self.violations.push(format!("{name}: {sentence}"));
        if on_hand != units {
            violated(format!("{on_hand} units are on it instead of {units}"));
        }
        if reserved > on_hand || held > units {
            violated(format!(
                "it is oversold: of {on_hand} units {reserved} are reserved, {held} were promised"
            ));
        }
        if !(held..=held + failed).contains(&reserved) {
            violated(format!(
                "{reserved} units are reserved, but {held} reservations were answered, and {failed} calls failed"
            ));
        }
    }
}

async fn reserve(
    mut reservations: ReservationServiceClient<Peer>,
    line: &ReservationLine,
) -> Result<(), Status> {
    let request = ReserveRequest {
        reservation_id: ReservationId::new().to_string(),
        order_id: OrderId::new().to_string(),
        lines: vec![line.clone()],
    };
    reservations.reserve(request).await?;
    Ok(())
}

/// A unit of a variant as it is offered.
async fn line(catalog: &Peer, variant_id: &str) -> Result<ReservationLine> {
    let lines = vec![OfferLine { variant_id: variant_id.to_owned(), quantity: 1 }];
    let offers = OfferServiceClient::new(catalog.clone()).get_offers(GetOffersRequest { lines }).await?;
    let offer: Offer = offers.into_inner().offers.pop().context("an offer of a variant")?;
    let quoted = QuotedGoods {
        category: offer.category,
        hs_code: offer.hs_code,
        origin: offer.origin,
        from_country: offer.from_country,
        weight_grams: offer.weight_grams,
        dimensions: offer.dimensions,
        stock_units: offer.stock_units,
        preference: offer.preference,
        seller_tax_registered: offer.seller_tax_registered,
        certificate: offer.certificate,
    };
    let variant_id = offer.variant_id;
    Ok(ReservationLine { variant_id, quantity: 1, unit_price: offer.unit_price, quoted: Some(quoted) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(on_hand: i64, reserved: i64, held: i64, failed: i64) -> Vec<String> {
        let shelf = StockItem { on_hand, reserved, ..StockItem::default() };
        let mut found = Findings::default();
        let answers = Answers { held: held.into(), failed: failed.into() };
        found.compare("the shelf", &shelf, 10, &answers);
        found.violations
    }

    #[test]
    fn a_shelf_that_agrees_is_no_violation() {
        assert_eq!(compared(10, 10, 10, 0), Vec::<String>::new());
        assert_eq!(compared(10, 7, 6, 2), Vec::<String>::new(), "one of the failed calls holds a unit");
    }

    #[test]
    fn an_oversold_shelf_is_found() {
        for (on_hand, reserved, held, failed, expected) in [
            (10, 11, 11, 0, "oversold"),
            (10, 10, 11, 0, "oversold"),
            (9, 9, 9, 0, "9 units are on it instead of 10"),
            (10, 5, 6, 0, "6 reservations were answered"),
            (10, 9, 6, 2, "2 calls failed"),
        ] {
            let violations = compared(on_hand, reserved, held, failed).join("; ");
            assert!(violations.contains(expected), "{expected}: {violations}");
        }
    }

    #[test]
    fn what_does_not_agree_fails_the_run() {
        let found = Findings { seen: Vec::new(), violations: vec!["the shelf: it is oversold".to_owned()] };
        assert!(found.tell().unwrap_err().to_string().contains("oversold"));
    }
}
