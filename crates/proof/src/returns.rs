//! The road backwards: goods that a buyer sends back.

use anyhow::{Context as _, Result};
use proto::order::v1::{
    ApproveReturnRequest, GetReturnRequest, ReceiveReturnRequest, RequestReturnRequest, Return, ReturnLine,
    ReturnState,
};
use std::time::Duration;
use tonic::Status;

use crate::{Session, request_id};

/// How often a refund is asked for.
const POLL: Duration = Duration::from_millis(50);

/// Asks for a return; no lines: the whole consignment.
pub async fn request(
    buyer: &Session,
    order_id: &str,
    consignment_id: &str,
    lines: Vec<ReturnLine>,
    client_reference: &str,
) -> Result<Return, Status> {
    let request = RequestReturnRequest {
        request_id: request_id(),
        order_id: order_id.to_owned(),
        consignment_id: consignment_id.to_owned(),
        lines,
        reason: "not as expected".to_owned(),
        client_reference: client_reference.to_owned(),
        ..RequestReturnRequest::default()
    };
    let answer = buyer.returns().request_return(request).await?.into_inner();
    answer.r#return.ok_or_else(|| Status::internal("an answer without a return"))
}

/// The seller agrees and receives the goods.
pub async fn accept(seller: &Session, return_id: &str, restock: bool) -> Result<Return> {
    let approve = ApproveReturnRequest {
        request_id: request_id(),
        return_id: return_id.to_owned(),
        answer: String::new(),
    };
    seller.returns().approve_return(approve).await.context("approving a return")?;
    receive(seller, return_id, restock).await
}

/// The goods of an approved return came.
pub async fn receive(seller: &Session, return_id: &str, restock: bool) -> Result<Return> {
    let request = ReceiveReturnRequest { request_id: request_id(), return_id: return_id.to_owned(), restock };
    let received = seller.returns().receive_return(request).await.context("receiving a return")?;
    received.into_inner().r#return.context("a return without content")
}

/// Waits until the buyer has the money back.
pub async fn refunded(buyer: &Session, return_id: &str, patience: Duration) -> Result<Return> {
    let asking = async {
        loop {
            let request = GetReturnRequest { return_id: return_id.to_owned() };
            let answer = buyer.returns().get_return(request).await.context("reading a return")?;
            let found = answer.into_inner().r#return.context("a return without content")?;
            if found.state() == ReturnState::Refunded {
                return Ok(found);
            }
            tokio::time::sleep(POLL).await;
        }
    };
    tokio::time::timeout(patience, asking).await.context("a refund took too long")?
}
