//! `SandboxService`: the clock of a hub that plays.

use chrono::Duration;
use db::{Db, Tx};
use kernel::Clock;
use proto::convert::timestamp;
use proto::operator::internal::v1::sandbox_service_server::SandboxService;
use proto::operator::internal::v1::{
    AdvanceClockRequest, AdvanceClockResponse, GetClockRequest, GetClockResponse,
};
use rpc::Violations;
use tonic::{Code, Request, Response, Status};

use super::Overview;
use super::operator_service::StoreError;
use crate::Worker;

/// The farthest that one call moves the clock.
const MOVE_MAX: Duration = Duration::days(400);
/// Wakes the instances of a service when one of them was moved, and how often they look without.
const CHANNEL: &str = "hub_clock";
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_secs(5);

pub(super) struct Api(pub(super) Overview);

/// How far the clock was moved, as this database knows it.
pub(super) async fn kept_ahead(db: &Db) -> Result<Duration, db::Error> {
    let row: Option<(i64,)> = db
        .read(|tx| {
            Box::pin(
                async move { db::fetch_optional!(tx, (i64,), "select ahead_us from hub_clock where id = 1") },
            )
        })
        .await?;
    Ok(row.map_or_else(Duration::zero, |(ahead_us,)| Duration::microseconds(ahead_us)))
}

/// Moves it on from where it was kept, or from where this process has it, and says how far it is ahead now. What is
/// kept counts: another instance may have moved it.
async fn keep_ahead(tx: &mut Tx, own: Duration, by: Duration) -> Result<Duration, db::Error> {
    let us = |duration: Duration| duration.num_microseconds().unwrap_or(i64::MAX);
    let row: Option<(i64,)> = db::fetch_optional!(
        tx,
        (i64,),
        "insert into hub_clock (id, ahead_us) values (1, $1 + $2) \
         on conflict (id) do update set ahead_us = \
         case when hub_clock.ahead_us > $1 then hub_clock.ahead_us else $1 end + $2 returning ahead_us",
        us(own),
        us(by),
    )?;
    tx.notify(CHANNEL);
    Ok(row.map_or(own + by, |(ahead_us,)| Duration::microseconds(ahead_us)))
}

/// Follows what other instances of the service make of the clock.
pub(super) fn follower(db: Db, clock: Clock) -> Worker {
    let moved = db.listen(CHANNEL);
    Worker::every("clock", LOOK_EVERY, Some(moved), (db, clock), |(db, clock)| async move {
        clock.set_ahead(kept_ahead(&db).await?)?;
        Ok(false)
    })
}

#[tonic::async_trait]
impl SandboxService for Api {
    async fn advance_clock(
        &self,
        request: Request<AdvanceClockRequest>,
    ) -> Result<Response<AdvanceClockResponse>, Status> {
        let caller = rpc::require(&request)?;
        let deadline = rpc::deadline(&request);
        let asked = request.into_inner();
        let overview = &self.0.0;
        if !overview.sandbox.enabled {
            let message = "only a sandbox hub's clock can be moved";
            return Err(rpc::status::reject(Code::FailedPrecondition, "NOT_A_SANDBOX", message, &[]));
        }
        let by = asked.by.as_ref().and_then(|by| {
            Duration::try_seconds(by.seconds)?.checked_add(&Duration::nanoseconds(by.nanos.into()))
        });
        let by = by.filter(|by| *by > Duration::zero() && *by <= MOVE_MAX);
        let (key, by) = Violations::of(|violations| {
            let key = violations.take(rpc::idempotency::Key::of(&caller, &asked));
            if by.is_none() {
                violations.add("by", "must be more than 0 and at most 400 days");
            }
            key.zip(by)
        })?;
        let db = overview
            .databases
            .values()
            .next()
            .ok_or_else(|| rpc::status::internal("no service runs here"))?;
        let clock = overview.clock.clone();
        let answer = rpc::idempotency::once(db, &overview.clock, key, deadline, move |tx| {
            let clock = clock.clone();
            Box::pin(async move {
                let own = clock.ahead();
                let ahead = keep_ahead(tx, own, by).await?;
                let now = clock.now() + (ahead - own);
                tx.after_commit(move || {
                    if let Err(error) = clock.set_ahead(ahead) {
                        tracing::warn!(%error, "the clock could not be moved");
                    }
                });
                Ok::<_, StoreError>(AdvanceClockResponse { now: Some(timestamp(now)) })
            })
        });
        Ok(Response::new(answer.await?))
    }

    async fn get_clock(&self, _: Request<GetClockRequest>) -> Result<Response<GetClockResponse>, Status> {
        let clock = &self.0.0.clock;
        let ahead = clock.ahead();
        let nanos = ahead.subsec_nanos();
        let ahead = prost_types::Duration { seconds: ahead.num_seconds(), nanos };
        Ok(Response::new(GetClockResponse { now: Some(timestamp(clock.now())), ahead: Some(ahead) }))
    }
}
