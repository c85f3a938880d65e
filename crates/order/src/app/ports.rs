//! What the use cases need of others: of the other services, which may be asked for every step of a saga again and answer
//! how the hold stands now; and of the API.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{OrderId, QuoteId};
use money::Currency;
use rpc::idempotency::Key;
use trade::ExchangeRate;

use super::error;
use super::saga::SagaResponse;
use crate::domain::order::Order;
use crate::domain::pricing::{Group, LandedCost, Offer, RequestedLine};
use crate::domain::{Refusal, pricing};

/// Why a service did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Error {
    /// It said no: nothing was done.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It did not answer: whether it was done is not known.
    #[error("{0}")]
    Unreachable(String),
    /// It answered what does not fit its contract, or was asked what does not.
    #[error("{0}")]
    Fault(String),
}

impl From<pricing::Error> for Error {
    fn from(error: pricing::Error) -> Self {
        match error {
            pricing::Error::Refused(refusal) => Self::Refused(refusal),
            pricing::Error::Money(error) => error.into(),
            pricing::Error::Answer(problem) => Self::Fault(problem),
        }
    }
}

impl From<money::Error> for Error {
    fn from(error: money::Error) -> Self {
        match error {
            // Prices and quantities are the buyer's and the seller's: no fault of the hub.
            money::Error::Overflow => {
                let message = format!("{error}: a total of these goods is too large; order fewer");
                Self::Refused(Refusal::new("AMOUNT_TOO_LARGE", message))
            }
            other => Self::Fault(other.to_string()),
        }
    }
}

impl From<Error> for error::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => Self::Refused(refusal),
            Error::Unreachable(problem) => Self::Unavailable(problem),
            Error::Fault(problem) => Self::Fault(problem),
        }
    }
}

/// How a hold of stock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reservation {
    /// Stock is held, or has left for the order.
    Held,
    /// Given back.
    Released,
}

/// How a hold of money stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hold {
    /// The money is held.
    Held,
    /// The buyer has to pay.
    Awaiting {
        /// What the QR code says.
        qr_payload: String,
        /// Until when.
        expires_at: DateTime<Utc>,
    },
    /// Given back.
    Voided,
}

/// How a QR payment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PaymentEnd {
    /// No money came, and none will count.
    Cancelled,
    /// The money had come.
    AlreadyPaid,
}

/// Whether consignments stay where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CancelResult {
    /// None was, or will be, picked up.
    All,
    /// One was picked up before: none is kept back.
    None,
}

/// The locked rates, and what the buyer should know of them.
pub(crate) type LockedRates = (Vec<ExchangeRate>, Vec<String>);

/// What is asked of catalog.
#[async_trait]
pub(crate) trait Catalog: Send + Sync {
    /// What the wishes cost and weigh.
    async fn offers(&self, requested: &[RequestedLine]) -> Result<Vec<Offer>, Error>;
    /// Holds the order's goods.
    async fn reserve(&self, order: &Order) -> Result<Reservation, Error>;
    /// Gives them back, or sees to it that they will never be held.
    async fn release(&self, order: &Order, reason: &str) -> Result<(), Error>;
}

/// What is asked of logistics.
#[async_trait]
pub(crate) trait Logistics: Send + Sync {
    /// Carriage, duty and tax of each group; the rates tell what the buyer is charged for its goods in its currency.
    async fn landed_costs(
        &self,
        groups: &[Group],
        rates: &[ExchangeRate],
        currency: Currency,
        postcode: &str,
        carriage_service: &str,
    ) -> Result<Vec<LandedCost>, Error>;
    /// Keeps the order's consignments from being picked up: all, or none.
    async fn cancel_consignments(&self, order_id: OrderId) -> Result<CancelResult, Error>;
}

/// What is asked of payment.
#[async_trait]
pub(crate) trait Payment: Send + Sync {
    /// Locks the rates of these pairs: from the first to the second.
    async fn lock_rates(
        &self,
        quote_id: QuoteId,
        pairs: &[(Currency, Currency)],
        expires_at: DateTime<Utc>,
    ) -> Result<LockedRates, Error>;
    /// Holds the order's price, or asks the buyer for it.
    async fn authorise(&self, order: &Order) -> Result<Hold, Error>;
    /// Gives the money back, or sees to it that it will never be held.
    async fn void(&self, order: &Order, reason: &str) -> Result<(), Error>;
    /// Ends a QR payment unless the money came.
    async fn cancel_payment(&self, order: &Order) -> Result<PaymentEnd, Error>;
}

/// How requests are answered that wait for sagas: whoever finishes one after a crash has no handler that would.
#[async_trait]
pub(crate) trait Replies: Send + Sync {
    /// Keeps the answers to requests in the transaction that decides them.
    async fn keep(&self, tx: &mut Tx, answers: &[(&Key, &SagaResponse)]) -> Result<(), error::Error>;
}
