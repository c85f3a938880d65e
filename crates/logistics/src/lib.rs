//! Logistics: carriage and landed costs, shipments with their S10 numbers and labels, declarations, tracking, and the
//! sandbox carrier.
//!
//! Rooms: [`domain`] knows the rules, [`store`] the SQL, [`app`] the use cases, [`consumers`] what order tells,
//! [`api`] the gRPC services.

mod adoption;
mod api;
mod app;
mod config;
mod consumers;
mod domain;
mod facts;
mod metrics;
mod store;

use std::sync::Arc;
use std::time::Duration;

pub use adoption::{PASSED_OVER, on_adoption};
use rpc::{Policy, PolicyTable, Role};
use runtime::{Deps, Service, Spec, Worker};

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
    let app = Arc::new(app::App {
        db: deps.db,
        clock: deps.clock,
        outbox: deps.outbox,
        hub: deps.hub,
        rates: Arc::new(config.rates()?),
        sandbox: deps.sandbox,
        passages: metrics::Passages::new(),
    });
    let mut workers = Vec::new();
    if app.sandbox.enabled {
        let carrier = app.clone();
        let step = move || -> futures::future::BoxFuture<'static, anyhow::Result<bool>> {
            Box::pin(carrier.clone().carry())
        };
        workers.push(Worker::every("logistics.sandbox_carrier", CARRIER_PERIOD, None, step));
    }
    Ok(Service {
        public: api::public(&app),
        internal: api::internal(&app),
        consumers: consumers::consumers(&app),
        workers,
        samplers: metrics::samplers(&app),
    })
}
