//! `CatalogOperatorService`.

use proto::catalog::internal::v1::catalog_operator_service_server::CatalogOperatorService;
use proto::catalog::internal::v1::{
    AuditStockRequest, AuditStockResponse, DecideSellerChangeRequest, DecideSellerChangeResponse,
    ListSellerChangesRequest, ListSellerChangesResponse, SuspendSellerRequest, SuspendSellerResponse,
    VerifySellerRequest, VerifySellerResponse,
};
use rpc::page::Page;
use rpc::{Caller, Violations};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Api, decode, encode};
use crate::app::audit_stock::AuditStock;
use crate::app::decide_seller_change::DecideSellerChange;
use crate::app::list_seller_changes::ListSellerChanges;
use crate::app::suspend_seller::SuspendSeller;
use crate::app::verify_seller::VerifySeller;

#[tonic::async_trait]
impl CatalogOperatorService for Api {
    async fn verify_seller(
        &self,
        request: Request<VerifySellerRequest>,
    ) -> Result<Response<VerifySellerResponse>, Status> {
        let encode = |_: &_, seller| Ok(VerifySellerResponse { seller: Some(encode::seller(&seller, true)) });
        self.0.mutate(request, verify_seller, encode).await
    }

    async fn suspend_seller(
        &self,
        request: Request<SuspendSellerRequest>,
    ) -> Result<Response<SuspendSellerResponse>, Status> {
        let encode =
            |_: &_, seller| Ok(SuspendSellerResponse { seller: Some(encode::seller(&seller, true)) });
        self.0.mutate(request, suspend_seller, encode).await
    }

    async fn list_seller_changes(
        &self,
        request: Request<ListSellerChangesRequest>,
    ) -> Result<Response<ListSellerChangesResponse>, Status> {
        let caller = rpc::require(&request)?;
        let asked = request.into_inner();
        let page: Page<Uuid> = Violations::of(|violations| Page::of(Some(&caller), &asked, &[], violations))?;
        let rows = self.0.query(ListSellerChanges { after: page.after, limit: page.limit() }).await?;
        let (sellers, next_page_token) =
            page.fill(rows, |row| row.id.uuid(), |row| encode::seller(&row, true));
        Ok(Response::new(ListSellerChangesResponse { sellers, next_page_token }))
    }

    async fn decide_seller_change(
        &self,
        request: Request<DecideSellerChangeRequest>,
    ) -> Result<Response<DecideSellerChangeResponse>, Status> {
        let encode =
            |_: &_, seller| Ok(DecideSellerChangeResponse { seller: Some(encode::seller(&seller, true)) });
        self.0.mutate(request, decide_seller_change, encode).await
    }

    async fn audit_stock(
        &self,
        _: Request<AuditStockRequest>,
    ) -> Result<Response<AuditStockResponse>, Status> {
        let audit = self.0.query(AuditStock).await?;
        Ok(Response::new(AuditStockResponse {
            stock_items: audit.stock.stock_items,
            on_hand: audit.stock.on_hand,
            reserved: audit.stock.reserved,
            dispatched: audit.stock.dispatched,
            violations: audit.violations,
        }))
    }
}

fn verify_seller(
    asked: VerifySellerRequest,
    _: &Caller,
    violations: &mut Violations,
) -> Option<VerifySeller> {
    let seller_id = violations.id("seller_id", &asked.seller_id);
    let version = if asked.etag.is_empty() { None } else { decode::etag(&asked.etag, violations) };
    Some(VerifySeller { seller_id: seller_id?, version })
}

fn suspend_seller(
    asked: SuspendSellerRequest,
    _: &Caller,
    violations: &mut Violations,
) -> Option<SuspendSeller> {
    let seller_id = violations.id("seller_id", &asked.seller_id);
    let reason = violations.text("reason", &asked.reason, 1, 200);
    Some(SuspendSeller { seller_id: seller_id?, reason })
}

/// Who refuses says why.
fn decide_seller_change(
    asked: DecideSellerChangeRequest,
    _: &Caller,
    violations: &mut Violations,
) -> Option<DecideSellerChange> {
    let seller_id = violations.id("seller_id", &asked.seller_id);
    let version = decode::etag(&asked.etag, violations);
    let least = usize::from(!asked.accept);
    let reason = violations.text("reason", &asked.reason, least, 200);
    let refusal = (!asked.accept).then_some(reason);
    Some(DecideSellerChange { seller_id: seller_id?, version: version?, refusal })
}
