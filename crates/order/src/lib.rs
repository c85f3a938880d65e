//! The order service: quotes with one landed price, orders and the durable saga behind them, parcels as the buyer sees
//! them, receipts and returns.
//!
//! Modules, each of which depends only on those before it: `domain` (rules, pure), `store` (SQL), `events`, `app` (use
//! cases), `peers` (the services that are asked), `consumers` (what others tell), `api` (gRPC).
//! To add a use case: its rule in `domain`, its file in `app`, its RPC in the proto, `api` and [`POLICIES`].

mod api;
mod app;
mod config;
mod consumers;
mod domain;
mod events;
mod metrics;
mod peers;
pub mod preload;
mod store;
mod trade_policy;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use db::{Batches, MigrationSet};
use kernel::Clock;
use rpc::{Pipeline, Policy, PolicyTable, Quota, Role};
use runtime::{Deps, Service, Spec, Worker};

use app::App;
use config::Config;
use peers::{CatalogPeer, LogisticsPeer, PaymentPeer};
use trade_policy::TradePolicy;

/// The service.
pub const SPEC: Spec = Spec {
    name: "order",
    settings: config::SETTINGS,
    migrations: MIGRATIONS,
    policies: POLICIES,
    packages: &["entrepot.order.v1", "entrepot.order.internal.v1"],
    calls: &["catalog", "logistics", "payment"],
    build,
};

/// Its tables.
pub const MIGRATIONS: MigrationSet = MigrationSet {
    name: "order",
    files: &[
        ("0001_orders.sql", include_str!("../migrations/0001_orders.sql")),
        ("0003_limits.sql", include_str!("../migrations/0003_limits.sql")),
        ("0004_money.sql", include_str!("../migrations/0004_money.sql")),
    ],
};

/// Those who see orders.
const VIEWERS: Policy = Policy::Roles(&[Role::Buyer, Role::Seller, Role::Operator]);
const BUYERS: Policy = Policy::Roles(&[Role::Buyer]);
const SELLERS: Policy = Policy::Roles(&[Role::Seller]);
const OPERATORS: Policy = Policy::Roles(&[Role::Operator]);

/// Who may call what. Beyond that, an object of another is not found.
pub const POLICIES: PolicyTable = &[
    ("/entrepot.order.v1.QuoteService/CreateQuote", Policy::Public),
    ("/entrepot.order.v1.QuoteService/GetQuote", Policy::Public),
    ("/entrepot.order.v1.OrderService/PlaceOrder", BUYERS),
    ("/entrepot.order.v1.OrderService/GetOrder", VIEWERS),
    ("/entrepot.order.v1.OrderService/ListOrders", VIEWERS),
    ("/entrepot.order.v1.OrderService/CancelOrder", BUYERS),
    ("/entrepot.order.v1.OrderService/WatchOrder", VIEWERS),
    ("/entrepot.order.v1.OrderService/ConfirmReceipt", BUYERS),
    ("/entrepot.order.v1.ReturnService/RequestReturn", BUYERS),
    ("/entrepot.order.v1.ReturnService/ApproveReturn", SELLERS),
    ("/entrepot.order.v1.ReturnService/RejectReturn", SELLERS),
    ("/entrepot.order.v1.ReturnService/ReceiveReturn", SELLERS),
    ("/entrepot.order.v1.ReturnService/GetReturn", VIEWERS),
    ("/entrepot.order.v1.ReturnService/ListReturns", VIEWERS),
    ("/entrepot.order.v1.HubService/GetHub", Policy::Public),
    ("/entrepot.order.internal.v1.SagaService/ListSagas", OPERATORS),
    ("/entrepot.order.internal.v1.SagaService/GetSaga", OPERATORS),
    ("/entrepot.order.internal.v1.SagaService/AuditOrders", OPERATORS),
];

/// How often sagas that nobody is at are looked for: after trouble one rests for a quarter of a second at least.
const RECOVERY_PERIOD: Duration = Duration::from_millis(500);
/// How often timers of the hub's time are looked at.
const TIMER_PERIOD: Duration = Duration::from_secs(1);
/// How often quotes that nobody ordered are looked for.
const FORGET_PERIOD: Duration = Duration::from_secs(10);

fn build(section: &toml::Table, deps: Deps) -> anyhow::Result<Service> {
    let config: Config = runtime::parse_section(section)?;
    let trade_policy = TradePolicy::of(&deps.hub, deps.sandbox.enabled);
    let peer = |service| deps.peers.of(service).with_context(|| format!("no address of {service} is known"));
    let app = Arc::new(App {
        catalog: Arc::new(CatalogPeer::new(peer("catalog")?)),
        logistics: Arc::new(LogisticsPeer::new(peer("logistics")?, trade_policy.currency)),
        payment: Arc::new(PaymentPeer::new(peer("payment")?)),
        replies: Arc::new(api::SagaReplies),
        recording: Batches::new(&deps.db),
        db: deps.db.clone(),
        clock: deps.clock.clone(),
        machine: Clock::steady(),
        outbox: deps.outbox,
        trade_policy,
        quotes: Quota::per_hour(
            config.guest_quotes_per_hour,
            config.buyer_quotes_per_hour,
            "TOO_MANY_QUOTES",
            "you have requested too many quotes: wait; signed-in callers may request more",
        ),
        forgotten: Mutex::default(),
        config,
    });
    let pipeline = Pipeline::new(app.clone(), deps.db, deps.clock);
    Ok(Service {
        public: api::public(&pipeline),
        internal: api::internal(&pipeline),
        consumers: consumers::consumers(&app),
        workers: workers(&app),
        samplers: metrics::samplers(&pipeline),
    })
}

fn workers(app: &Arc<App>) -> Vec<Worker> {
    let woken = app.db.listen(store::SAGAS);
    let app = || app.clone();
    vec![
        Worker::every("order.recovery", RECOVERY_PERIOD, Some(woken), app(), App::recover),
        Worker::every("order.payment_expiry", TIMER_PERIOD, None, app(), App::expire_payments),
        Worker::every("order.escrow_timer", TIMER_PERIOD, None, app(), App::release_escrow),
        Worker::every("order.forget_quotes", FORGET_PERIOD, None, app(), App::forget_quotes),
    ]
}
