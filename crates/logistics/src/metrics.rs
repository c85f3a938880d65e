//! What is measured of parcels, and how long they take.

use db::Tx;
use rpc::Pipeline;
use runtime::metrics::{Metric, SampleInterval, SampleValue, Sampler};

use crate::app::App;
use crate::app::transit_times::TransitTimes;
use crate::domain::shipment::{DeclarationState, ShipmentState};
use crate::store::measures;

const CONSIGNMENTS: Metric =
    Metric::sampled("entrepot_logistics_consignments", "Consignments by state", &["state"]);
const DECLARATIONS: Metric = Metric::sampled(
    "entrepot_logistics_declarations",
    "Declarations to customs by state: released and withdrawn are final",
    &["state"],
);
const CLEARANCE: Metric = Metric::durations(
    "entrepot_logistics_import_clearance_seconds",
    "From a parcel's arrival in the country to its release by customs, in the hub's time",
);
const DOOR_TO_DOOR: Metric = Metric::durations(
    "entrepot_logistics_door_to_door_seconds",
    "From a parcel's pick-up to its delivery, in the hub's time",
);

pub(crate) fn samplers(pipeline: &Pipeline<App>) -> Vec<Sampler> {
    let passages = pipeline.app().passages.clone();
    vec![
        Sampler::reading("consignments", SampleInterval::Seldom, pipeline, by_state),
        Sampler::new(
            "passages",
            SampleInterval::Often,
            passages,
            |TransitTimes { clearance, door_to_door }| {
                std::future::ready(Ok(vec![CLEARANCE.took(&clearance), DOOR_TO_DOOR.took(&door_to_door)]))
            },
        ),
    ]
}

async fn by_state(_: &App, tx: &mut Tx) -> Result<Vec<SampleValue>, db::Error> {
    let consignments = measures::consignments(tx).await?;
    let declarations = measures::declarations(tx).await?;
    let mut readings = CONSIGNMENTS.of_each(&ShipmentState::ALL.map(ShipmentState::as_str), &consignments);
    let states = DeclarationState::ALL.map(DeclarationState::as_str);
    readings.extend(DECLARATIONS.of_each(&states, &declarations));
    Ok(readings)
}
