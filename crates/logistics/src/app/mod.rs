//! What can be done with consignments: commands and queries, one use case per file.

pub(crate) mod book;
pub(crate) mod cancel_consignments;
pub(crate) mod carry;
pub(crate) mod get_declaration;
pub(crate) mod get_labels;
pub(crate) mod get_shipment;
pub(crate) mod list_consignments;
pub(crate) mod list_handover;
pub(crate) mod list_shipments;
pub(crate) mod mark_ready;
pub(crate) mod migrate_declarations;
pub(crate) mod quote_carriage;
pub(crate) mod quote_landed_cost;
pub(crate) mod record_tracking;
pub(crate) mod serial_blocks;
pub(crate) mod skip_serial_numbers;
mod step;
pub(crate) mod transit_times;
pub(crate) mod watch_consignments;

use std::sync::Arc;

use events::Outbox;
use hub::Profile;
use kernel::Clock;
use money::rates::RateTable;
use runtime::Sandbox;

use self::serial_blocks::SerialBlocks;
use self::transit_times::TransitTimes;

pub(crate) use runtime::UseCaseError as Error;

/// What every use case needs.
pub(crate) struct App {
    pub(crate) clock: Clock,
    pub(crate) outbox: Outbox,
    pub(crate) hub: Arc<Profile>,
    pub(crate) rates: Arc<RateTable>,
    pub(crate) sandbox: Sandbox,
    pub(crate) passages: TransitTimes,
    pub(crate) serials: SerialBlocks,
}

impl db::Application for App {
    type Error = Error;
}
