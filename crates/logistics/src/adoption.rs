//! What logistics does when its database is adopted: one that is new, or older than what was done with it, would give S10
//! numbers that parcels have already.

use std::sync::Arc;

use db::Db;
use futures::future::BoxFuture;
use hub::Profile;

use crate::app::Error;
use crate::store::serials;

/// How many numbers of each carrier are passed over: more than were given since the copy was made.
pub const PASSED_OVER: u32 = 1_000_000;

/// Passes over [`PASSED_OVER`] numbers of each carrier, `times` over: once for each adoption that the database itself
/// knows nothing of, this one included.
pub fn on_adoption(hub: Arc<Profile>, db: Db, times: u32) -> BoxFuture<'static, anyhow::Result<()>> {
    Box::pin(async move {
        let passed = u64::from(PASSED_OVER) * u64::from(times);
        let done: Result<(), Error> = db
            .write(move |tx| {
                let hub = hub.clone();
                Box::pin(async move {
                    for carrier in hub.carriers() {
                        let (first, last) = (carrier.s10.serial_from, carrier.s10.serial_to);
                        if serials::pass_over(tx, &carrier.code, first, last, passed).await?.is_none() {
                            return Err(Error::Exhausted(format!(
                                "numbers that were given since the copy was made must not be given again, and the S10 \
                                 range of carrier {} has no {passed} left to pass over: raise its serial_to, then adopt \
                                 again",
                                carrier.code
                            )));
                        }
                    }
                    Ok(())
                })
            })
            .await;
        Ok(done?)
    })
}
