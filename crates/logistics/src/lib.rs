//! Logistics: carriage and landed costs, shipments with their S10 numbers and labels, declarations, tracking, and the
//! sandbox carrier.
//!
//! Rooms: [`domain`] knows the rules, [`store`] the SQL, [`app`] the use cases, [`consumers`] what order tells,
//! [`api`] the gRPC services, [`wire`] what events, documents and answers share.

mod adoption;
mod api;
mod app;
mod config;
mod consumers;
mod domain;
mod facts;
mod metrics;
mod store;
mod wire;

use std::sync::Arc;
use std::time::Duration;

pub use adoption::{PASSED_OVER, on_adoption};
use futures::future::BoxFuture;
use rpc::{Pipeline, Policy, PolicyTable, Role};
use runtime::{Deps, Service, Spec, Worker};

use crate::app::carry::Carry;

/// The service.
pub const SPEC: Spec = Spec {
    name: "logistics",
    settings: config::SETTINGS,
    migrations: db::MigrationSet {
        name: "logistics",
        files: &[
            ("0001_logistics.sql", include_str!("../migrations/0001_logistics.sql")),
            ("0003_text.sql", include_str!("../migrations/0003_text.sql")),
            ("0004_reporters.sql", include_str!("../migrations/0004_reporters.sql")),
        ],
    },
    policies: POLICIES,
    packages: &["entrepot.logistics.v1", "entrepot.logistics.internal.v1"],
    asks: &[],
    build,
};

const VIEWERS: Policy = Policy::Roles(&[Role::Buyer, Role::Seller, Role::Operator]);
const SERVICES: Policy = Policy::Roles(&[Role::Service]);

/// Who may call what.
const POLICIES: PolicyTable = &[
    ("/entrepot.logistics.v1.ShipmentService/GetShipment", VIEWERS),
    ("/entrepot.logistics.v1.ShipmentService/ListShipments", VIEWERS),
    ("/entrepot.logistics.v1.ShipmentService/GetLabel", Policy::Roles(&[Role::Seller, Role::Operator])),
    ("/entrepot.logistics.v1.DeclarationService/GetDeclaration", VIEWERS),
    ("/entrepot.logistics.v1.CarriageService/QuoteCarriage", Policy::Public),
    ("/entrepot.logistics.internal.v1.LandedCostService/QuoteLandedCost", SERVICES),
    ("/entrepot.logistics.internal.v1.ConsignmentService/CancelConsignments", SERVICES),
    (
        "/entrepot.logistics.internal.v1.TrackingService/RecordTrackingEvent",
        Policy::Roles(&[Role::Carrier, Role::Operator]),
    ),
];

/// How often the sandbox carrier looks for parcels whose time has come.
const CARRIER_PERIOD: Duration = Duration::from_millis(200);

fn build(section: &toml::Table, deps: Deps) -> anyhow::Result<Service> {
    let config: config::Config = runtime::parse_section(section)?;
    let passages = metrics::Passages::new();
    let samplers = metrics::samplers(&deps.db, &passages);
    let app = Arc::new(app::App {
        clock: deps.clock.clone(),
        outbox: deps.outbox,
        hub: deps.hub,
        rates: config.rates()?,
        sandbox: deps.sandbox,
        passages,
    });
    let pipeline = Pipeline::new(app.clone(), deps.db, deps.clock);
    let mut workers = Vec::new();
    if app.sandbox.enabled {
        let carrier = pipeline.clone();
        let step = move || -> BoxFuture<'static, anyhow::Result<bool>> {
            let carrier = carrier.clone();
            Box::pin(async move { Ok(carrier.run(Carry).await?) })
        };
        workers.push(Worker::every("logistics.sandbox_carrier", CARRIER_PERIOD, None, step));
    }
    Ok(Service {
        public: api::public(&pipeline),
        internal: api::internal(&pipeline),
        consumers: consumers::consumers(&app),
        workers,
        samplers,
    })
}
