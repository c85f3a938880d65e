//! What order asks and tells of one order.

use std::collections::BTreeMap;

use events::Envelope;
use kernel::{OrderId, ReservationId, ReturnId};
use proto::catalog::internal::v1::{
    InquireReservationRequest, Offer, QuotedGoods, ReleaseRequest, ReservationLine, ReservationState,
    ReserveRequest,
};
use proto::catalog::v1::Variant;
use proto::order::events::v1::{OrderCancelled, OrderConfirmed, ReturnLine, ReturnReceived};
use tonic::Status;

use crate::market::Market;

/// An order with the hold of its goods.
#[derive(Clone)]
pub(crate) struct Purchase {
    pub(crate) order_id: OrderId,
    pub(crate) reservation_id: ReservationId,
    pub(crate) lines: Vec<ReservationLine>,
}

impl Purchase {
    /// At the prices that the variants have.
    pub(crate) fn of(lines: &[(&Variant, i64)]) -> Self {
        let line = |(variant, quantity): &(&Variant, i64)| ReservationLine {
            variant_id: variant.variant_id.clone(),
            quantity: *quantity,
            unit_price: variant.price.clone(),
            quoted: None,
        };
        Self {
            order_id: OrderId::new(),
            reservation_id: ReservationId::new(),
            lines: lines.iter().map(line).collect(),
        }
    }

    /// One unit of what was offered, as the order service asks for it.
    pub(crate) fn quoted(offer: &Offer) -> Self {
        let quoted = QuotedGoods {
            category: offer.category.clone(),
            hs_code: offer.hs_code.clone(),
            origin: offer.origin.clone(),
            from_country: offer.from_country.clone(),
            weight_grams: offer.weight_grams,
            dimensions: offer.dimensions,
            stock_units: offer.stock_units,
            preference: offer.preference.clone(),
            certificate: offer.certificate.clone(),
            seller_tax_registered: offer.seller_tax_registered,
        };
        let line = ReservationLine {
            variant_id: offer.variant_id.clone(),
            quantity: 1,
            unit_price: offer.unit_price.clone(),
            quoted: Some(quoted),
        };
        Self { order_id: OrderId::new(), reservation_id: ReservationId::new(), lines: vec![line] }
    }

    pub(crate) fn request(&self) -> ReserveRequest {
        ReserveRequest {
            reservation_id: self.reservation_id.to_string(),
            order_id: self.order_id.to_string(),
            lines: self.lines.clone(),
        }
    }

    pub(crate) fn confirmed(&self, market: &Market) -> Envelope {
        let message = OrderConfirmed {
            order_id: self.order_id.to_string(),
            number: "MY-7K3Q-2M".to_owned(),
            reservation_id: self.reservation_id.to_string(),
            ..OrderConfirmed::default()
        };
        Envelope::new("order.confirmed.v1", self.order_id, 1, market.hub.now(), &message)
    }

    pub(crate) fn cancelled(&self, market: &Market, version: i64, was_confirmed: bool) -> Envelope {
        let message = OrderCancelled {
            order_id: self.order_id.to_string(),
            was_confirmed,
            reservation_id: self.reservation_id.to_string(),
            reason: "BUYER_CANCELLED".to_owned(),
            ..OrderCancelled::default()
        };
        Envelope::new("order.cancelled.v1", self.order_id, version, market.hub.now(), &message)
    }

    /// Goods of the order came back.
    pub(crate) fn came_back(
        &self,
        market: &Market,
        version: i64,
        back: &[(&Variant, i64)],
        restock: bool,
    ) -> Envelope {
        let message = ReturnReceived { restock, ..self.return_of(ReturnId::new(), back) };
        self.event(market, version, &message)
    }

    /// Goods that come back by this return and cannot be sold again.
    pub(crate) fn return_of(&self, id: ReturnId, back: &[(&Variant, i64)]) -> ReturnReceived {
        let line = |(variant, quantity): &(&Variant, i64)| ReturnLine {
            variant_id: variant.variant_id.clone(),
            quantity: *quantity,
        };
        ReturnReceived {
            order_id: self.order_id.to_string(),
            return_id: id.to_string(),
            reservation_id: self.reservation_id.to_string(),
            lines: back.iter().map(line).collect(),
            ..ReturnReceived::default()
        }
    }

    pub(crate) fn event(&self, market: &Market, version: i64, back: &ReturnReceived) -> Envelope {
        Envelope::new("order.return_received.v1", self.order_id, version, market.hub.now(), back)
    }
}

impl Market {
    pub(crate) async fn reserve(&self, purchase: &Purchase) -> Result<ReservationState, Status> {
        Ok(self.reservations().reserve(purchase.request()).await?.into_inner().state())
    }

    pub(crate) async fn release(&self, purchase: &Purchase) -> ReservationState {
        let request = ReleaseRequest {
            reservation_id: purchase.reservation_id.to_string(),
            order_id: purchase.order_id.to_string(),
            reason: "declined".to_owned(),
        };
        self.reservations().release(request).await.unwrap().into_inner().state()
    }

    pub(crate) async fn inquire(&self, purchase: &Purchase) -> Result<ReservationState, Status> {
        let request = InquireReservationRequest { reservation_id: purchase.reservation_id.to_string() };
        let answer = self.reservations().inquire_reservation(request).await?.into_inner();
        assert_eq!(answer.order_id, purchase.order_id.to_string());
        Ok(answer.state())
    }

    pub(crate) async fn tell(&self, event: &Envelope) {
        self.hub.tell("order", event).await;
    }

    /// Buys: held, and the order confirmed.
    pub(crate) async fn buy(&self, lines: &[(&Variant, i64)]) -> Purchase {
        let purchase = Purchase::of(lines);
        assert_eq!(self.reserve(&purchase).await.unwrap(), ReservationState::Held);
        self.tell(&purchase.confirmed(self)).await;
        purchase
    }

    /// How often each kind of event was told.
    pub(crate) async fn told(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for event in self.hub.told().await {
            *counts.entry(event.kind).or_default() += 1;
        }
        counts
    }
}
