//! An order: its terms, which never change, and where it stands. Each change makes a new version.

use chrono::{DateTime, Duration, Utc};
use kernel::{ConsignmentId, HoldId, OrderId, ReservationId, SellerId};
use money::{Currency, Money};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::Refusal;
use super::consignment::{Consignment, ConsignmentState, Parcel};
use super::quote::{Quote, QuotedConsignment};
pub(crate) use super::terms::{Checkout, OrderTerms};

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    /// Its id.
    pub(crate) id: OrderId,
    /// Counts its changes from 1.
    pub(crate) version: i64,
    /// What was agreed.
    pub(crate) terms: OrderTerms,
    /// Where it stands.
    pub(crate) progress: Progress,
    /// When it was placed.
    pub(crate) created_at: DateTime<Utc>,
}

/// What changes of an order: one of these is kept for each version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Where it stands.
    pub(crate) state: OrderState,
    /// Its consignments, in the order of the terms'.
    pub(crate) consignments: Vec<Consignment>,
    /// When it last changed.
    pub(crate) updated_at: DateTime<Utc>,
}

/// Where an order stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(crate) enum OrderState {
    /// Stock and money are being held.
    Placing,
    /// Waits for the buyer's QR payment.
    AwaitingPayment {
        /// What the QR code says.
        qr_payload: String,
        /// Until when it can be paid.
        expires_at: DateTime<Utc>,
    },
    /// Paid; the consignments are on their way.
    Confirmed {
        /// When the money was held.
        paid_at: DateTime<Utc>,
    },
    /// Every consignment was delivered.
    Delivered {
        /// When the money was held.
        paid_at: DateTime<Utc>,
    },
    /// Every consignment's escrow was released or refunded.
    Completed {
        /// When the money was held.
        paid_at: DateTime<Utc>,
    },
    /// Ended before.
    Cancelled {
        /// Why.
        cause: Refusal,
        /// When the money was held; it is given back.
        paid_at: Option<DateTime<Utc>>,
    },
}

/// Why an order does not change as asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A rule says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The state does not lead there: a fault of the program, or an event that cannot be.
    #[error("an order that is {from} cannot become {to}")]
    Transition {
        /// Where it stands.
        from: &'static str,
        /// Where it cannot go.
        to: &'static str,
    },
    /// A consignment that is none of the order's.
    #[error("{0} is not a consignment of the order")]
    NoConsignment(ConsignmentId),
    /// Money that cannot be counted, or more given back than was paid.
    #[error(transparent)]
    Money(#[from] money::Error),
    /// More given back than was paid.
    #[error("a refund of {refund} is more than the {left} that remains")]
    Refund {
        /// What is to be given back.
        refund: Money,
        /// What can be.
        left: Money,
    },
}

impl OrderState {
    /// As it is stored and searched for.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Placing => "placing",
            Self::AwaitingPayment { .. } => "awaiting_payment",
            Self::Confirmed { .. } => "confirmed",
            Self::Delivered { .. } => "delivered",
            Self::Completed { .. } => "completed",
            Self::Cancelled { .. } => "cancelled",
        }
    }

    /// When the money was held.
    pub(crate) fn paid_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Placing | Self::AwaitingPayment { .. } => None,
            Self::Confirmed { paid_at } | Self::Delivered { paid_at } | Self::Completed { paid_at } => {
                Some(*paid_at)
            }
            Self::Cancelled { paid_at, .. } => *paid_at,
        }
    }
}

impl Order {
    /// The first version of an order of `quote`.
    pub(crate) fn place(checkout: Checkout, quote: Quote, now: DateTime<Utc>) -> Result<Self, Error> {
        quote.check_valid(now)?;
        let consignments = quote.consignments.iter().map(|_| Consignment::planned(quote.currency)).collect();
        let progress = Progress { state: OrderState::Placing, consignments, updated_at: now };
        let terms = OrderTerms::of(quote, checkout)?;
        Ok(Self { id: OrderId::new(), version: 1, terms, progress, created_at: now })
    }

    /// The hold of stock: the same however often it is asked for.
    pub(crate) fn reservation_id(&self) -> ReservationId {
        ReservationId::derive(self.terms.saga_id.uuid(), "reservation")
    }

    /// The hold of money.
    pub(crate) fn hold_id(&self) -> HoldId {
        HoldId::derive(self.terms.saga_id.uuid(), "hold")
    }

    /// The buyer's currency.
    pub(crate) fn currency(&self) -> Currency {
        self.terms.price.currency()
    }

    /// Who sells, each once.
    pub(crate) fn sellers(&self) -> Vec<SellerId> {
        let mut sellers: Vec<SellerId> =
            self.terms.consignments.iter().map(|consignment| consignment.seller_id).collect();
        sellers.sort_unstable();
        sellers.dedup();
        sellers
    }

    /// A consignment with what was quoted.
    pub(crate) fn consignment(&self, id: ConsignmentId) -> Result<(&QuotedConsignment, &Consignment), Error> {
        let place = self.place_of(id)?;
        Ok((&self.terms.consignments[place], &self.progress.consignments[place]))
    }

    fn place_of(&self, id: ConsignmentId) -> Result<usize, Error> {
        self.terms.consignments.iter().position(|quoted| quoted.id == id).ok_or(Error::NoConsignment(id))
    }

    fn changed(mut self, now: DateTime<Utc>) -> Self {
        self.version += 1;
        self.progress.updated_at = now;
        self
    }

    fn moved_to(mut self, state: OrderState, now: DateTime<Utc>) -> Self {
        self.progress.state = state;
        self.changed(now)
    }

    fn no_way(&self, to: &'static str) -> Error {
        Error::Transition { from: self.progress.state.as_str(), to }
    }

    /// Stock is held; the buyer pays by QR code.
    pub(crate) fn await_payment(
        self,
        qr_payload: String,
        expires_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Self, Error> {
        match self.progress.state {
            OrderState::Placing => {
                Ok(self.moved_to(OrderState::AwaitingPayment { qr_payload, expires_at }, now))
            }
            _ => Err(self.no_way("awaiting payment")),
        }
    }

    /// Stock and money are held.
    pub(crate) fn confirm(self, paid_at: DateTime<Utc>, now: DateTime<Utc>) -> Result<Self, Error> {
        match self.progress.state {
            OrderState::Placing | OrderState::AwaitingPayment { .. } => {
                Ok(self.moved_to(OrderState::Confirmed { paid_at }, now))
            }
            _ => Err(self.no_way("confirmed")),
        }
    }

    /// The order ends: everything held for it was given back, or will be.
    pub(crate) fn cancel(mut self, cause: Refusal, now: DateTime<Utc>) -> Result<Self, Error> {
        match self.progress.state {
            OrderState::Placing | OrderState::AwaitingPayment { .. } | OrderState::Confirmed { .. }
                if !self.progress.consignments.iter().any(Consignment::is_under_way) =>
            {
                let paid_at = self.progress.state.paid_at();
                self.progress.consignments =
                    self.progress.consignments.into_iter().map(Consignment::cancel).collect();
                Ok(self.moved_to(OrderState::Cancelled { cause, paid_at }, now))
            }
            _ => Err(self.no_way("cancelled")),
        }
    }

    /// Whether the buyer may try to cancel it: no consignment is known to have been picked up.
    pub(crate) fn check_cancellable(&self) -> Result<(), Refusal> {
        let refusal = match &self.progress.state {
            OrderState::Cancelled { .. } => {
                Refusal::new("ALREADY_CANCELLED", "the order is already cancelled")
            }
            OrderState::Completed { .. } => Refusal::new("ALREADY_PAID_OUT", "the sellers have been paid"),
            _ if self.progress.consignments.iter().any(Consignment::is_under_way) => already_picked_up(),
            _ => return Ok(()),
        };
        Err(refusal)
    }

    /// A change of one consignment; `None` when it changes nothing. What has ended stays as it is.
    fn with(
        mut self,
        id: ConsignmentId,
        now: DateTime<Utc>,
        change: impl FnOnce(Consignment) -> Result<Option<Consignment>, Refusal>,
    ) -> Result<Option<Self>, Error> {
        let place = self.place_of(id)?;
        match change(self.progress.consignments[place].clone())? {
            None => Ok(None),
            Some(consignment) => {
                self.progress.consignments[place] = consignment;
                let state = self.state_by_consignments()?;
                Ok(Some(self.moved_to(state, now)))
            }
        }
    }

    /// Delivered once all consignments are, completed once all escrow is released or refunded.
    fn state_by_consignments(&self) -> Result<OrderState, Error> {
        let state = self.progress.state.clone();
        let paid_at = match state {
            OrderState::Confirmed { paid_at } | OrderState::Delivered { paid_at } => paid_at,
            _ => return Ok(state),
        };
        let mut over = true;
        for (quoted, consignment) in self.terms.consignments.iter().zip(&self.progress.consignments) {
            over &= consignment.state == ConsignmentState::Released
                || consignment.refunded == quoted.price.total()?;
        }
        if over {
            return Ok(OrderState::Completed { paid_at });
        }
        if self.progress.consignments.iter().all(|consignment| consignment.delivery.is_some()) {
            return Ok(OrderState::Delivered { paid_at });
        }
        Ok(state)
    }

    /// A carrier will pick the consignment up.
    pub(crate) fn book(
        self,
        id: ConsignmentId,
        number: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Self>, Error> {
        self.with(id, now, |consignment| Ok(consignment.book(number)))
    }

    /// The parcel moved on, as is learned `now`; `escrow` is how long the buyer may object after delivery.
    pub(crate) fn track(
        self,
        id: ConsignmentId,
        parcel: Parcel,
        escrow: Duration,
        now: DateTime<Utc>,
    ) -> Result<Option<Self>, Error> {
        self.with(id, now, |consignment| Ok(consignment.track(parcel, escrow, now)))
    }

    /// The buyer has the goods, or the time to object has passed.
    pub(crate) fn receive(
        self,
        id: ConsignmentId,
        by_buyer: bool,
        now: DateTime<Utc>,
    ) -> Result<Option<Self>, Error> {
        self.with(id, now, |consignment| consignment.receive(by_buyer, now))
    }

    /// The consignment's escrow was paid out.
    pub(crate) fn release(self, id: ConsignmentId, now: DateTime<Utc>) -> Result<Option<Self>, Error> {
        self.with(id, now, |consignment| Ok(consignment.release()))
    }

    /// The buyer has money back: of one consignment, or of all by what is left of each.
    pub(crate) fn refund(
        mut self,
        of: Option<ConsignmentId>,
        refund: Money,
        now: DateTime<Utc>,
    ) -> Result<Self, Error> {
        let places: Vec<usize> = match of {
            Some(id) => vec![self.place_of(id)?],
            None => (0..self.terms.consignments.len()).collect(),
        };
        let mut left = Vec::with_capacity(places.len());
        for place in &places {
            let total = self.terms.consignments[*place].price.total()?;
            left.push(total.checked_sub(self.progress.consignments[*place].refunded)?);
        }
        let all = Money::sum(left.iter().copied(), self.currency())?;
        if refund.checked_cmp(all)?.is_gt() {
            return Err(Error::Refund { refund, left: all });
        }
        let weights: Vec<Decimal> = left.iter().map(|left| left.to_decimal()).collect();
        for (place, share) in places.into_iter().zip(refund.allocate(&weights)?) {
            let refunded = &mut self.progress.consignments[place].refunded;
            *refunded = refunded.checked_add(share)?;
        }
        let state = self.state_by_consignments()?;
        Ok(self.moved_to(state, now))
    }

    /// Goods came back: a version of its own, so that its event has its place among the order's.
    pub(crate) fn take_back(self, now: DateTime<Utc>) -> Self {
        self.changed(now)
    }
}

/// The refusal to cancel what is on its way.
pub(crate) fn already_picked_up() -> Refusal {
    Refusal::new(
        "ALREADY_PICKED_UP",
        "a consignment was already picked up; it can be returned once delivered",
    )
}

#[cfg(test)]
mod tests {
    use super::super::samples::{at, checkout, consignment_id, myr, order};
    use super::*;
    use crate::domain::consignment::Event;

    fn parcel(event: Event, minutes: i64) -> Parcel {
        Parcel { event, place: String::new(), note: String::new(), occurred_at: at(minutes) }
    }

    fn confirmed(consignments: usize) -> Order {
        order(consignments).confirm(at(2), at(2)).unwrap()
    }

    fn delivered(order: Order, place: usize) -> Order {
        let id = consignment_id(&order, place);
        order.track(id, parcel(Event::Delivered, 100), Duration::days(7), at(100)).unwrap().unwrap()
    }

    #[test]
    fn an_order_goes_its_way_and_counts_its_versions() {
        let order = confirmed(2);
        let (first, second) = (consignment_id(&order, 0), consignment_id(&order, 1));
        let order = order.book(first, "EE123456785MY", at(3)).unwrap().unwrap();
        assert!(order.clone().book(first, "EE123456785MY", at(3)).unwrap().is_none());
        let order = delivered(order, 0);
        assert_eq!(order.progress.state.as_str(), "confirmed");
        let order = delivered(order, 1);
        assert_eq!(order.progress.state.as_str(), "delivered");
        assert_eq!(order.progress.consignments[0].delivery.unwrap().release_at, at(100) + Duration::days(7));
        let order =
            order.receive(first, true, at(200)).unwrap().unwrap().release(first, at(201)).unwrap().unwrap();
        assert_eq!(order.progress.state.as_str(), "delivered");
        let order = order
            .receive(second, false, at(200))
            .unwrap()
            .unwrap()
            .release(second, at(201))
            .unwrap()
            .unwrap();
        assert_eq!((order.progress.state.as_str(), order.version), ("completed", 9));
    }

    #[test]
    fn ways_that_are_not_are_refused() {
        let order = confirmed(1);
        let id = consignment_id(&order, 0);
        assert!(matches!(order.clone().confirm(at(3), at(3)), Err(Error::Transition { .. })));
        assert!(matches!(
            order.clone().await_payment(String::new(), at(9), at(3)),
            Err(Error::Transition { .. })
        ));
        let refused = order.clone().receive(id, true, at(3)).unwrap_err();
        assert!(matches!(refused, Error::Refused(refusal) if refusal.reason == "NOT_DELIVERED"));
        assert!(matches!(order.clone().book(ConsignmentId::new(), "X", at(3)), Err(Error::NoConsignment(_))));
        let cause = Refusal::new("BUYER_CANCELLED", "");
        let order = order.cancel(cause.clone(), at(4)).unwrap();
        assert_eq!(order.progress.state.paid_at(), Some(at(2)));
        assert!(order.clone().cancel(cause, at(5)).is_err());
        assert!(order.clone().book(id, "EE123456785MY", at(5)).unwrap().is_none());
        assert_eq!(order.check_cancellable().unwrap_err().reason, "ALREADY_CANCELLED");
    }

    #[test]
    fn an_expired_quote_makes_no_order() {
        let quote = crate::domain::samples::quote(1);
        let refused = Order::place(checkout(), quote.clone(), quote.expires_at).unwrap_err();
        assert!(matches!(refused, Error::Refused(refusal) if refusal.reason == "QUOTE_EXPIRED"));
        assert!(
            Order::place(checkout(), quote.clone(), quote.expires_at - Duration::microseconds(1)).is_ok()
        );
    }

    #[test]
    fn no_more_is_refunded_than_was_paid() {
        let order = confirmed(2);
        let total = order.terms.price.total().unwrap();
        let first = consignment_id(&order, 0);
        let of_first = order.terms.consignments[0].price.total().unwrap();
        let more = of_first.checked_add(myr(1)).unwrap();
        assert!(matches!(order.clone().refund(Some(first), more, at(3)), Err(Error::Refund { .. })));
        let order = order.refund(Some(first), myr(100), at(3)).unwrap();
        assert!(matches!(order.clone().refund(None, total, at(3)), Err(Error::Refund { .. })));
        let order = order.refund(None, total.checked_sub(myr(100)).unwrap(), at(4)).unwrap();
        let refunded = order.progress.consignments.iter().map(|consignment| consignment.refunded);
        assert_eq!(Money::sum(refunded, order.currency()).unwrap(), total);
        assert_eq!(order.progress.consignments[0].refunded, of_first);
        assert_eq!(order.progress.state.as_str(), "completed");
    }

    #[test]
    fn what_was_picked_up_cannot_be_cancelled() {
        let order = confirmed(2);
        let id = consignment_id(&order, 1);
        assert_eq!(order.check_cancellable(), Ok(()));
        let order = order.track(id, parcel(Event::PickedUp, 10), Duration::days(7), at(10)).unwrap().unwrap();
        assert_eq!(order.check_cancellable().unwrap_err().reason, "ALREADY_PICKED_UP");
    }
}
