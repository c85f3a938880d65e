//! What is measured of orders and the sagas behind them.

use db::Tx;
use kernel::SagaId;
use rpc::Pipeline;
use runtime::metrics::{Metric, SampleInterval, SampleValue, Sampler};

use crate::app::App;
use crate::app::list_sagas::STUCK_AFTER;
use crate::store::{audit, measures};

const ORDERS: Metric = Metric::sampled("entrepot_order_orders", "Orders by state", &["state"]);
const SAGAS: Metric = Metric::sampled("entrepot_order_sagas", "Unfinished sagas by step", &["step"]);
const STUCK: Metric = Metric::sampled(
    "entrepot_order_sagas_stuck",
    "Unsettled sagas that have not moved for a minute: those that ListSagas shows as stuck",
    &[],
);
const OLDEST: Metric = Metric::sampled(
    "entrepot_order_saga_oldest_seconds",
    "Age of the oldest unsettled saga, by the machine's time; 0 when all are settled",
    &[],
);
const STATES: [&str; 6] = ["placing", "awaiting_payment", "confirmed", "delivered", "completed", "cancelled"];
const STEPS: [&str; 5] =
    ["placing", "awaiting_payment", "ending_payment", "ending_consignments", "compensating"];

pub(crate) fn samplers(pipeline: &Pipeline<App>) -> Vec<Sampler> {
    vec![
        Sampler::reading("sagas", SampleInterval::Often, pipeline, sagas),
        Sampler::reading("orders", SampleInterval::Seldom, pipeline, orders),
    ]
}

async fn sagas(app: &App, tx: &mut Tx) -> Result<Vec<SampleValue>, db::Error> {
    let now = app.machine.now();
    let mut readings = SAGAS.of_each(&STEPS, &measures::under_way(tx).await?);
    readings.push(STUCK.is(&[], measures::stuck(tx, now - STUCK_AFTER).await?));
    let oldest = measures::oldest_unsettled(tx).await?;
    readings.push(OLDEST.since(&[], oldest.map(SagaId::uuid), now));
    Ok(readings)
}

async fn orders(_: &App, tx: &mut Tx) -> Result<Vec<SampleValue>, db::Error> {
    Ok(ORDERS.of_each(&STATES, &audit::by_state(tx).await?))
}
