//! The durable steps behind orders, for operators.

use kernel::SagaId;
use proto::order::internal::v1::saga_service_server::SagaService;
use proto::order::internal::v1::{
    AuditOrdersRequest, AuditOrdersResponse, GetSagaRequest, GetSagaResponse, ListSagasRequest,
    ListSagasResponse,
};
use rpc::{Page, Violations};
use tonic::{Request, Response, Status};

use super::order_service::named;
use super::{Api, encode};
use crate::app::Error;
use crate::app::audit_orders::AuditOrders;
use crate::app::get_order::GetOrder;
use crate::app::list_sagas::{GetSaga, ListSagas};
use crate::domain::viewer::Viewer;

#[tonic::async_trait]
impl SagaService for Api {
    async fn list_sagas(
        &self,
        request: Request<ListSagasRequest>,
    ) -> Result<Response<ListSagasResponse>, Status> {
        let caller = rpc::require(&request)?;
        let message = request.into_inner();
        let filter = [if message.stuck_only { "stuck" } else { "all" }];
        let page: Page<SagaId> =
            Violations::of(|violations| Page::of(Some(&caller), &message, &filter, violations))?;
        let list = ListSagas { stuck_only: message.stuck_only, before: page.after, limit: page.limit() };
        let (listed, unsettled_count) = self.pipeline.query(list).await?;
        let now = self.pipeline.app().clock.now();
        let (sagas, next_page_token) =
            page.fill(listed, |kept| kept.saga.id, |kept| encode::saga(&kept, now));
        Ok(Response::new(ListSagasResponse { sagas, unsettled_count, next_page_token }))
    }

    async fn get_saga(&self, request: Request<GetSagaRequest>) -> Result<Response<GetSagaResponse>, Status> {
        let named = Violations::of(|violations| named(&request.get_ref().order_id, violations))?;
        let order = self.pipeline.query(GetOrder { named, viewer: Viewer::Operator }).await?;
        let kept = self.pipeline.query(GetSaga { order_id: order.id }).await?;
        let order = encode::order(&order, &Viewer::Operator).map_err(Error::from)?;
        let saga = encode::saga(&kept, self.pipeline.app().clock.now());
        Ok(Response::new(GetSagaResponse { saga: Some(saga), order: Some(order) }))
    }

    async fn audit_orders(
        &self,
        _: Request<AuditOrdersRequest>,
    ) -> Result<Response<AuditOrdersResponse>, Status> {
        let audit = self.pipeline.query(AuditOrders).await?;
        let by_state = audit.by_state.iter().map(|(state, count)| (state.to_uppercase(), *count)).collect();
        Ok(Response::new(AuditOrdersResponse {
            orders: audit.by_state.values().sum(),
            by_state,
            unsettled: audit.unsettled,
            violations: audit.violations,
        }))
    }
}
