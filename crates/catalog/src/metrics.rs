//! What is measured of stock.

use db::Db;
use runtime::metrics::{Metric, Pace, Reading, Sampler};

use crate::store::measures;

const STOCK: Metric = Metric::sampled(
    "entrepot_catalog_stock_units",
    "Units of all goods: on_hand on the shelves, reserved of these for orders, dispatched in all",
    &["state"],
);
const VIOLATIONS: Metric = Metric::sampled(
    "entrepot_catalog_stock_violations",
    "What the stock audit would find, oversold shelves among it: must be 0",
    &[],
);

pub(crate) fn samplers(db: &Db) -> Vec<Sampler> {
    let db = db.clone();
    vec![Sampler::new("stock", Pace::Seldom, move || Box::pin(stock(db.clone())))]
}

async fn stock(db: Db) -> anyhow::Result<Vec<Reading>> {
    let read = db.read(|tx| {
        Box::pin(async move {
            Ok::<_, db::Error>((measures::stock(tx).await?, measures::held_otherwise(tx).await?))
        })
    });
    let (stock, held_otherwise) = read.await?;
    Ok(vec![
        STOCK.is(&["on_hand"], stock.on_hand),
        STOCK.is(&["reserved"], stock.reserved),
        STOCK.is(&["dispatched"], stock.dispatched),
        VIOLATIONS.is(&[], stock.astray + held_otherwise),
    ])
}
