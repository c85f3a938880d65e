//! The seller fills the scarce shelves again and again, a little at a time: there is always a last unit to race for.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Result;
use proto::catalog::v1::AdjustStockRequest;

use super::retry::repeated;
use super::town::Town;

/// How often, and how many units.
const EVERY: Duration = Duration::from_millis(300);
const UNITS: i64 = 2;

/// Fills until the town closes; the units put on each shelf.
pub(super) async fn fill(town: &Town, scarce: &[usize]) -> Result<BTreeMap<usize, i64>> {
    let mut filled = BTreeMap::new();
    let mut shelves = Vec::new();
    for place in scarce {
        shelves.push((*place, repeated(async || town.market.shelf(*place).await).await?.stock_item_id));
    }
    for (place, stock_item_id) in shelves.iter().cycle() {
        if town.closing.load(Ordering::Relaxed) {
            break;
        }
        let request = AdjustStockRequest {
            request_id: proof::request_id(),
            stock_item_id: stock_item_id.clone(),
            delta: UNITS,
            reason: "more came".to_owned(),
        };
        let seller = &town.market.shop.session;
        let call = async || seller.stock().adjust_stock(request.clone()).await;
        town.insistence.until_answered("more stock", call).await?.map_err(anyhow::Error::msg)?;
        *filled.entry(*place).or_default() += UNITS;
        tokio::time::sleep(EVERY).await;
    }
    Ok(filled)
}
