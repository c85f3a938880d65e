//! Goods that go back.

use kernel::ReturnId;
use proto::order::v1::return_service_server::ReturnService;
use proto::order::v1::{
    ApproveReturnRequest, ApproveReturnResponse, GetReturnRequest, GetReturnResponse, ListReturnsRequest,
    ListReturnsResponse, ReceiveReturnRequest, ReceiveReturnResponse, RejectReturnRequest,
    RejectReturnResponse, RequestReturnRequest, RequestReturnResponse,
};
use rpc::{Caller, Page, Violations};
use tonic::{Request, Response, Status};

use super::{Api, decode, encode, viewer};
use crate::app::Error;
use crate::app::answer_return::AnswerReturn;
use crate::app::get_return::GetReturn;
use crate::app::list_returns::ListReturns;
use crate::app::receive_return::ReceiveReturn;
use crate::app::request_return::RequestReturn;
use crate::domain::returns::ReturnRequest;

/// The longest reason and answer, in characters.
const REASON_CHARACTERS_MAX: usize = 500;

#[tonic::async_trait]
impl ReturnService for Api {
    async fn request_return(
        &self,
        request: Request<RequestReturnRequest>,
    ) -> Result<Response<RequestReturnResponse>, Status> {
        let encode = |_: &_, one| Ok(RequestReturnResponse { r#return: Some(encode::goods_return(&one)?) });
        self.pipeline.mutate(request, request_return, encode).await
    }

    async fn approve_return(
        &self,
        request: Request<ApproveReturnRequest>,
    ) -> Result<Response<ApproveReturnResponse>, Status> {
        let decode = |message: ApproveReturnRequest, caller: &Caller, violations: &mut Violations| {
            answer_return(caller, &message.return_id, true, &message.answer, violations)
        };
        let encode = |_: &_, one| Ok(ApproveReturnResponse { r#return: Some(encode::goods_return(&one)?) });
        self.pipeline.mutate(request, decode, encode).await
    }

    async fn reject_return(
        &self,
        request: Request<RejectReturnRequest>,
    ) -> Result<Response<RejectReturnResponse>, Status> {
        let decode = |message: RejectReturnRequest, caller: &Caller, violations: &mut Violations| {
            answer_return(caller, &message.return_id, false, &message.answer, violations)
        };
        let encode = |_: &_, one| Ok(RejectReturnResponse { r#return: Some(encode::goods_return(&one)?) });
        self.pipeline.mutate(request, decode, encode).await
    }

    async fn receive_return(
        &self,
        request: Request<ReceiveReturnRequest>,
    ) -> Result<Response<ReceiveReturnResponse>, Status> {
        let encode = |_: &_, one| Ok(ReceiveReturnResponse { r#return: Some(encode::goods_return(&one)?) });
        self.pipeline.mutate(request, receive_return, encode).await
    }

    async fn get_return(
        &self,
        request: Request<GetReturnRequest>,
    ) -> Result<Response<GetReturnResponse>, Status> {
        let viewer = viewer(&rpc::require(&request)?)?;
        let return_id =
            Violations::of(|violations| violations.id("return_id", &request.get_ref().return_id))?;
        let one = self.pipeline.query(GetReturn { return_id, viewer }).await?;
        let one = encode::goods_return(&one).map_err(Error::from)?;
        Ok(Response::new(GetReturnResponse { r#return: Some(one) }))
    }

    async fn list_returns(
        &self,
        request: Request<ListReturnsRequest>,
    ) -> Result<Response<ListReturnsResponse>, Status> {
        let caller = rpc::require(&request)?;
        let viewer = viewer(&caller)?;
        let message = request.into_inner();
        let (order_id, page): (_, Page<ReturnId>) = Violations::of(|violations| {
            let order_id = violations.optional_id("order_id", &message.order_id);
            Some((order_id, Page::of(Some(&caller), &message, &[&message.order_id], violations)?))
        })?;
        let list = ListReturns { viewer, order_id, before: page.after, limit: page.limit() };
        let listed = self.pipeline.query(list).await?;
        let (returns, next_page_token) =
            page.try_fill(listed, |one| one.id, |one| encode::goods_return(&one)).map_err(Error::from)?;
        Ok(Response::new(ListReturnsResponse { returns, next_page_token }))
    }
}

fn request_return(
    message: RequestReturnRequest,
    caller: &Caller,
    violations: &mut Violations,
) -> Option<RequestReturn> {
    let viewer = violations.allowed(viewer(caller))?;
    let order_id = violations.id("order_id", &message.order_id);
    let consignment_id = violations.id("consignment_id", &message.consignment_id);
    let lines = decode::return_lines(&message.lines, violations);
    let reason = violations.lines("reason", &message.reason, 1, REASON_CHARACTERS_MAX);
    let client_reference = decode::reference(&message.client_reference, violations);
    let cause = decode::cause(message.cause, violations);
    let wanted = ReturnRequest { consignment_id: consignment_id?, lines, reason, cause, client_reference };
    Some(RequestReturn { viewer, order_id: order_id?, wanted })
}

/// Who declines says why.
fn answer_return(
    caller: &Caller,
    return_id: &str,
    is_approved: bool,
    answer: &str,
    violations: &mut Violations,
) -> Option<AnswerReturn> {
    let viewer = violations.allowed(viewer(caller))?;
    let return_id = violations.id("return_id", return_id);
    let answer = violations.lines("answer", answer, usize::from(!is_approved), REASON_CHARACTERS_MAX);
    Some(AnswerReturn { viewer, return_id: return_id?, is_approved, answer })
}

fn receive_return(
    message: ReceiveReturnRequest,
    caller: &Caller,
    violations: &mut Violations,
) -> Option<ReceiveReturn> {
    let viewer = violations.allowed(viewer(caller))?;
    let return_id = violations.id("return_id", &message.return_id)?;
    Some(ReceiveReturn { viewer, return_id, restock: message.restock })
}
