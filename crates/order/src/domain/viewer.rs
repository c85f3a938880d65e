//! Who may see what.

use kernel::SellerId;

use super::order::Order;
use super::quote::QuotedConsignment;
use super::returns::Return;

/// Who looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Viewer {
    /// A buyer, by subject: sees its own orders whole.
    Buyer(String),
    /// A seller: sees its own consignments of orders, and not who buys.
    Seller(SellerId),
    /// An operator, or the hub itself: sees all.
    Operator,
}

impl Viewer {
    /// Whether it may know that the order exists.
    pub(crate) fn sees(&self, order: &Order) -> bool {
        match self {
            Self::Buyer(subject) => order.terms.buyer == *subject,
            Self::Seller(seller) => order.terms.consignments.iter().any(|one| one.seller_id == *seller),
            Self::Operator => true,
        }
    }

    /// Whether it may know that the return exists.
    pub(crate) fn sees_return(&self, one: &Return) -> bool {
        match self {
            Self::Buyer(subject) => one.buyer == *subject,
            Self::Seller(seller) => one.seller_id == *seller,
            Self::Operator => true,
        }
    }

    /// Whether it may see the consignment.
    pub(crate) fn sees_consignment(&self, quoted: &QuotedConsignment) -> bool {
        match self {
            Self::Seller(seller) => quoted.seller_id == *seller,
            Self::Buyer(_) | Self::Operator => true,
        }
    }
}
