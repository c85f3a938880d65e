//! Whole hubs, judged from outside: journeys, races, refusals on both engines; and a real process that is killed.

#![expect(clippy::unwrap_used, reason = "what is not as it should be fails its test")]

/// A test on SQLite and on PostgreSQL with all services in one process, and in the production shape: `name::sqlite`,
/// `name::postgres`, `name::kafka`. Where an engine is missing it says so and is skipped, unless
/// `ENTREPOT_TEST_ENGINES=require`: then it fails.
macro_rules! on_every_shape {
    ($(async fn $name:ident($ground:ident: Ground) $body:block)+) => {$(
        mod $name {
            use super::*;

            async fn run($ground: Ground) $body

            async fn on(ground: Option<Ground>) {
                if let Some(ground) = ground {
                    run(ground.clone()).await;
                    ground.remove().await;
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                on(Some(Ground::embedded(testkit::Database::sqlite()))).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                on(testkit::Database::postgres().await.map(Ground::embedded)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn kafka() {
                on(Ground::production().await).await;
            }
        }
    )+};
}

mod baskets;
mod clocks;
mod compose;
mod compose_live;
mod configuration;
mod continuity;
mod dashboards;
mod deployment;
mod fleet;
mod groups;
mod history;
mod journeys;
mod keys;
mod kills;
mod kubernetes;
mod metrics;
mod old_databases;
mod process;
mod promql;
mod races;
mod refusals;
mod roles;
mod shared;
mod town;
mod traces;
