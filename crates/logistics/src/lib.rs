//! Logistics: carriage and landed costs, shipments with their S10 numbers and labels, declarations, tracking, and the
//! sandbox carrier.
//!
//! Modules: [`domain`] has the rules, [`store`] the SQL, [`app`] the use cases, [`consumers`] the handlers of order's
//! events,
//! [`api`] the gRPC services, [`wire`] what documents and answers share.

mod adoption;
mod api;
mod app;
mod consumers;
mod domain;
mod events;
mod metrics;
pub mod preload;
mod store;
mod wire;

use std::sync::Arc;
use std::time::Duration;

pub use adoption::{PASSED_OVER, on_adoption};
use rpc::{Pipeline, Policy, PolicyTable, Role};
use runtime::{Deps, Service, Spec, Worker};

use crate::app::App;
use crate::app::carry::Carry;
use crate::app::migrate_declarations::MigrateDeclarations;
use crate::app::serial_blocks::{SerialBlocks, TakeSerialBlocks};
use crate::app::transit_times::TransitTimes;

/// The service.
pub const SPEC: Spec = Spec {
    name: "logistics",
    settings: &[],
    migrations: db::MigrationSet {
        name: "logistics",
        files: &[
            ("0001_logistics.sql", include_str!("../migrations/0001_logistics.sql")),
            ("0003_text.sql", include_str!("../migrations/0003_text.sql")),
            ("0004_reporters.sql", include_str!("../migrations/0004_reporters.sql")),
            ("0005_declared.sql", include_str!("../migrations/0005_declared.sql")),
            ("0006_dispatch.sql", include_str!("../migrations/0006_dispatch.sql")),
        ],
    },
    policies: POLICIES,
    packages: &["entrepot.logistics.v1", "entrepot.logistics.internal.v1"],
    calls: &[],
    build,
};

const VIEWERS: Policy = Policy::Roles(&[Role::Buyer, Role::Seller, Role::Operator]);
const SELLERS: Policy = Policy::Roles(&[Role::Seller]);
const BY_ORDER: Policy = Policy::Services(&["order"]);

/// Who may call what.
const POLICIES: PolicyTable = &[
    ("/entrepot.logistics.v1.ShipmentService/GetShipment", VIEWERS),
    ("/entrepot.logistics.v1.ShipmentService/ListShipments", VIEWERS),
    ("/entrepot.logistics.v1.ShipmentService/GetLabel", Policy::Roles(&[Role::Seller, Role::Operator])),
    ("/entrepot.logistics.v1.DispatchService/ListConsignments", SELLERS),
    ("/entrepot.logistics.v1.DispatchService/WatchConsignments", SELLERS),
    ("/entrepot.logistics.v1.DispatchService/GetLabels", SELLERS),
    ("/entrepot.logistics.v1.DispatchService/MarkReady", SELLERS),
    ("/entrepot.logistics.v1.DispatchService/GetHandoverList", SELLERS),
    ("/entrepot.logistics.v1.DeclarationService/GetDeclaration", VIEWERS),
    ("/entrepot.logistics.v1.CarriageService/QuoteCarriage", Policy::Public),
    ("/entrepot.logistics.internal.v1.LandedCostService/QuoteLandedCost", BY_ORDER),
    ("/entrepot.logistics.internal.v1.ConsignmentService/CancelConsignments", BY_ORDER),
    (
        "/entrepot.logistics.internal.v1.TrackingService/RecordTrackingEvent",
        Policy::Roles(&[Role::Carrier, Role::Operator]),
    ),
];

/// How often the sandbox carrier looks for parcels whose time has come.
const CARRIER_PERIOD: Duration = Duration::from_millis(200);

/// How often declarations are looked for that the release before drew up.
const CARRY_OVER_PERIOD: Duration = Duration::from_secs(60);

fn build(_: &toml::Table, deps: Deps) -> anyhow::Result<Service> {
    let app = Arc::new(App {
        clock: deps.clock.clone(),
        outbox: deps.outbox,
        hub: deps.hub,
        rates: deps.rates,
        sandbox: deps.sandbox,
        passages: TransitTimes::new(),
        serials: SerialBlocks::default(),
    });
    let pipeline = Pipeline::new(app.clone(), deps.db, deps.clock);
    let carry_over = "logistics.carry_over_declared";
    let mut workers = vec![
        Worker::repeating(carry_over, CARRY_OVER_PERIOD, &pipeline, MigrateDeclarations),
        serial_blocks(pipeline.clone()),
    ];
    if app.sandbox.enabled {
        workers.push(Worker::repeating("logistics.sandbox_carrier", CARRIER_PERIOD, &pipeline, Carry));
    }
    Ok(Service {
        public: api::public(&pipeline),
        internal: api::internal(&pipeline),
        consumers: consumers::consumers(&app),
        workers,
        samplers: metrics::samplers(&pipeline),
    })
}

/// Takes S10 serials ahead.
fn serial_blocks(pipeline: Pipeline<App>) -> Worker {
    Worker::new("logistics.serial_blocks", move |cancel| async move {
        let take = async {
            loop {
                pipeline.app().serials.running_low().await;
                // Where it fails, bookings take theirs one by one, and each asks for more.
                match pipeline.run(TakeSerialBlocks).await {
                    Ok(taken) => pipeline.app().serials.keep(taken),
                    Err(error) => tracing::warn!(%error, "no S10 serials were taken ahead"),
                }
            }
        };
        cancel.run_until_cancelled(take).await;
    })
}
