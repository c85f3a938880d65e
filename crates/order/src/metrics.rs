//! What is measured of orders and the sagas behind them.

use std::sync::Arc;

use kernel::SagaId;
use runtime::metrics::{Metric, Pace, Reading, Sampler};

use crate::app::App;
use crate::app::list_sagas::STUCK_AFTER;
use crate::store::{audit, measures};

const ORDERS: Metric = Metric::sampled("entrepot_order_orders", "Orders by state", &["state"]);
const SAGAS: Metric = Metric::sampled("entrepot_order_sagas", "Sagas that are not over, by step", &["step"]);
const STUCK: Metric = Metric::sampled(
    "entrepot_order_sagas_stuck",
    "Sagas that are not settled and did not move for a minute: what ListSagas shows as stuck",
    &[],
);
const OLDEST: Metric = Metric::sampled(
    "entrepot_order_saga_oldest_seconds",
    "How long ago the oldest saga was begun that is not settled, by the machine's time; 0 when all are",
    &[],
);
const STATES: [&str; 6] = ["placing", "awaiting_payment", "confirmed", "delivered", "completed", "cancelled"];
const STEPS: [&str; 5] =
    ["placing", "awaiting_payment", "ending_payment", "ending_consignments", "compensating"];

pub(crate) fn samplers(app: &Arc<App>) -> Vec<Sampler> {
    let (of_sagas, of_orders) = (app.clone(), app.clone());
    vec![
        Sampler::new("sagas", Pace::Often, move || Box::pin(sagas(of_sagas.clone()))),
        Sampler::new("orders", Pace::Seldom, move || Box::pin(orders(of_orders.clone()))),
    ]
}

async fn sagas(app: Arc<App>) -> anyhow::Result<Vec<Reading>> {
    let now = app.machine.now();
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let under_way = measures::under_way(tx).await?;
            let stuck = measures::stuck(tx, now - STUCK_AFTER).await?;
            Ok::<_, db::Error>((under_way, stuck, measures::oldest_unsettled(tx).await?))
        })
    });
    let (under_way, stuck, oldest) = read.await?;
    let mut readings = SAGAS.of_each(&STEPS, &under_way);
    readings.push(STUCK.is(&[], stuck));
    readings.push(OLDEST.since(&[], oldest.map(SagaId::uuid), now));
    Ok(readings)
}

async fn orders(app: Arc<App>) -> anyhow::Result<Vec<Reading>> {
    let by_state = app.db.read(|tx| Box::pin(audit::by_state(tx))).await?;
    Ok(ORDERS.of_each(&STATES, &by_state))
}
