//! What can be done with sellers, goods and stock: commands and queries, one use case per file.

mod acting;
pub(crate) mod adjust_stock;
mod allow;
pub(crate) mod apply_seller;
pub(crate) mod audit_stock;
pub(crate) mod create_location;
pub(crate) mod create_product;
mod currencies;
pub(crate) mod decide_seller_change;
pub(crate) mod dispatch;
pub(crate) mod get_offers;
pub(crate) mod get_product;
pub(crate) mod get_seller;
pub(crate) mod import_products;
mod import_rejection;
pub(crate) mod import_stock;
pub(crate) mod inquire_reservation;
pub(crate) mod list_locations;
pub(crate) mod list_products;
pub(crate) mod list_seller_changes;
pub(crate) mod list_sellers;
pub(crate) mod list_stock;
mod listing;
pub(crate) mod receive_return;
pub(crate) mod release_reservation;
pub(crate) mod reserve;
pub(crate) mod suspend_seller;
pub(crate) mod undo_dispatch;
pub(crate) mod update_product;
pub(crate) mod update_seller;
pub(crate) mod verify_seller;
pub(crate) mod withdraw_product;

use std::sync::Arc;

use events::Outbox;
use hub::Profile;
use kernel::Clock;
use money::rates::RateTable;

use crate::domain::allowance::Allowance;

pub(crate) use runtime::UseCaseError as Error;

/// What every use case needs.
pub(crate) struct App {
    pub(crate) clock: Clock,
    pub(crate) outbox: Outbox,
    pub(crate) hub: Arc<Profile>,
    /// By which quotes exchange.
    pub(crate) rates: Arc<RateTable>,
    /// What the goods of a seller may take.
    pub(crate) allowance: Allowance,
}

impl db::Application for App {
    type Error = Error;
}
