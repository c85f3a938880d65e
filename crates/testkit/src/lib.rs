//! What tests of several crates need, and nothing else does: databases of both engines, a service on its own,
//! waiting without sleeping.
//!
//! Write a test as `testkit::on_both! { async fn name(database: Database) { … } }`; it becomes `name::sqlite` and
//! `name::postgres`.

mod database;
mod engines;
mod eventually;
mod gate;
mod raw;
pub mod scrape;
pub mod service;
pub mod texts;

pub use database::Database;
pub use engines::kafka;
pub use eventually::eventually;
pub use gate::open_doors;
pub use raw::RawCodec;
pub use service::UnderTest;

/// A test on both engines. Without a PostgreSQL (`ENTREPOT_TEST_POSTGRES`) the second half says so and is skipped,
/// unless `ENTREPOT_TEST_ENGINES=require`: then it fails.
#[macro_export]
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($database:ident: Database) $body:block)+) => {$(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports, clippy::allow_attributes, clippy::allow_attributes_without_reason)]
            use super::*;

            async fn run($database: $crate::Database) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let database = $crate::Database::sqlite();
                run(database.clone()).await;
                database.remove().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(database) = $crate::Database::postgres().await {
                    run(database.clone()).await;
                    database.remove().await;
                }
            }
        }
    )+};
}
