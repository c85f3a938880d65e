//! `CatalogOperatorService`.

use kernel::SellerId;
use proto::catalog::internal::v1::catalog_operator_service_server::CatalogOperatorService;
use proto::catalog::internal::v1::{
    AuditStockRequest, AuditStockResponse, DecideSellerChangeRequest, DecideSellerChangeResponse,
    ListSellerChangesRequest, ListSellerChangesResponse, SuspendSellerRequest, SuspendSellerResponse,
    VerifySellerRequest, VerifySellerResponse,
};
use rpc::page::Page;
use rpc::replay::{Key, once};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::decode::{self, Problems};
use super::encode;
use crate::app::{App, Error, judge_seller};
use crate::domain::seller::State;

pub(super) struct Api(pub(super) App);

#[tonic::async_trait]
impl CatalogOperatorService for Api {
    async fn verify_seller(
        &self,
        request: Request<VerifySellerRequest>,
    ) -> Result<Response<VerifySellerResponse>, Status> {
        let (caller, deadline) = (rpc::require(&request)?, rpc::deadline(&request));
        let asked = request.into_inner();
        let id: SellerId = decode::id("seller_id", &asked.seller_id)?;
        let version =
            Some(asked.etag.as_str()).filter(|etag| !etag.is_empty()).map(decode::etag).transpose()?;
        let key = Key::of(&caller, &asked)?;
        let (now, outbox) = (self.0.clock.now(), self.0.outbox);
        let judged = once(&self.0.db, &self.0.clock, key, deadline, move |tx| {
            Box::pin(async move {
                let seller = judge_seller::judge(tx, outbox, id, version, State::Verified, "", now).await?;
                Ok::<_, Error>(VerifySellerResponse { seller: Some(encode::seller(&seller, true)) })
            })
        });
        Ok(Response::new(judged.await?))
    }

    async fn suspend_seller(
        &self,
        request: Request<SuspendSellerRequest>,
    ) -> Result<Response<SuspendSellerResponse>, Status> {
        let (caller, deadline) = (rpc::require(&request)?, rpc::deadline(&request));
        let asked = request.into_inner();
        let id: SellerId = decode::id("seller_id", &asked.seller_id)?;
        let mut problems = Problems::default();
        let reason = problems.take(decode::text("reason", &asked.reason, 1, 200));
        let reason = problems.end(reason)?;
        let key = Key::of(&caller, &asked)?;
        let (now, outbox) = (self.0.clock.now(), self.0.outbox);
        let judged = once(&self.0.db, &self.0.clock, key, deadline, move |tx| {
            let reason = reason.clone();
            Box::pin(async move {
                let seller =
                    judge_seller::judge(tx, outbox, id, None, State::Suspended, &reason, now).await?;
                Ok::<_, Error>(SuspendSellerResponse { seller: Some(encode::seller(&seller, true)) })
            })
        });
        Ok(Response::new(judged.await?))
    }

    async fn list_seller_changes(
        &self,
        request: Request<ListSellerChangesRequest>,
    ) -> Result<Response<ListSellerChangesResponse>, Status> {
        let caller = rpc::require(&request)?;
        let asked = request.into_inner();
        let page: Page<Uuid> =
            Page::of(Some(&caller), &["ListSellerChanges"], asked.page_size, &asked.page_token)?;
        let rows = self.0.seller_changes(page.after, page.limit()).await?;
        let (sellers, next_page_token) =
            page.fill(rows, |row| row.id.uuid(), |row| encode::seller(&row, true));
        Ok(Response::new(ListSellerChangesResponse { sellers, next_page_token }))
    }

    async fn decide_seller_change(
        &self,
        request: Request<DecideSellerChangeRequest>,
    ) -> Result<Response<DecideSellerChangeResponse>, Status> {
        let (caller, deadline) = (rpc::require(&request)?, rpc::deadline(&request));
        let asked = request.into_inner();
        let id: SellerId = decode::id("seller_id", &asked.seller_id)?;
        let version = decode::etag(&asked.etag)?;
        let mut problems = Problems::default();
        let least = usize::from(!asked.accept);
        let reason = problems.take(decode::text("reason", &asked.reason, least, 200));
        let reason = problems.end(reason)?;
        let refusal = (!asked.accept).then_some(reason);
        let key = Key::of(&caller, &asked)?;
        let decided = once(&self.0.db, &self.0.clock, key, deadline, move |tx| {
            let refusal = refusal.clone();
            Box::pin(async move {
                let seller = judge_seller::decide(tx, id, version, refusal).await?;
                Ok::<_, Error>(DecideSellerChangeResponse { seller: Some(encode::seller(&seller, true)) })
            })
        });
        Ok(Response::new(decided.await?))
    }

    async fn audit_stock(
        &self,
        _: Request<AuditStockRequest>,
    ) -> Result<Response<AuditStockResponse>, Status> {
        let audit = self.0.audit_stock().await?;
        Ok(Response::new(AuditStockResponse {
            stock_items: audit.stock_items,
            on_hand: audit.on_hand,
            reserved: audit.reserved,
            dispatched: audit.dispatched,
            violations: audit.violations,
        }))
    }
}
