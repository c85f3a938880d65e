//! Payment: rates, and holds of money.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::QuoteId;
use money::Currency;
use proto::convert::{self, timestamp};
use proto::payment::internal::v1::hold_service_client::HoldServiceClient;
use proto::payment::internal::v1::rate_service_client::RateServiceClient;
use proto::payment::internal::v1::{
    AuthoriseRequest, CancelOutcome, CancelPaymentRequest, CurrencyPair, LockRatesRequest, VoidRequest,
};
use proto::payment::v1::PaymentState;
use rpc::Peer;

use super::{failed, missing};
use crate::app::ports::{Error, Hold, LockedRates, Payment, PaymentEnd};
use crate::domain::order::Order;

/// Payment over gRPC.
#[derive(Debug, Clone)]
pub(crate) struct PaymentPeer {
    rates: RateServiceClient<Peer>,
    holds: HoldServiceClient<Peer>,
}

impl PaymentPeer {
    /// Payment behind this channel.
    pub(crate) fn new(peer: Peer) -> Self {
        Self { rates: RateServiceClient::new(peer.clone()), holds: HoldServiceClient::new(peer) }
    }
}

#[async_trait]
impl Payment for PaymentPeer {
    async fn lock_rates(
        &self,
        quote_id: QuoteId,
        pairs: &[(Currency, Currency)],
        expires_at: DateTime<Utc>,
    ) -> Result<LockedRates, Error> {
        let pairs = pairs.iter().map(|(from, to)| CurrencyPair {
            from_currency: from.code().to_owned(),
            to_currency: to.code().to_owned(),
        });
        let request = LockRatesRequest {
            quote_id: quote_id.to_string(),
            pairs: pairs.collect(),
            expires_at: Some(timestamp(expires_at)),
        };
        let answer = self.rates.clone().lock_rates(request).await.map_err(failed)?.into_inner();
        let rate = |rate| convert::exchange_rate("rates", rate);
        Ok((answer.rates.into_iter().map(rate).collect::<Result<_, _>>()?, answer.warnings))
    }

    async fn authorise(&self, order: &Order) -> Result<Hold, Error> {
        let request = AuthoriseRequest {
            hold_id: order.hold_id().to_string(),
            order_id: order.id.to_string(),
            order_number: order.terms.number.clone(),
            buyer: order.terms.buyer.clone(),
            method: order.terms.method.as_str().to_owned(),
            amount: Some(order.terms.price.total()?.into()),
        };
        let answer = self.holds.clone().authorise(request).await.map_err(failed)?.into_inner();
        match answer.state() {
            PaymentState::Held | PaymentState::Captured => Ok(Hold::Held),
            PaymentState::Voided => Ok(Hold::Voided),
            PaymentState::Awaiting => {
                let expires_at = convert::datetime("expires_at", answer.expires_at.as_ref())?;
                Ok(Hold::Awaiting { qr_payload: answer.qr_payload, expires_at })
            }
            PaymentState::Unspecified => Err(missing("a state")),
        }
    }

    async fn void(&self, order: &Order, reason: &str) -> Result<(), Error> {
        let request = VoidRequest {
            hold_id: order.hold_id().to_string(),
            order_id: order.id.to_string(),
            reason: reason.to_owned(),
        };
        let answer = self.holds.clone().void(request).await.map_err(failed)?.into_inner();
        match answer.state() {
            PaymentState::Voided => Ok(()),
            // Only a confirmed order's money is captured, and that is never compensated.
            other => Err(Error::Fault(format!("a voided hold is {other:?}"))),
        }
    }

    async fn cancel_payment(&self, order: &Order) -> Result<PaymentEnd, Error> {
        let request =
            CancelPaymentRequest { hold_id: order.hold_id().to_string(), order_id: order.id.to_string() };
        let answer = self.holds.clone().cancel_payment(request).await.map_err(failed)?.into_inner();
        match answer.outcome() {
            CancelOutcome::Cancelled => Ok(PaymentEnd::Cancelled),
            CancelOutcome::AlreadyPaid => Ok(PaymentEnd::AlreadyPaid),
            CancelOutcome::Unspecified => Err(missing("an outcome")),
        }
    }
}
