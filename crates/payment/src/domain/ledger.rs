//! The ledger's accounts and movements. A credit is what the hub owes, a debit what it owns.

use chrono::{DateTime, Utc};
use kernel::{ConsignmentId, HoldId, OrderId, ReceiptId, TransferId, WalletId};
use money::{Currency, Money};

/// The kinds of accounts, as the API names them.
pub(crate) const KINDS: [&str; 11] = [
    "wallet",
    "provider_clearing",
    "holding",
    "escrow",
    "seller_payable",
    "carrier_payable",
    "customs_payable",
    "commission",
    "exchange",
    "suspense",
    "payout",
];

/// An account: its kind and whose it is. Its currency is the transfer's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LedgerAccount {
    pub(crate) kind: &'static str,
    pub(crate) owner: String,
}

impl LedgerAccount {
    fn new(kind: &'static str, owner: impl Into<String>) -> Self {
        Self { kind, owner: owner.into() }
    }

    pub(crate) fn wallet(id: WalletId) -> Self {
        Self::new("wallet", id.to_string())
    }

    /// Money that a provider has taken for the hub.
    pub(crate) fn provider(method: &str) -> Self {
        Self::new("provider_clearing", method)
    }

    /// Money held for an order that is not confirmed yet.
    pub(crate) fn holding(hold: HoldId) -> Self {
        Self::new("holding", hold.to_string())
    }

    pub(crate) fn escrow(consignment: ConsignmentId) -> Self {
        Self::new("escrow", consignment.to_string())
    }

    pub(crate) fn seller(seller_id: &str) -> Self {
        Self::new("seller_payable", seller_id)
    }

    pub(crate) fn carrier(code: &str) -> Self {
        Self::new("carrier_payable", code)
    }

    pub(crate) fn customs(country: &str) -> Self {
        Self::new("customs_payable", country)
    }

    pub(crate) fn commission() -> Self {
        Self::new("commission", "hub")
    }

    /// The hub's position in a currency.
    pub(crate) fn exchange(currency: Currency) -> Self {
        Self::new("exchange", currency.code())
    }

    pub(crate) fn suspense(receipt: ReceiptId) -> Self {
        Self::new("suspense", receipt.to_string())
    }
}

/// A movement of money from the debited to the credited account.
#[derive(Debug, Clone)]
pub(crate) struct Transfer {
    pub(crate) id: TransferId,
    pub(crate) kind: &'static str,
    pub(crate) debit: LedgerAccount,
    pub(crate) credit: LedgerAccount,
    pub(crate) amount: Money,
    pub(crate) state: TransferState,
    pub(crate) order_id: Option<OrderId>,
    pub(crate) consignment_id: Option<ConsignmentId>,
    pub(crate) at: DateTime<Utc>,
}

kernel::words! {
    /// Where a movement stands.
    pub(crate) enum TransferState {
        /// The money is held for it.
        Pending = "pending",
        /// It counts.
        Posted = "posted",
        /// It never counts.
        Voided = "voided",
    }
}

impl Transfer {
    /// A movement that counts at once.
    pub(crate) fn posted(
        kind: &'static str,
        debit: LedgerAccount,
        credit: LedgerAccount,
        amount: Money,
        at: DateTime<Utc>,
    ) -> Self {
        Self {
            id: TransferId::new(),
            kind,
            debit,
            credit,
            amount,
            state: TransferState::Posted,
            order_id: None,
            consignment_id: None,
            at,
        }
    }

    /// A movement that waits to be posted or voided.
    pub(crate) fn pending(
        kind: &'static str,
        debit: LedgerAccount,
        credit: LedgerAccount,
        amount: Money,
        at: DateTime<Utc>,
    ) -> Self {
        Self { state: TransferState::Pending, ..Self::posted(kind, debit, credit, amount, at) }
    }

    /// For an order.
    #[must_use]
    pub(crate) fn of_order(mut self, order_id: OrderId) -> Self {
        self.order_id = Some(order_id);
        self
    }

    /// For a consignment of an order.
    #[must_use]
    pub(crate) fn of_consignment(mut self, order_id: OrderId, consignment_id: ConsignmentId) -> Self {
        self.order_id = Some(order_id);
        self.consignment_id = Some(consignment_id);
        self
    }
}
