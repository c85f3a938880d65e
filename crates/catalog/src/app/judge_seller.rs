//! The operator verifies and suspends sellers, and decides what may change of what was verified.

use chrono::{DateTime, Utc};
use db::Tx;
use events::Outbox;
use kernel::SellerId;

use super::Error;
use super::apply_seller::save;
use crate::domain::seller::{Seller, State};
use crate::facts;
use crate::store::sellers;

/// Moves a seller to a state; one that is there already stays as it is.
pub(crate) async fn judge(
    tx: &mut Tx,
    outbox: Outbox,
    id: SellerId,
    version: Option<i64>,
    state: State,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<Seller, Error> {
    let moved = sellers::judge(tx, id, version, state, reason).await?;
    let seller = sellers::find(tx, id).await?.ok_or_else(|| Error::not_found("seller", id))?;
    if moved.is_none() && version.is_some_and(|version| version != seller.version) {
        return Err(Error::stale());
    }
    if moved.is_some() {
        outbox.put(tx, &facts::seller_changed(&seller, now)).await?;
    }
    Ok(seller)
}

/// Brings the change that waits into force, or refuses it with a reason; only if the seller is as the operator read it.
pub(crate) async fn decide(
    tx: &mut Tx,
    id: SellerId,
    version: i64,
    refusal: Option<String>,
) -> Result<Seller, Error> {
    let seller = sellers::find(tx, id).await?.ok_or_else(|| Error::not_found("seller", id))?;
    if seller.version != version {
        return Err(Error::stale());
    }
    let decided = seller.decided(refusal);
    save(
        tx,
        decided
            .ok_or_else(|| Error::refused("NO_CHANGE", "no change of this seller waits for a decision"))?,
    )
    .await
}
