//! Goods that go back.

use kernel::ReturnId;
use proto::order::v1::return_service_server::ReturnService;
use proto::order::v1::{
    ApproveReturnRequest, ApproveReturnResponse, GetReturnRequest, GetReturnResponse, ListReturnsRequest,
    ListReturnsResponse, ReceiveReturnRequest, ReceiveReturnResponse, RejectReturnRequest,
    RejectReturnResponse, RequestReturnRequest, RequestReturnResponse,
};
use rpc::Page;
use rpc::replay::Key;
use tonic::{Request, Response, Status};

use super::decode::{self, Violations, complete};
use super::{Api, viewer};
use crate::app::Error;
use crate::domain::returns::Wanted;
use crate::wire;

/// The longest reason and answer, in characters.
const REASON_CHARACTERS_MAX: usize = 500;

#[tonic::async_trait]
impl ReturnService for Api {
    async fn request_return(
        &self,
        request: Request<RequestReturnRequest>,
    ) -> Result<Response<RequestReturnResponse>, Status> {
        let (caller, deadline) = (rpc::require(&request)?, rpc::deadline(&request));
        let message = request.into_inner();
        let key = Key::of(&caller, &message)?;
        let mut violations = Violations::default();
        let order_id = violations.id("order_id", &message.order_id);
        let consignment_id = violations.id("consignment_id", &message.consignment_id);
        let lines = decode::return_lines(&message.lines, &mut violations);
        let reason = violations.lines("reason", &message.reason, 1, REASON_CHARACTERS_MAX);
        let client_reference = decode::reference(&message.client_reference, &mut violations);
        let cause = decode::cause(message.cause, &mut violations);
        let (order_id, consignment_id) = complete(order_id.zip(consignment_id), violations)?;
        let wanted = Wanted { consignment_id, lines, reason, cause, client_reference };
        let requested = self.0.request_return(key, viewer(&caller)?, order_id, wanted, deadline);
        Ok(Response::new(requested.await?))
    }

    async fn approve_return(
        &self,
        request: Request<ApproveReturnRequest>,
    ) -> Result<Response<ApproveReturnResponse>, Status> {
        let (caller, deadline) = (rpc::require(&request)?, rpc::deadline(&request));
        let message = request.into_inner();
        let key = Key::of(&caller, &message)?;
        let mut violations = Violations::default();
        let id = violations.id("return_id", &message.return_id);
        let answer = violations.lines("answer", &message.answer, 0, REASON_CHARACTERS_MAX);
        let id = complete(id, violations)?;
        let approved = self.0.approve_return(key, viewer(&caller)?, id, answer, deadline);
        Ok(Response::new(approved.await?))
    }

    async fn reject_return(
        &self,
        request: Request<RejectReturnRequest>,
    ) -> Result<Response<RejectReturnResponse>, Status> {
        let (caller, deadline) = (rpc::require(&request)?, rpc::deadline(&request));
        let message = request.into_inner();
        let key = Key::of(&caller, &message)?;
        let mut violations = Violations::default();
        let id = violations.id("return_id", &message.return_id);
        let answer = violations.lines("answer", &message.answer, 1, REASON_CHARACTERS_MAX);
        let id = complete(id, violations)?;
        let rejected = self.0.reject_return(key, viewer(&caller)?, id, answer, deadline);
        Ok(Response::new(rejected.await?))
    }

    async fn receive_return(
        &self,
        request: Request<ReceiveReturnRequest>,
    ) -> Result<Response<ReceiveReturnResponse>, Status> {
        let (caller, deadline) = (rpc::require(&request)?, rpc::deadline(&request));
        let message = request.into_inner();
        let key = Key::of(&caller, &message)?;
        let mut violations = Violations::default();
        let id = violations.id("return_id", &message.return_id);
        let id = complete(id, violations)?;
        let received = self.0.receive_return(key, viewer(&caller)?, id, message.restock, deadline);
        Ok(Response::new(received.await?))
    }

    async fn get_return(
        &self,
        request: Request<GetReturnRequest>,
    ) -> Result<Response<GetReturnResponse>, Status> {
        let viewer = viewer(&rpc::require(&request)?)?;
        let mut violations = Violations::default();
        let id = violations.id("return_id", &request.get_ref().return_id);
        let one = self.0.get_return(complete(id, violations)?, &viewer).await?;
        let one = wire::goods_return(&one).map_err(Error::from)?;
        Ok(Response::new(GetReturnResponse { r#return: Some(one) }))
    }

    async fn list_returns(
        &self,
        request: Request<ListReturnsRequest>,
    ) -> Result<Response<ListReturnsResponse>, Status> {
        let caller = rpc::require(&request)?;
        let viewer = viewer(&caller)?;
        let message = request.into_inner();
        let mut violations = Violations::default();
        let order_id = violations.optional_id("order_id", &message.order_id);
        violations.check()?;
        let filter = ["ListReturns", message.order_id.as_str()];
        let page: Page<ReturnId> = Page::of(Some(&caller), &filter, message.page_size, &message.page_token)?;
        let listed = self.0.list_returns(viewer, order_id, page.after, page.limit()).await?;
        let (returns, next_page_token) =
            page.try_fill(listed, |one| one.id, |one| wire::goods_return(&one)).map_err(Error::from)?;
        Ok(Response::new(ListReturnsResponse { returns, next_page_token }))
    }
}
