//! Catalog: offers, and holds of stock.

use async_trait::async_trait;
use proto::catalog::internal::v1::offer_service_client::OfferServiceClient;
use proto::catalog::internal::v1::reservation_service_client::ReservationServiceClient;
use proto::catalog::internal::v1::{
    GetOffersRequest, Offer as OfferMessage, OfferLine, QuotedGoods, ReleaseRequest, ReservationLine,
    ReservationState, ReserveRequest,
};
use proto::convert::{self, parse};
use proto::types::v1::Dimensions;
use rpc::Peer;

use super::{failed, missing};
use crate::app::ports::{Catalog, Error, Reservation};
use crate::domain::order::Order;
use crate::domain::pricing::{Offer, RequestedLine};
use crate::domain::quote::QuotedLine;

/// Catalog over gRPC.
#[derive(Debug, Clone)]
pub(crate) struct CatalogPeer {
    offers: OfferServiceClient<Peer>,
    reservations: ReservationServiceClient<Peer>,
}

impl CatalogPeer {
    /// Catalog behind this channel.
    pub(crate) fn new(peer: Peer) -> Self {
        Self {
            offers: OfferServiceClient::new(peer.clone()),
            reservations: ReservationServiceClient::new(peer),
        }
    }
}

#[async_trait]
impl Catalog for CatalogPeer {
    async fn offers(&self, requested: &[RequestedLine]) -> Result<Vec<Offer>, Error> {
        let lines = requested
            .iter()
            .map(|wish| OfferLine { variant_id: wish.variant_id.to_string(), quantity: wish.quantity });
        let request = GetOffersRequest { lines: lines.collect() };
        let answer = self.offers.clone().get_offers(request).await.map_err(failed)?.into_inner();
        answer.offers.into_iter().map(offer).collect()
    }

    async fn reserve(&self, order: &Order) -> Result<Reservation, Error> {
        let consignments = order.terms.consignments.iter();
        let lines = consignments.flat_map(|consignment| {
            consignment.lines.iter().map(|line| reservation_line(&consignment.from_country, line))
        });
        let request = ReserveRequest {
            reservation_id: order.reservation_id().to_string(),
            order_id: order.id.to_string(),
            lines: lines.collect(),
        };
        let answer = self.reservations.clone().reserve(request).await.map_err(failed)?.into_inner();
        match answer.state() {
            ReservationState::Held | ReservationState::Dispatched => Ok(Reservation::Held),
            ReservationState::Released => Ok(Reservation::Released),
            ReservationState::Unspecified => Err(missing("a state")),
        }
    }

    async fn release(&self, order: &Order, reason: &str) -> Result<(), Error> {
        let request = ReleaseRequest {
            reservation_id: order.reservation_id().to_string(),
            order_id: order.id.to_string(),
            reason: reason.to_owned(),
        };
        let answer = self.reservations.clone().release(request).await.map_err(failed)?.into_inner();
        match answer.state() {
            ReservationState::Released => Ok(()),
            // Only a confirmed order's goods are dispatched, and that is never compensated.
            other => Err(Error::Fault(format!("a released reservation is {other:?}"))),
        }
    }
}

/// A line to hold, with what it was when it was quoted.
fn reservation_line(from_country: &str, line: &QuotedLine) -> ReservationLine {
    let quoted = line.attributes.as_ref().map(|attributes| QuotedGoods {
        category: line.category.clone(),
        hs_code: line.hs_code.clone(),
        origin: line.origin.clone(),
        from_country: from_country.to_owned(),
        weight_grams: line.weight_grams,
        dimensions: attributes.size_mm.map(|[length_mm, width_mm, height_mm]| Dimensions {
            length_mm,
            width_mm,
            height_mm,
        }),
        stock_units: attributes.stock_units,
        preference: attributes.preference.clone(),
        certificate: attributes.certificate.clone().map(Into::into),
        seller_tax_registered: attributes.seller_tax_registered,
    });
    ReservationLine {
        variant_id: line.variant_id.to_string(),
        quantity: line.quantity,
        unit_price: Some(line.unit_price.into()),
        quoted,
    }
}

fn offer(message: OfferMessage) -> Result<Offer, Error> {
    let size = message.dimensions.map(|size| [size.length_mm, size.width_mm, size.height_mm]);
    let unit_price = convert::money("unit_price", message.unit_price.as_ref())?;
    if unit_price.is_negative() {
        return Err(Error::Fault(format!("{} costs {unit_price}", message.variant_id)));
    }
    let certificate = message.certificate.map(|certificate| convert::certificate("certificate", certificate));
    Ok(Offer {
        variant_id: parse("variant_id", &message.variant_id)?,
        product_id: parse("product_id", &message.product_id)?,
        seller_id: parse("seller_id", &message.seller_id)?,
        seller_name: message.seller_name,
        seller_tax_registered: message.seller_tax_registered,
        sku: message.sku,
        title: message.title,
        category: message.category,
        unit_price,
        hs_code: message.hs_code,
        origin: message.origin,
        from_country: message.from_country,
        weight_grams: message.weight_grams,
        size_mm: size,
        preference: message.preference,
        certificate: certificate.transpose()?,
        stock_units: message.stock_units,
        permit: None,
    })
}
