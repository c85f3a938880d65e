//! Payment: wallets, holds, QR payments, escrow, refunds, exchange, statements, and the ledger beneath them.
//!
//! Modules: [`domain`] has the rules, [`store`] the SQL, [`app`] the use cases, [`consumers`] the handlers of order's
//! events,
//! [`api`] the gRPC services. Money moves in `app` and `domain::settlement` only.

mod api;
mod app;
mod consumers;
mod domain;
mod events;
mod metrics;
pub mod preload;
mod quoted;
mod store;

use std::sync::Arc;
use std::time::Duration;

use rpc::{Pipeline, Policy, PolicyTable, Role};
use runtime::{Deps, Service, Spec, Worker};

use crate::app::migrate_terms::MigrateTerms;
use crate::app::take_snapshots;

/// The service.
pub const SPEC: Spec = Spec {
    name: "payment",
    settings: &[],
    migrations: db::MigrationSet {
        name: "payment",
        files: &[
            ("0001_payment.sql", include_str!("../migrations/0001_payment.sql")),
            ("0002_commission.sql", include_str!("../migrations/0002_commission.sql")),
            ("0003_money.sql", include_str!("../migrations/0003_money.sql")),
            ("0004_terms.sql", include_str!("../migrations/0004_terms.sql")),
            ("0005_snapshots.sql", include_str!("../migrations/0005_snapshots.sql")),
        ],
    },
    policies: POLICIES,
    packages: &["entrepot.payment.v1", "entrepot.payment.internal.v1"],
    calls: &[],
    build,
};

const BUYERS: Policy = Policy::Roles(&[Role::Buyer]);
const BY_ORDER: Policy = Policy::Services(&["order"]);
const OPERATORS: Policy = Policy::Roles(&[Role::Operator]);

/// Who may call what.
const POLICIES: PolicyTable = &[
    ("/entrepot.payment.v1.WalletService/OpenWallet", BUYERS),
    ("/entrepot.payment.v1.WalletService/TopUpWallet", BUYERS),
    ("/entrepot.payment.v1.WalletService/ListWallets", BUYERS),
    ("/entrepot.payment.v1.WalletService/ListWalletEntries", BUYERS),
    ("/entrepot.payment.v1.PaymentService/GetPayment", Policy::Roles(&[Role::Buyer, Role::Operator])),
    ("/entrepot.payment.v1.ExchangeService/GetExchangeRate", Policy::Public),
    ("/entrepot.payment.v1.StatementService/GetStatement", Policy::Roles(&[Role::Seller, Role::Operator])),
    ("/entrepot.payment.internal.v1.RateService/LockRates", BY_ORDER),
    ("/entrepot.payment.internal.v1.HoldService/Authorise", BY_ORDER),
    ("/entrepot.payment.internal.v1.HoldService/Void", BY_ORDER),
    ("/entrepot.payment.internal.v1.HoldService/CancelPayment", BY_ORDER),
    (
        "/entrepot.payment.internal.v1.HoldService/InquireHold",
        Policy::ServicesOrRoles(&["order"], &[Role::Operator]),
    ),
    ("/entrepot.payment.internal.v1.ProviderService/ReportReceipt", OPERATORS),
    ("/entrepot.payment.internal.v1.ProviderService/PayQr", OPERATORS),
    ("/entrepot.payment.internal.v1.LedgerService/TrialBalance", OPERATORS),
    ("/entrepot.payment.internal.v1.LedgerService/ListTransfers", OPERATORS),
    ("/entrepot.payment.internal.v1.LedgerService/ListSuspense", OPERATORS),
    ("/entrepot.payment.internal.v1.LedgerService/ResolveSuspense", OPERATORS),
];

/// How often escrows are looked for that the release before wrote.
const CARRY_OVER_PERIOD: Duration = Duration::from_secs(60);

fn build(_: &toml::Table, deps: Deps) -> anyhow::Result<Service> {
    let app = Arc::new(app::App {
        clock: deps.clock.clone(),
        outbox: deps.outbox,
        hub: deps.hub,
        rates: deps.rates,
        sandbox: deps.sandbox.enabled,
    });
    let pipeline = Pipeline::new(app.clone(), deps.db, deps.clock);
    Ok(Service {
        public: api::public(&pipeline),
        internal: api::internal(&pipeline),
        consumers: consumers::consumers(&app),
        samplers: metrics::samplers(&pipeline),
        workers: vec![
            Worker::repeating("payment.carry_over_terms", CARRY_OVER_PERIOD, &pipeline, MigrateTerms),
            take_snapshots::worker(&pipeline),
        ],
    })
}
