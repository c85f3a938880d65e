//! How requests are answered that wait for a saga, by what they had asked for.

use async_trait::async_trait;
use db::Tx;
use prost::Message;
use proto::Mutation as _;
use proto::order::v1::{CancelOrderRequest, CancelOrderResponse, PlaceOrderRequest, PlaceOrderResponse};
use rpc::idempotency::{self, Key};
use tonic::Status;

use super::encode;
use crate::app::Error;
use crate::app::ports::Replies;
use crate::app::saga::SagaResponse;
use crate::domain::order::Order;
use crate::domain::viewer::Viewer;

/// In the messages of the public API.
#[derive(Debug)]
pub(crate) struct SagaReplies;

#[async_trait]
impl Replies for SagaReplies {
    async fn keep(&self, tx: &mut Tx, answers: &[(&Key, &SagaResponse)]) -> Result<(), Error> {
        let mut ended = Vec::with_capacity(answers.len());
        for (request, answer) in answers {
            let encoded = match request.rpc.as_str() {
                PlaceOrderRequest::RPC => reply(answer, placed)?,
                CancelOrderRequest::RPC => reply(answer, cancelled)?,
                other => return Err(Error::Fault(format!("a saga answers no {other}"))),
            };
            ended.push((*request, encoded));
        }
        Ok(idempotency::finish_all(tx, &ended).await?)
    }
}

fn reply<T: Message>(
    answer: &SagaResponse,
    encode: fn(&Order) -> Result<T, Error>,
) -> Result<Result<Vec<u8>, Status>, Error> {
    match answer {
        Ok(order) => Ok(Ok(encode(order)?.encode_to_vec())),
        Err(refusal) => Ok(Err(Error::from(refusal.clone()).into())),
    }
}

pub(super) fn placed(order: &Order) -> Result<PlaceOrderResponse, Error> {
    Ok(PlaceOrderResponse { order: Some(encode::order(order, &Viewer::Operator)?) })
}

pub(super) fn cancelled(order: &Order) -> Result<CancelOrderResponse, Error> {
    Ok(CancelOrderResponse { order: Some(encode::order(order, &Viewer::Operator)?) })
}
