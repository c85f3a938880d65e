//! `PaymentService`, `ExchangeService`, `StatementService`.

use kernel::{ConsignmentId, OrderId};
use proto::convert::timestamp;
use proto::payment::v1::exchange_service_server::ExchangeService;
use proto::payment::v1::payment_service_server::PaymentService;
use proto::payment::v1::statement_service_server::StatementService;
use proto::payment::v1::{
    GetExchangeRateRequest, GetExchangeRateResponse, GetPaymentRequest, GetPaymentResponse,
    GetStatementRequest, GetStatementResponse, StatementLine,
};
use rpc::page::Page;
use rpc::{Role, Violations};
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
        let order_id: OrderId = Violations::lone_id("order_id", &request.into_inner().order_id)?;
        let buyer = (caller.role == Role::Buyer).then_some(caller.subject);
        let hold = self.0.query(GetPayment { order_id, buyer }).await?;
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
        let (from, to) = decode::exchange(&asked.from_currency, &asked.to_currency)?;
        let quoted = self.0.app().rate(from, to)?;
        let warnings = quoted.warning.clone().into_iter().collect();
        Ok(Response::new(GetExchangeRateResponse {
            rate: Some(encode::exchange_rate(&quoted, String::new())),
            warnings,
        }))
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
        let seller_id = match (caller.role, asked.seller_id.as_str()) {
            (Role::Seller, "") => caller.subject.clone(),
            (Role::Seller, seller_id) if seller_id != caller.subject => {
                return Err(rpc::status::not_found("statement", seller_id));
            }
            (_, "") => return Err(rpc::status::invalid(&[("seller_id", "is required for an operator")])),
            (_, seller_id) => seller_id.to_owned(),
        };
        let filter = ["GetStatement", &seller_id];
        let page: Page<Uuid> = Page::of(Some(&caller), &filter, asked.page_size, &asked.page_token)?;
        let statement =
            GetStatement { seller_id: seller_id.clone(), before: page.after, limit: page.limit() };
        let (balances, rows) = self.0.query(statement).await?;
        let (lines, next_page_token) = page.try_fill(
            rows,
            |row| row.id.uuid(),
            |row| {
                Ok::<_, Error>(StatementLine {
                    transfer_id: row.id.to_string(),
                    amount: Some(row.gain("seller_payable", &seller_id)?.into()),
                    order_id: row.order_id.map(|id| OrderId::from(id).to_string()).unwrap_or_default(),
                    consignment_id: row
                        .consignment_id
                        .map(|id| ConsignmentId::from(id).to_string())
                        .unwrap_or_default(),
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
