//! `OperatorService` over the databases of this process.

use chrono::{DateTime, Utc};
use events::views;
use proto::convert::timestamp;
use proto::operator::internal::v1::operator_service_server::OperatorService;
use proto::operator::internal::v1::{
    ConsumerBacklog, GetBacklogRequest, GetBacklogResponse, InboxEvent, ListInboxRequest, ListInboxResponse,
    ListOutboxRequest, ListOutboxResponse, ListParkedEventsRequest, ListParkedEventsResponse,
    ListRequestsRequest, ListRequestsResponse, OutboxEvent, ParkedEvent, RecordedRequest,
    ReplayParkedEventsRequest, ReplayParkedEventsResponse,
};
use rpc::page::Page;
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

use super::Overview;

pub(super) struct Api(pub(super) Overview);

fn failed(error: db::Error) -> Status {
    rpc::status::database(&error)
}

#[tonic::async_trait]
impl OperatorService for Api {
    async fn get_backlog(
        &self,
        request: Request<GetBacklogRequest>,
    ) -> Result<Response<GetBacklogResponse>, Status> {
        let service = request.into_inner().service;
        let db = self.0.db(&service)?;
        let unpublished = db.read(|tx| Box::pin(async move { views::unpublished_count(tx).await })).await;
        let mut consumers = Vec::new();
        for subscription in self.0.subscriptions(&service) {
            let waiting = self.0.0.bus.waiting(subscription).await;
            let waiting_count = waiting.map_err(|error| Status::unavailable(error.to_string()))?;
            let hears = subscription.hears().iter().map(|service| (*service).to_owned()).collect();
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
        let filter = ["ListOutbox", &asked.service, if waiting { "unpublished" } else { "all" }];
        let page: Page<Uuid> = Page::of(Some(&caller), &filter, asked.page_size, &asked.page_token)?;
        let (after, limit) = (page.after, page.limit());
        let (rows, unpublished_count) = self
            .0
            .db(&asked.service)?
            .read(move |tx| {
                Box::pin(async move {
                    let rows = views::outbox(tx, waiting, after, limit).await?;
                    Ok((rows, views::unpublished_count(tx).await?))
                })
            })
            .await
            .map_err(failed)?;
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
        let filter = ["ListInbox", &asked.service];
        let page: Page<(Uuid, String)> =
            Page::of(Some(&caller), &filter, asked.page_size, &asked.page_token)?;
        let (after, limit) = (page.after.clone(), page.limit());
        let rows = self
            .0
            .db(&asked.service)?
            .read(move |tx| {
                let after = after.clone();
                Box::pin(async move { views::inbox(tx, after, limit).await })
            })
            .await
            .map_err(failed)?;
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
        let filter = ["ListParkedEvents", &asked.service];
        let page: Page<(Uuid, String)> =
            Page::of(Some(&caller), &filter, asked.page_size, &asked.page_token)?;
        let (after, limit) = (page.after.clone(), page.limit());
        let rows = self
            .0
            .db(&asked.service)?
            .read(move |tx| {
                let after = after.clone();
                Box::pin(async move { views::parked(tx, after, limit).await })
            })
            .await
            .map_err(failed)?;
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
        let key = rpc::replay::Key::of(&caller, &asked)?;
        let db = self.0.db(&asked.service)?;
        let subscription = self.0.subscription(&asked.service, &asked.consumer)?;
        let aggregate_id = Uuid::parse_str(&asked.aggregate_id).map_err(|_| {
            rpc::status::invalid(&[("aggregate_id", "must be a UUID, as ListParkedEvents shows it")])
        })?;
        // Each event's effect commits by itself and once; a second call finds what is left. So the replay is run
        // before its answer is kept.
        let replayed = subscription.replay(aggregate_id).await.map_err(failed)?;
        let answer = ReplayParkedEventsResponse {
            replayed_count: replayed.replayed,
            parked_count: replayed.parked,
            reason: replayed.reason,
        };
        let answer = rpc::replay::once(db, &self.0.0.clock, key, deadline, move |_| {
            let answer = answer.clone();
            Box::pin(async move { Ok::<_, Kept>(answer) })
        });
        Ok(Response::new(answer.await?))
    }

    async fn list_requests(
        &self,
        request: Request<ListRequestsRequest>,
    ) -> Result<Response<ListRequestsResponse>, Status> {
        let caller = rpc::require(&request)?;
        let asked = request.into_inner();
        let filter = ["ListRequests", &asked.service, &asked.principal];
        let page: Page<(DateTime<Utc>, Uuid)> =
            Page::of(Some(&caller), &filter, asked.page_size, &asked.page_token)?;
        let (principal, after, limit) = (asked.principal, page.after, page.limit());
        let rows = self
            .0
            .db(&asked.service)?
            .read(move |tx| {
                let principal = principal.clone();
                Box::pin(async move { rpc::replay::recorded(tx, &principal, after, limit).await })
            })
            .await
            .map_err(failed)?;
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
pub(super) struct Kept(#[from] db::Error);

impl db::Retryable for Kept {
    fn is_retryable(&self) -> bool {
        self.0.is_retryable()
    }
}

impl From<Kept> for Status {
    fn from(error: Kept) -> Self {
        rpc::status::database(&error.0)
    }
}
