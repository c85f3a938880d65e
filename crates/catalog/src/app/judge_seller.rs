//! The operator verifies and suspends sellers.

use chrono::{DateTime, Utc};
use db::Tx;
use events::Outbox;
use kernel::SellerId;

use super::Error;
use crate::domain::seller::{Seller, State};
use crate::facts;
use crate::store::sellers;

/// Moves a seller to a state; one that is there already stays as it is.
pub(crate) async fn judge(
    tx: &mut Tx,
    outbox: Outbox,
    id: SellerId,
    state: State,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<Seller, Error> {
    let moved = sellers::judge(tx, id, state, reason).await?;
    let seller = sellers::find(tx, id).await?.ok_or_else(|| Error::not_found("seller", id))?;
    if moved.is_some() {
        outbox.put(tx, &facts::seller_changed(&seller, now)).await?;
    }
    Ok(seller)
}
