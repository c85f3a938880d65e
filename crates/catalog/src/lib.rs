//! Catalog: sellers, goods, search, stock, and the reservations of stock for orders.
//!
//! Modules: [`domain`] has the rules, [`store`] the SQL, [`app`] the use cases, [`consumers`] the handlers of order's
//! events,
//! [`api`] the gRPC services. Stock is changed in `store::stock` only, by guarded statements.

mod api;
mod app;
#[cfg(test)]
mod batch_tests;
mod config;
mod consumers;
mod domain;
mod events;
mod metrics;
pub mod preload;
mod store;

use std::sync::Arc;

use rpc::{Pipeline, Policy, PolicyTable, Role};
use runtime::{Deps, Service, Spec};

/// The service.
pub const SPEC: Spec = Spec {
    name: "catalog",
    settings: config::SETTINGS,
    migrations: db::MigrationSet {
        name: "catalog",
        files: &[
            ("0001_catalog.sql", include_str!("../migrations/0001_catalog.sql")),
            ("0002_quote.sql", include_str!("../migrations/0002_quote.sql")),
            ("0003_import.sql", include_str!("../migrations/0003_import.sql")),
            ("0004_limits.sql", include_str!("../migrations/0004_limits.sql")),
            ("0005_counts.sql", include_str!("../migrations/0005_counts.sql")),
            ("0007_usage.sql", include_str!("../migrations/0007_usage.sql")),
        ],
    },
    policies: POLICIES,
    packages: &["entrepot.catalog.v1", "entrepot.catalog.internal.v1"],
    calls: &[],
    build,
};

const SELLERS: Policy = Policy::Roles(&[Role::Seller]);
const BY_ORDER: Policy = Policy::Services(&["order"]);
const OPERATORS: Policy = Policy::Roles(&[Role::Operator]);

/// Who may call what.
const POLICIES: PolicyTable = &[
    ("/entrepot.catalog.v1.SellerService/ApplySeller", SELLERS),
    ("/entrepot.catalog.v1.SellerService/GetSeller", Policy::Public),
    ("/entrepot.catalog.v1.SellerService/UpdateSeller", SELLERS),
    ("/entrepot.catalog.v1.SellerService/ListSellers", Policy::Public),
    ("/entrepot.catalog.v1.ProductService/CreateProduct", SELLERS),
    ("/entrepot.catalog.v1.ProductService/UpdateProduct", SELLERS),
    ("/entrepot.catalog.v1.ProductService/WithdrawProduct", SELLERS),
    ("/entrepot.catalog.v1.ProductService/GetProduct", Policy::Public),
    ("/entrepot.catalog.v1.ProductService/ListProducts", Policy::Public),
    ("/entrepot.catalog.v1.ProductService/ImportProducts", SELLERS),
    ("/entrepot.catalog.v1.StockService/CreateLocation", SELLERS),
    ("/entrepot.catalog.v1.StockService/ListLocations", SELLERS),
    ("/entrepot.catalog.v1.StockService/AdjustStock", SELLERS),
    ("/entrepot.catalog.v1.StockService/ListStock", SELLERS),
    ("/entrepot.catalog.internal.v1.OfferService/GetOffers", BY_ORDER),
    ("/entrepot.catalog.internal.v1.ReservationService/Reserve", BY_ORDER),
    ("/entrepot.catalog.internal.v1.ReservationService/Release", BY_ORDER),
    (
        "/entrepot.catalog.internal.v1.ReservationService/InquireReservation",
        Policy::ServicesOrRoles(&["order"], &[Role::Operator]),
    ),
    ("/entrepot.catalog.internal.v1.CatalogOperatorService/VerifySeller", OPERATORS),
    ("/entrepot.catalog.internal.v1.CatalogOperatorService/SuspendSeller", OPERATORS),
    ("/entrepot.catalog.internal.v1.CatalogOperatorService/ListSellerChanges", OPERATORS),
    ("/entrepot.catalog.internal.v1.CatalogOperatorService/DecideSellerChange", OPERATORS),
    ("/entrepot.catalog.internal.v1.CatalogOperatorService/AuditStock", OPERATORS),
];

fn build(section: &toml::Table, deps: Deps) -> anyhow::Result<Service> {
    let config: config::Config = runtime::parse_section(section)?;
    let app = Arc::new(app::App {
        clock: deps.clock.clone(),
        outbox: deps.outbox,
        hub: deps.hub,
        rates: deps.rates,
        allowance: config.allowance,
    });
    let pipeline = Pipeline::new(app.clone(), deps.db, deps.clock);
    Ok(Service {
        public: api::public(&pipeline),
        internal: api::internal(&pipeline),
        consumers: consumers::consumers(&app),
        workers: Vec::new(),
        samplers: metrics::samplers(&pipeline),
    })
}
