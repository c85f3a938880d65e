//! Transfers in two phases: money is held in a wallet, then goes into escrow, or back for the few whose orders come to
//! nothing. In the end the books must balance, and have in escrow what the callers put there.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result};
use events::Envelope;
use kernel::{Clock, ConsignmentId, HoldId, OrderId};
use proof::invariants;
use proof::shop::SellerEntry;
use proto::order::events::v1::{OrderConfirmed, QuotedConsignment};
use proto::payment::internal::v1::hold_service_client::HoldServiceClient;
use proto::payment::internal::v1::{AuthoriseRequest, TrialBalanceResponse, VoidRequest};
use proto::types::v1::{Money, PriceParts};
use rpc::Peer;
use tonic::Status;

use super::purchase::filled_wallets;
use crate::bench::Plan;
use crate::bench::subject::{CallerEvents, Component};
use crate::bench::tally::Parts;
use crate::bench::work::{Findings, Unit, Work};
use crate::fleet::HUB;
use crate::profiles;

/// What is moved, in minor units.
const AMOUNT_MINOR: i64 = 10_000;
/// How many holds one is given back of.
const VOIDED_ONE_IN: u64 = 16;
/// The versions of an order before it is confirmed.
const CONFIRMED_VERSION: i64 = 2;

/// What the callers share.
pub(super) struct Ledger {
    holds: HoldServiceClient<Peer>,
    events: CallerEvents,
    clock: Clock,
    /// The buyers' subjects; each has a full wallet.
    buyers: Vec<String>,
    seller_id: String,
    amount: Money,
    begun: AtomicU64,
    captured: AtomicU64,
    /// What became of them is not known.
    failed: AtomicU64,
}

impl Work for Ledger {
    const UNIT: Unit =
        Unit { one: "transfer", many: "transfers", whole: "transfer", parts: &["its hold", "its end"] };
    type Subject = Component;

    async fn start(plan: &Plan<'_>) -> Result<Component> {
        Component::start(plan, "payment").await
    }

    async fn prepare(payment: &Component, callers: usize) -> Result<Self> {
        let currency = profiles::profile(HUB)?.currency().code().to_owned();
        let buyers = filled_wallets(&payment.people()?, callers, &currency).await?;
        Ok(Self {
            holds: HoldServiceClient::new(payment.peer()),
            events: payment.events(),
            clock: Clock::system(),
            buyers: buyers.into_iter().map(|buyer| buyer.subject).collect(),
            seller_id: SellerEntry::thai("bench").seller_id().to_string(),
            amount: Money { currency, minor_units: AMOUNT_MINOR },
            begun: AtomicU64::new(0),
            captured: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        })
    }

    async fn once(&self, caller: usize, _: &mut fastrand::Rng) -> Result<Parts, Status> {
        let done = self.transfer(&self.buyers[caller % self.buyers.len()]).await;
        if done.is_err() {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
        done
    }

    async fn check(&self, payment: &Component) -> Result<Findings> {
        let (balance, checks) = invariants::books(&payment.people()?).await?;
        let mut found = Findings::default();
        for check in checks {
            found.seen.push(format!("The ledger's audit: {} ({}).", check.name, check.seen));
            found.violations.extend(check.violations);
        }
        let (captured, failed) = (self.captured.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed));
        found.compare_escrow(&balance, captured, failed)?;
        Ok(found)
    }
}

impl Ledger {
    async fn transfer(&self, buyer: &str) -> Result<Parts, Status> {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        let (hold_id, order_id) = (HoldId::new(), OrderId::new());
        let request = AuthoriseRequest {
            hold_id: hold_id.to_string(),
            order_id: order_id.to_string(),
            order_number: format!("{HUB}-{number:012}"),
            buyer: buyer.to_owned(),
            method: "wallet".to_owned(),
            amount: Some(self.amount.clone()),
        };
        let begun = Instant::now();
        self.holds.clone().authorise(request).await?;
        let held = begun.elapsed();
        if number.is_multiple_of(VOIDED_ONE_IN) {
            let reason = "measured".to_owned();
            let request =
                VoidRequest { hold_id: hold_id.to_string(), order_id: order_id.to_string(), reason };
            self.holds.clone().void(request).await?;
        } else {
            self.capture(hold_id, order_id).await?;
        }
        Ok(vec![(0, held), (1, begun.elapsed() - held)])
    }

    /// Tells that the order was confirmed, as order does; returns once the money is in escrow.
    async fn capture(&self, hold_id: HoldId, order_id: OrderId) -> Result<(), Status> {
        let consignment = QuotedConsignment {
            consignment_id: ConsignmentId::new().to_string(),
            seller_id: self.seller_id.clone(),
            price: Some(PriceParts { total: Some(self.amount.clone()), ..PriceParts::default() }),
            seller_goods: Some(self.amount.clone()),
            ..QuotedConsignment::default()
        };
        let confirmed = OrderConfirmed {
            order_id: order_id.to_string(),
            hold_id: hold_id.to_string(),
            consignments: vec![consignment],
            ..OrderConfirmed::default()
        };
        let event = Envelope::of(order_id, CONFIRMED_VERSION, self.clock.now(), &confirmed);
        self.events.publish(&event).await.map_err(|error| Status::unavailable(error.to_string()))?;
        self.captured.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

impl Findings {
    /// Compares what is in escrow with what was put there.
    fn compare_escrow(&mut self, balance: &TrialBalanceResponse, captured: u64, failed: u64) -> Result<()> {
        let lines = balance.balances.iter().filter(|line| line.kind == "escrow");
        let in_escrow: i64 =
            lines.map(|line| line.balance.as_ref().map_or(0, |money| money.minor_units)).sum();
        let minor = |transfers: u64| i64::try_from(transfers).ok()?.checked_mul(AMOUNT_MINOR);
        let least = minor(captured).context("more money than there is")?;
        let most = minor(captured + failed).context("more money than there is")?;
        self.seen.push(format!("{captured} transfers were captured: {in_escrow} minor units are in escrow."));
        if !(least..=most).contains(&in_escrow) {
            self.violations.push(format!(
                "{in_escrow} minor units are in escrow, but {captured} transfers of {AMOUNT_MINOR} were captured, and {failed} failed"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proto::payment::internal::v1::AccountBalance;

    use super::*;

    fn violations(in_escrow: i64, captured: u64, failed: u64) -> usize {
        let balance = Money { currency: "MYR".to_owned(), minor_units: in_escrow };
        let line =
            AccountBalance { kind: "escrow".to_owned(), balance: Some(balance), ..AccountBalance::default() };
        let balance = TrialBalanceResponse { balances: vec![line], ..TrialBalanceResponse::default() };
        let mut found = Findings::default();
        found.compare_escrow(&balance, captured, failed).unwrap();
        found.violations.len()
    }

    #[test]
    fn money_that_is_missing_in_escrow_is_found() {
        assert_eq!((violations(30_000, 3, 0), violations(40_000, 3, 1)), (0, 0));
        assert_eq!((violations(20_000, 3, 0), violations(40_000, 3, 0), violations(60_000, 3, 2)), (1, 1, 1));
    }
}
