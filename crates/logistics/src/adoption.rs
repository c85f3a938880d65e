//! What logistics does when its database is adopted: one that is new, or older than what was done with it, would give S10
//! numbers that parcels have already.

use std::sync::Arc;

use db::Db;
use futures::future::BoxFuture;
use hub::Profile;

use crate::app::skip_serial_numbers::{Adoption, SkipSerialNumbers};

/// How many numbers of each carrier are passed over: more than were taken since the copy was made.
pub const PASSED_OVER: u32 = 1_000_000;

/// Passes over [`PASSED_OVER`] numbers of each carrier, `times` over: once for each adoption that the database itself
/// knows nothing of, this one included.
pub fn on_adoption(hub: Arc<Profile>, db: Db, times: u32) -> BoxFuture<'static, anyhow::Result<()>> {
    let numbers = u64::from(PASSED_OVER) * u64::from(times);
    Box::pin(async move { Ok(db.run(&Arc::new(Adoption(hub)), SkipSerialNumbers { numbers }).await?) })
}
