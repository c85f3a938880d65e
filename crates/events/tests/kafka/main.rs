//! The bus over a real Kafka, which `ENTREPOT_TEST_KAFKA` names (`cargo xtask engines up` starts one).

#![expect(clippy::unwrap_used, reason = "what is not as it should be fails its test")]

mod cloudevents;
mod fixture;
mod headers;
mod order;
mod resume;
mod sharing;
mod topics;
mod trouble;

/// A test that is given the brokers; it becomes `name::kafka`. Without Kafka it says so and is skipped, unless
/// `ENTREPOT_TEST_ENGINES=require`: then it fails.
macro_rules! on_kafka {
    ($($(#[$meta:meta])* async fn $name:ident($brokers:ident: String) $body:block)+) => {$(
        $(#[$meta])*
        mod $name {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn kafka() {
                if let Some($brokers) = testkit::kafka() $body
            }
        }
    )+};
}
use on_kafka;
