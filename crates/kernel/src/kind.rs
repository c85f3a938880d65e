//! The table of what has an id here.

use crate::Id;
pub use crate::id::Kind;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident $alias:ident $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $kind {}

        impl Kind for $kind {
            const PREFIX: &'static str = $prefix;
        }

        #[doc = concat!("The id of ", stringify!($kind), ": `", $prefix, "_…`.")]
        pub type $alias = Id<$kind>;
    )*};
}

kinds! {
    /// An account of the ledger.
    Account AccountId "account";
    /// What one seller ships from one country for one order.
    Consignment ConsignmentId "consignment";
    /// A customs declaration.
    Declaration DeclarationId "declaration";
    /// A line of an account.
    Entry EntryId "entry";
    /// Something that happened.
    Event EventId "event";
    /// A hold of money for an order.
    Hold HoldId "hold";
    /// A place from which a seller ships.
    Location LocationId "location";
    /// A change of stock.
    Movement MovementId "movement";
    /// An order.
    Order OrderId "order";
    /// A payment.
    Payment PaymentId "payment";
    /// Money that leaves the hub for a seller.
    Payout PayoutId "payout";
    /// What a seller offers.
    Product ProductId "product";
    /// A frozen price.
    Quote QuoteId "quote";
    /// A locked exchange rate.
    Rate RateId "rate";
    /// Money that a provider reports.
    Receipt ReceiptId "receipt";
    /// Money given back.
    Refund RefundId "refund";
    /// A hold of stock for an order.
    Reservation ReservationId "reservation";
    /// Goods that go back.
    Return ReturnId "return";
    /// The durable steps behind an order.
    Saga SagaId "saga";
    /// A firm that sells.
    Seller SellerId "seller";
    /// A consignment as the carrier has it.
    Shipment ShipmentId "shipment";
    /// Goods on a shelf.
    StockItem StockItemId "stock";
    /// Something that happened to a parcel.
    TrackingEvent TrackingEventId "tracking";
    /// A movement of money.
    Transfer TransferId "transfer";
    /// One thing that can be bought.
    Variant VariantId "variant";
    /// A buyer's money.
    Wallet WalletId "wallet";
}
