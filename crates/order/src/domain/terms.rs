//! What is agreed when an order is placed, and never changes.

use std::collections::BTreeMap;

use hub::PaymentMethodCode;
use kernel::{QuoteId, SagaId};
use serde::{Deserialize, Serialize};
use trade::{Address, Price};

use super::quote::{Quote, QuotedConsignment};

/// What the buyer gives to order a quote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checkout {
    /// Who buys: the subject.
    pub(crate) buyer: String,
    /// Where it goes.
    pub(crate) address: Address,
    /// How it is paid.
    pub(crate) method: PaymentMethodCode,
    /// The buyer's own reference.
    pub(crate) client_reference: Option<String>,
    /// What the client notes.
    pub(crate) attributes: BTreeMap<String, String>,
}

/// What was agreed when the order was placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OrderTerms {
    /// The saga behind it; the ids of its holds are derived from it.
    pub(crate) saga_id: SagaId,
    /// For people.
    pub(crate) number: String,
    /// What was ordered.
    pub(crate) quote_id: QuoteId,
    /// The buyer's subject.
    pub(crate) buyer: String,
    /// Where it goes.
    pub(crate) address: Address,
    /// How it is paid.
    pub(crate) method: PaymentMethodCode,
    /// The buyer's own reference.
    pub(crate) client_reference: Option<String>,
    /// What the client noted.
    pub(crate) attributes: BTreeMap<String, String>,
    /// In the buyer's currency.
    pub(crate) price: Price,
    /// As quoted. Terms that have none are those of a later release, which leaves them to the quote.
    #[serde(default)]
    pub(crate) consignments: Vec<QuotedConsignment>,
}

impl OrderTerms {
    /// Those of an order of `quote`; its number is yet to be given.
    pub(crate) fn of(quote: Quote, checkout: Checkout) -> Result<Self, money::Error> {
        Ok(Self {
            saga_id: SagaId::new(),
            number: String::new(),
            quote_id: quote.id,
            buyer: checkout.buyer,
            address: checkout.address,
            method: checkout.method,
            client_reference: checkout.client_reference,
            attributes: checkout.attributes,
            price: quote.price()?,
            consignments: quote.consignments,
        })
    }
}
