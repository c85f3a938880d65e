//! What was agreed when an order was quoted, as far as the money of a consignment goes.

use kernel::{ConsignmentId, OrderId};
use money::Money;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What was quoted for a consignment, as far as its money goes. It is kept with the escrow: its names are those of what is
/// stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SettlementTerms {
    pub(crate) order_id: OrderId,
    pub(crate) consignment_id: ConsignmentId,
    pub(crate) seller_id: String,
    pub(crate) carrier: String,
    /// The hub's country, whose customs is paid.
    pub(crate) country: String,
    /// The goods in the seller's currency.
    pub(crate) seller_goods: Money,
    /// Carriage and insurance in the hub's currency.
    pub(crate) carriage: Money,
    /// Duty and tax in the hub's currency. Tax that the seller collects with the price is among it: the hub pays it to the
    /// authority for the seller.
    pub(crate) duty_and_tax: Money,
    /// Fees in the hub's currency, paid with duty and tax.
    pub(crate) fees: Money,
    /// What the buyer paid for duty and tax, in its own currency.
    pub(crate) paid_duty_and_tax: Money,
    /// What the buyer paid for carriage, insurance and fees, in its own currency.
    pub(crate) paid_outward: Money,
    /// Units of the buyer's currency for one of the seller's.
    pub(crate) goods_rate: Decimal,
    /// Units of the buyer's currency for one of the hub's.
    pub(crate) charges_rate: Decimal,
    /// The hub's part of the goods' price.
    pub(crate) commission_rate: Decimal,
}
