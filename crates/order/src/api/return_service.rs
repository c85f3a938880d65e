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

use super::decode;
use super::{Api, viewer};
use crate::app::Error;
use crate::app::answer_return::AnswerReturn;
use crate::app::get_return::GetReturn;
use crate::app::list_returns::ListReturns;
use crate::app::receive_return::ReceiveReturn;
use crate::app::request_return::RequestReturn;
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
        let encode = |_: &_, one| Ok(RequestReturnResponse { r#return: Some(wire::goods_return(&one)?) });
        self.0.mutate(request, request_return, encode).await
    }

    async fn approve_return(
        &self,
        request: Request<ApproveReturnRequest>,
    ) -> Result<Response<ApproveReturnResponse>, Status> {
        let decode = |message: ApproveReturnRequest, caller: &Caller| {
            answer_return(caller, &message.return_id, true, &message.answer)
        };
        let encode = |_: &_, one| Ok(ApproveReturnResponse { r#return: Some(wire::goods_return(&one)?) });
        self.0.mutate(request, decode, encode).await
    }

    async fn reject_return(
        &self,
        request: Request<RejectReturnRequest>,
    ) -> Result<Response<RejectReturnResponse>, Status> {
        let decode = |message: RejectReturnRequest, caller: &Caller| {
            answer_return(caller, &message.return_id, false, &message.answer)
        };
        let encode = |_: &_, one| Ok(RejectReturnResponse { r#return: Some(wire::goods_return(&one)?) });
        self.0.mutate(request, decode, encode).await
    }

    async fn receive_return(
        &self,
        request: Request<ReceiveReturnRequest>,
    ) -> Result<Response<ReceiveReturnResponse>, Status> {
        let decode = |message: ReceiveReturnRequest, caller: &Caller| {
            let mut violations = Violations::default();
            let id = violations.id("return_id", &message.return_id);
            let return_id = violations.end(id)?;
            Ok(ReceiveReturn { viewer: viewer(caller)?, return_id, restock: message.restock })
        };
        let encode = |_: &_, one| Ok(ReceiveReturnResponse { r#return: Some(wire::goods_return(&one)?) });
        self.0.mutate(request, decode, encode).await
    }

    async fn get_return(
        &self,
        request: Request<GetReturnRequest>,
    ) -> Result<Response<GetReturnResponse>, Status> {
        let viewer = viewer(&rpc::require(&request)?)?;
        let mut violations = Violations::default();
        let id = violations.id("return_id", &request.get_ref().return_id);
        let return_id = violations.end(id)?;
        let one = self.0.query(GetReturn { return_id, viewer }).await?;
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
        let list = ListReturns { viewer, order_id, before: page.after, limit: page.limit() };
        let listed = self.0.query(list).await?;
        let (returns, next_page_token) =
            page.try_fill(listed, |one| one.id, |one| wire::goods_return(&one)).map_err(Error::from)?;
        Ok(Response::new(ListReturnsResponse { returns, next_page_token }))
    }
}

fn request_return(message: RequestReturnRequest, caller: &Caller) -> Result<RequestReturn, Status> {
    let mut violations = Violations::default();
    let order_id = violations.id("order_id", &message.order_id);
    let consignment_id = violations.id("consignment_id", &message.consignment_id);
    let lines = decode::return_lines(&message.lines, &mut violations);
    let reason = violations.lines("reason", &message.reason, 1, REASON_CHARACTERS_MAX);
    let client_reference = decode::reference(&message.client_reference, &mut violations);
    let cause = decode::cause(message.cause, &mut violations);
    let (order_id, consignment_id) = violations.end(order_id.zip(consignment_id))?;
    let wanted = Wanted { consignment_id, lines, reason, cause, client_reference };
    Ok(RequestReturn { viewer: viewer(caller)?, order_id, wanted })
}

/// Who declines says why.
fn answer_return(
    caller: &Caller,
    return_id: &str,
    is_approved: bool,
    answer: &str,
) -> Result<AnswerReturn, Status> {
    let mut violations = Violations::default();
    let id = violations.id("return_id", return_id);
    let least = if is_approved { 0 } else { 1 };
    let answer = violations.lines("answer", answer, least, REASON_CHARACTERS_MAX);
    let return_id = violations.end(id)?;
    Ok(AnswerReturn { viewer: viewer(caller)?, return_id, is_approved, answer })
}
