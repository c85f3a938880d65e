//! `OperatorService` over the databases of this process.

use chrono::{DateTime, Utc};
use db::{Db, Tx};
use events::views;
use futures::future::BoxFuture;
use proto::convert::timestamp;
use proto::operator::internal::v1::operator_service_server::OperatorService;
use proto::operator::internal::v1::{
    ConsumerBacklog, GetBacklogRequest, GetBacklogResponse, InboxEvent, ListInboxRequest, ListInboxResponse,
    ListOutboxRequest, ListOutboxResponse, ListParkedEventsRequest, ListParkedEventsResponse,
    ListRequestsRequest, ListRequestsResponse, OutboxEvent, ParkedEvent, RecordedRequest,
    ReplayParkedEventsRequest, ReplayParkedEventsResponse,
};
use rpc::Violations;
use rpc::idempotency::Key;
use rpc::page::Page;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

use super::Overview;

/// The longest principal that can be filtered by, in characters.
const PRINCIPAL_CHARACTERS_MAX: usize = 200;

pub(super) struct Api(pub(super) Overview);

fn failed(error: db::Error) -> Status {
    rpc::status::database(&error)
}

/// Reads the rows of a page.
async fn read<K, T>(
    db: &Db,
    page: &Page<K>,
    rows: impl for<'t> Fn(&'t mut Tx, Option<K>, i64) -> BoxFuture<'t, Result<T, db::Error>>
    + Send
    + Sync
    + 'static,
) -> Result<T, Status>
where
    K: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    T: Send + 'static,
{
    let (after, limit) = (page.after.clone(), page.limit());
    db.read(move |tx| rows(tx, after.clone(), limit)).await.map_err(failed)
}

#[tonic::async_trait]
impl OperatorService for Api {
    async fn get_backlog(
        &self,
        request: Request<GetBacklogRequest>,
    ) -> Result<Response<GetBacklogResponse>, Status> {
        let service = request.into_inner().service;
        let db = Violations::of(|violations| self.0.db(&service, violations))?;
        let unpublished = db.read(|tx| Box::pin(async move { views::unpublished_count(tx).await })).await;
        let mut consumers = Vec::new();
        for subscription in self.0.subscriptions(&service) {
            let waiting = self.0.0.bus.waiting(subscription).await;
            let waiting_count = waiting.map_err(|error| Status::unavailable(error.to_string()))?;
            let hears = subscription.publishers().iter().map(|service| (*service).to_owned()).collect();
            consumers.push(ConsumerBacklog {
                consumer: subscription.consumer().to_owned(),
                waiting_count,
                hears,
            });
        }
        let unpublished_count = unpublished.map_err(failed)?;
        Ok(Response::new(GetBacklogResponse { unpublished_count, consumers }))
    }

    async fn list_outbox(
        &self,
        request: Request<ListOutboxRequest>,
    ) -> Result<Response<ListOutboxResponse>, Status> {
        let caller = rpc::require(&request)?;
        let asked = request.into_inner();
        let waiting = asked.unpublished_only;
        let filter = [asked.service.as_str(), if waiting { "unpublished" } else { "all" }];
        let (page, db): (Page<Uuid>, _) = Violations::of(|violations| {
            let page = Page::of(Some(&caller), &asked, &filter, violations);
            page.zip(self.0.db(&asked.service, violations))
        })?;
        let reading = read(db, &page, move |tx, before, limit| {
            Box::pin(async move {
                let rows = views::outbox(tx, waiting, before, limit).await?;
                Ok((rows, views::unpublished_count(tx).await?))
            })
        });
        let (rows, unpublished_count) = reading.await?;
        let (events, next_page_token) = page.fill(
            rows,
            |row| row.event_id.uuid(),
            |row| OutboxEvent {
                event_id: row.event_id.to_string(),
                kind: row.kind,
                aggregate_id: row.aggregate_id.to_string(),
                aggregate_version: row.aggregate_version,
                occurred_at: Some(timestamp(row.occurred_at)),
                published_at: row.published_at.map(timestamp),
            },
        );
        Ok(Response::new(ListOutboxResponse { events, unpublished_count, next_page_token }))
    }

    async fn list_inbox(
        &self,
        request: Request<ListInboxRequest>,
    ) -> Result<Response<ListInboxResponse>, Status> {
        let caller = rpc::require(&request)?;
        let asked = request.into_inner();
        let (page, db): (Page<(Uuid, String)>, _) = Violations::of(|violations| {
            let page = Page::of(Some(&caller), &asked, &[&asked.service], violations);
            page.zip(self.0.db(&asked.service, violations))
        })?;
        let rows = read(db, &page, |tx, after, limit| Box::pin(views::inbox(tx, after, limit))).await?;
        let (events, next_page_token) = page.fill(
            rows,
            |row| (row.event_id.uuid(), row.consumer.clone()),
            |row| InboxEvent {
                consumer: row.consumer,
                event_id: row.event_id.to_string(),
                kind: row.kind,
                aggregate_id: row.aggregate_id.to_string(),
                aggregate_version: row.aggregate_version,
                outcome: row.outcome,
                handled_at: Some(timestamp(row.handled_at)),
            },
        );
        Ok(Response::new(ListInboxResponse { events, next_page_token }))
    }

    async fn list_parked_events(
        &self,
        request: Request<ListParkedEventsRequest>,
    ) -> Result<Response<ListParkedEventsResponse>, Status> {
        let caller = rpc::require(&request)?;
        let asked = request.into_inner();
        let (page, db): (Page<(Uuid, String)>, _) = Violations::of(|violations| {
            let page = Page::of(Some(&caller), &asked, &[&asked.service], violations);
            page.zip(self.0.db(&asked.service, violations))
        })?;
        let rows = read(db, &page, |tx, after, limit| Box::pin(views::parked(tx, after, limit))).await?;
        let (events, next_page_token) = page.fill(
            rows,
            |row| (row.event_id.uuid(), row.consumer.clone()),
            |row| ParkedEvent {
                consumer: row.consumer,
                event_id: row.event_id.to_string(),
                kind: row.kind,
                aggregate_id: row.aggregate_id.to_string(),
                aggregate_version: row.aggregate_version,
                reason: row.reason,
                parked_at: Some(timestamp(row.parked_at)),
            },
        );
        Ok(Response::new(ListParkedEventsResponse { events, next_page_token }))
    }

    async fn replay_parked_events(
        &self,
        request: Request<ReplayParkedEventsRequest>,
    ) -> Result<Response<ReplayParkedEventsResponse>, Status> {
        let caller = rpc::require(&request)?;
        let deadline = rpc::deadline(&request);
        let asked = request.into_inner();
        let (key, db, subscription, aggregate_id) = Violations::of(|violations| {
            let key = violations.take(Key::of(&caller, &asked));
            let db = self.0.db(&asked.service, violations);
            let subscription = self.0.subscription(&asked.service, &asked.consumer, violations);
            let aggregate_id: Option<Uuid> = asked.aggregate_id.parse().ok();
            if aggregate_id.is_none() {
                violations.add("aggregate_id", "must be a UUID, as ListParkedEvents shows it");
            }
            Some((key?, db?, subscription?, aggregate_id?))
        })?;
        // Each event's effect commits by itself and once; a second call finds what is left. So the replay is run
        // before its answer is kept.
        let replayed = subscription.replay(aggregate_id).await.map_err(failed)?;
        let answer = ReplayParkedEventsResponse {
            replayed_count: replayed.replayed,
            parked_count: replayed.parked,
            reason: replayed.reason,
        };
        let answer = rpc::idempotency::once(db, &self.0.0.clock, key, deadline, move |_| {
            let answer = answer.clone();
            Box::pin(async move { Ok::<_, StoreError>(answer) })
        });
        Ok(Response::new(answer.await?))
    }

    async fn list_requests(
        &self,
        request: Request<ListRequestsRequest>,
    ) -> Result<Response<ListRequestsResponse>, Status> {
        let caller = rpc::require(&request)?;
        let asked = request.into_inner();
        let (principal, page, db) = Violations::of(|violations| {
            let principal = violations.text("principal", &asked.principal, 0, PRINCIPAL_CHARACTERS_MAX);
            let filter = [asked.service.as_str(), principal.as_str()];
            let page: Option<Page<(DateTime<Utc>, Uuid)>> =
                Page::of(Some(&caller), &asked, &filter, violations);
            let db = self.0.db(&asked.service, violations);
            Some((principal, page?, db?))
        })?;
        let reading = read(db, &page, move |tx, after, limit| {
            let principal = principal.clone();
            Box::pin(async move { rpc::idempotency::recorded(tx, &principal, after, limit).await })
        });
        let rows = reading.await?;
        let (requests, next_page_token) = page.fill(
            rows,
            |row| (row.requested_at, row.request_id),
            |row| RecordedRequest {
                principal: row.principal,
                rpc: row.rpc,
                request_id: row.request_id.to_string(),
                requested_at: Some(timestamp(row.requested_at)),
                outcome: outcome(row.code),
            },
        );
        Ok(Response::new(ListRequestsResponse { requests, next_page_token }))
    }
}

fn outcome(code: Option<i64>) -> String {
    match code.map(i32::try_from) {
        None => "RUNNING".to_owned(),
        Some(Ok(0)) => "OK".to_owned(),
        Some(code) => format!("{:?}", code.map_or(Code::Unknown, Code::from)),
    }
}

/// Keeping an answer fails only with the database.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct StoreError(#[from] db::Error);

impl db::Retryable for StoreError {
    fn database(&self) -> Option<&db::Error> {
        Some(&self.0)
    }
}

impl From<StoreError> for Status {
    fn from(error: StoreError) -> Self {
        rpc::status::database(&error.0)
    }
}
