//! What a confirmed order asks to be carried, and what is declared of it.

use kernel::{ConsignmentId, Country};
use money::Money;
use serde::{Deserialize, Serialize};
use trade::{AppliedRule, OriginCertificate, Permit, Transport};

use super::shipment::Content;

/// A consignment to book, as it was quoted.
#[derive(Debug, Clone)]
pub(crate) struct Consignment {
    pub(crate) id: ConsignmentId,
    pub(crate) seller_id: String,
    /// The seller's name as the buyer saw it.
    pub(crate) seller_name: String,
    pub(crate) from: Country,
    pub(crate) carrier: String,
    pub(crate) service: String,
    pub(crate) transport: Transport,
    pub(crate) chargeable_grams: i64,
    /// Days in transit, at least.
    pub(crate) days_min: i64,
    pub(crate) declared: Declared,
}

impl Consignment {
    /// What is to be packed.
    pub(crate) fn contents(&self) -> Vec<Content> {
        let content =
            |item: &DeclaredItem| Content { description: item.description.clone(), quantity: item.quantity };
        self.declared.items.iter().map(content).collect()
    }
}

/// What is declared to the importing country's customs, delivered duty paid. The amounts are in the hub's currency. It is
/// kept as it is: its names are those of what is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Declared {
    pub(crate) customs_value: Option<Money>,
    /// Import duty and excise.
    pub(crate) duty: Option<Money>,
    /// Tax taken at import.
    pub(crate) import_tax: Money,
    /// Tax that the seller collected with the price.
    pub(crate) seller_collected_tax: Money,
    pub(crate) fees: Option<Money>,
    pub(crate) items: Vec<DeclaredItem>,
    /// The rules behind the amounts.
    pub(crate) rules: Vec<AppliedRule>,
}

/// An item of a declaration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeclaredItem {
    pub(crate) description: String,
    /// As the catalogue has it.
    pub(crate) hs_code: String,
    /// Where it was made.
    pub(crate) origin: Country,
    pub(crate) quantity: i64,
    /// As invoiced, in the seller's currency.
    pub(crate) unit_price: Option<Money>,
    /// What was taken off the price of the units together; nothing: not stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) discount: Option<Money>,
    /// Of all units.
    pub(crate) weight_grams: i64,
    pub(crate) permit: Option<Permit>,
    pub(crate) certificate: Option<OriginCertificate>,
}
