//! The clock of a hub that plays.

use std::time::Duration;

use kernel::EventId;
use proto::operator::internal::v1::AdvanceClockRequest;
use proto::operator::internal::v1::sandbox_service_client::SandboxServiceClient;
use rpc::status::{fields, reason};
use rpc::{Bearer, Role};
use runtime::{Hub, Sandbox};
use testkit::on_both;
use tonic::{Code, Status};

use crate::shop::{SHOP, folder, settings_on, start};

const DAY_SECONDS: i64 = 86_400;

async fn advance(hub: &Hub, request_id: &str, seconds: i64) -> Result<(), Status> {
    let token = hub.issuer().unwrap().sign(Role::Operator, "ops", Duration::from_secs(600)).unwrap();
    let mut client = SandboxServiceClient::with_interceptor(hub.internal_channel(), Bearer::new(&token)?);
    let by = Some(prost_types::Duration { seconds, nanos: 0 });
    client.advance_clock(AdvanceClockRequest { request_id: request_id.to_owned(), by }).await.map(|_| ())
}

fn request_id() -> String {
    EventId::new().uuid().to_string()
}

on_both! {
    async fn a_clock_that_was_moved_stays_so_over_a_restart(database: Database) {
        let folder = folder();
        let hub = start(settings_on(&folder, &database), SHOP).await;
        let (first, second) = (request_id(), request_id());
        for id in [&first, &first, &second] {
            advance(&hub, id, DAY_SECONDS).await.unwrap();
        }
        assert_eq!(hub.clock().ahead(), chrono::Duration::days(2));
        hub.stop().await;
        let hub = start(settings_on(&folder, &database), SHOP).await;
        assert_eq!(hub.clock().ahead(), chrono::Duration::days(2));
        hub.stop().await;
        // A hub with real money goes by the machine's time.
        let mut real = settings_on(&folder, &database);
        real.sandbox = Sandbox { enabled: false, ..Sandbox::default() };
        let hub = start(real, SHOP).await;
        assert_eq!(hub.clock().ahead(), chrono::Duration::zero());
        let refused = advance(&hub, &request_id(), DAY_SECONDS).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_deref()), (Code::FailedPrecondition, Some("NOT_A_SANDBOX")));
        hub.stop().await;
    }

    async fn a_move_out_of_bounds_is_named(database: Database) {
        let folder = folder();
        let hub = start(settings_on(&folder, &database), SHOP).await;
        for seconds in [0, -1, 401 * DAY_SECONDS, i64::MAX, i64::MIN] {
            let refused = advance(&hub, &request_id(), seconds).await.unwrap_err();
            assert_eq!((refused.code(), fields(&refused)), (Code::InvalidArgument, vec!["by".to_owned()]), "{seconds}");
        }
        assert_eq!(hub.clock().ahead(), chrono::Duration::zero());
        hub.stop().await;
    }
}

mod instances_of_a_service_go_by_one_clock {
    use super::*;

    /// Only there has a service several processes.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        let Some(database) = testkit::Database::postgres().await else { return };
        let (one, other) = (folder(), folder());
        let one = start(settings_on(&one, &database), SHOP).await;
        let other = start(settings_on(&other, &database), SHOP).await;
        // Each day counts, whichever of them is asked.
        for hub in [&one, &other, &one] {
            advance(hub, &request_id(), DAY_SECONDS).await.unwrap();
        }
        for hub in [&one, &other] {
            testkit::eventually("the clock is moved", || async {
                (hub.clock().ahead() == chrono::Duration::days(3)).then_some(())
            })
            .await;
        }
        one.stop().await;
        other.stop().await;
        database.remove().await;
    }
}
