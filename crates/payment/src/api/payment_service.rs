//! `PaymentService`, `ExchangeService`, `StatementService`.

use kernel::Seller;
use proto::convert::timestamp;
use proto::payment::v1::exchange_service_server::ExchangeService;
use proto::payment::v1::payment_service_server::PaymentService;
use proto::payment::v1::statement_service_server::StatementService;
use proto::payment::v1::{
    GetExchangeRateRequest, GetExchangeRateResponse, GetPaymentRequest, GetPaymentResponse,
    GetStatementRequest, GetStatementResponse, StatementLine,
};
use rpc::page::Page;
use rpc::{Caller, Role, Violations};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Api, decode, encode};
use crate::app::Error;
use crate::app::get_payment::GetPayment;
use crate::app::get_statement::GetStatement;
use crate::store::narrow;

#[tonic::async_trait]
impl PaymentService for Api {
    async fn get_payment(
        &self,
        request: Request<GetPaymentRequest>,
    ) -> Result<Response<GetPaymentResponse>, Status> {
        let caller = rpc::require(&request)?;
        let order_id = Violations::of(|violations| violations.id("order_id", &request.get_ref().order_id))?;
        let buyer = (caller.role == Role::Buyer).then_some(caller.subject);
        let hold = self.pipeline.query(GetPayment { order_id, buyer }).await?;
        Ok(Response::new(GetPaymentResponse { payment: Some(encode::payment(hold)) }))
    }
}

#[tonic::async_trait]
impl ExchangeService for Api {
    async fn get_exchange_rate(
        &self,
        request: Request<GetExchangeRateRequest>,
    ) -> Result<Response<GetExchangeRateResponse>, Status> {
        let asked = request.into_inner();
        let (from, to) = Violations::of(|violations| {
            decode::exchange("", &asked.from_currency, &asked.to_currency, violations)
        })?;
        let quoted = self.pipeline.app().rate(from, to)?;
        let warnings = quoted.warning.clone().into_iter().collect();
        Ok(Response::new(GetExchangeRateResponse { rate: Some(quoted.rate.into()), warnings }))
    }
}

#[tonic::async_trait]
impl StatementService for Api {
    async fn get_statement(
        &self,
        request: Request<GetStatementRequest>,
    ) -> Result<Response<GetStatementResponse>, Status> {
        let caller = rpc::require(&request)?;
        let asked = request.into_inner();
        let (seller_id, page): (_, Page<Uuid>) = Violations::of(|violations| {
            let seller_id = seller(&asked.seller_id, &caller, violations)?;
            let page = Page::of(Some(&caller), &asked, &[&seller_id], violations)?;
            Some((seller_id, page))
        })?;
        let statement =
            GetStatement { seller_id: seller_id.clone(), before: page.after, limit: page.limit() };
        let (balances, rows) = self.pipeline.query(statement).await?;
        let (lines, next_page_token) = page.try_fill(
            rows,
            |row| row.id.uuid(),
            |row| {
                Ok::<_, Error>(StatementLine {
                    transfer_id: row.id.to_string(),
                    amount: Some(row.gain("seller_payable", &seller_id)?.into()),
                    order_id: row.order_id.map(|id| id.to_string()).unwrap_or_default(),
                    consignment_id: row.consignment_id.map(|id| id.to_string()).unwrap_or_default(),
                    occurred_at: Some(timestamp(row.created_at)),
                    kind: row.kind,
                })
            },
        )?;
        let balances = balances
            .into_iter()
            .map(|(currency, minor)| proto::types::v1::Money { currency, minor_units: narrow(minor) })
            .collect();
        Ok(Response::new(GetStatementResponse { balances, lines, next_page_token }))
    }
}

/// Whose statement is asked for: a seller's own, or one that an operator names.
fn seller(seller_id: &str, caller: &Caller, violations: &mut Violations) -> Option<String> {
    let is_seller = caller.role == Role::Seller;
    let named = if is_seller && seller_id.is_empty() { &caller.subject } else { seller_id };
    let named = violations.id::<Seller>("seller_id", named)?.to_string();
    if is_seller && named != caller.subject {
        return violations.allowed(Err(rpc::status::not_found("statement", named)));
    }
    Some(named)
}
