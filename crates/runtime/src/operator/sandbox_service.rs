//! `SandboxService`: the clock of a hub that plays.

use chrono::Duration;
use db::{Db, Tx};
use proto::convert::timestamp;
use proto::operator::internal::v1::sandbox_service_server::SandboxService;
use proto::operator::internal::v1::{
    AdvanceClockRequest, AdvanceClockResponse, GetClockRequest, GetClockResponse,
};
use tonic::{Code, Request, Response, Status};

use super::Overview;
use super::operator_service::Kept;

/// The farthest that one call moves the clock.
const MOVE_MAX: Duration = Duration::days(400);

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

async fn keep_ahead(tx: &mut Tx, ahead: Duration) -> Result<(), db::Error> {
    db::execute!(
        tx,
        "insert into hub_clock (id, ahead_us) values (1, $1) \
         on conflict (id) do update set ahead_us = excluded.ahead_us where hub_clock.ahead_us < excluded.ahead_us",
        ahead.num_microseconds().unwrap_or(i64::MAX),
    )?;
    Ok(())
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
        let by = by
            .filter(|by| *by > Duration::zero() && *by <= MOVE_MAX)
            .ok_or_else(|| rpc::status::invalid(&[("by", "must be more than 0 and at most 400 days")]))?;
        let key = rpc::replay::Key::of(Some(&caller), "AdvanceClock", &asked.request_id, &asked)?;
        let db = overview
            .databases
            .values()
            .next()
            .ok_or_else(|| rpc::status::internal("no service runs here"))?;
        let clock = overview.clock.clone();
        let answer = rpc::replay::once(db, &overview.clock, key, deadline, move |tx| {
            let clock = clock.clone();
            Box::pin(async move {
                let (ahead, now) = (clock.ahead() + by, clock.now() + by);
                keep_ahead(tx, ahead).await?;
                tx.after_commit(move || {
                    if let Err(error) = clock.set_ahead(ahead) {
                        tracing::warn!(%error, "the clock could not be moved");
                    }
                });
                Ok::<_, Kept>(AdvanceClockResponse { now: Some(timestamp(now)) })
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
