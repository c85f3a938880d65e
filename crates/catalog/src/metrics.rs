//! What is measured of stock.

use db::Tx;
use rpc::Pipeline;
use runtime::metrics::{Metric, SampleInterval, SampleValue, Sampler};

use crate::app::App;
use crate::app::audit_stock::{Audit, audit};

const STOCK: Metric = Metric::sampled(
    "entrepot_catalog_stock_units",
    "Units of all goods: on_hand on the shelves, reserved of these for orders, dispatched in total",
    &["state"],
);
const VIOLATIONS: Metric = Metric::sampled(
    "entrepot_catalog_stock_violations",
    "Violations that the stock audit would find, including oversold shelves: must be 0",
    &[],
);

pub(crate) fn samplers(pipeline: &Pipeline<App>) -> Vec<Sampler> {
    vec![Sampler::reading("stock", SampleInterval::Seldom, pipeline, stock)]
}

async fn stock(_: &App, tx: &mut Tx) -> Result<Vec<SampleValue>, db::Error> {
    let Audit { stock, violations_count, .. } = audit(tx).await?;
    Ok(vec![
        STOCK.is(&["on_hand"], stock.on_hand),
        STOCK.is(&["reserved"], stock.reserved),
        STOCK.is(&["dispatched"], stock.dispatched),
        VIOLATIONS.is(&[], violations_count),
    ])
}
