//! `LedgerService`.

use std::collections::BTreeMap;

use kernel::TransferId;
use proto::convert::timestamp;
use proto::payment::internal::v1::ledger_service_server::LedgerService;
use proto::payment::internal::v1::{
    AccountBalance, ListSuspenseRequest, ListSuspenseResponse, ListTransfersRequest, ListTransfersResponse,
    ResolveSuspenseRequest, ResolveSuspenseResponse, SuspendedReceipt, Transfer, TrialBalanceRequest,
    TrialBalanceResponse,
};
use proto::types::v1::Money;
use rpc::Violations;
use rpc::page::Page;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Api, decode};
use crate::app::list_suspense::ListSuspense;
use crate::app::list_transfers::ListTransfers;
use crate::app::trial_balance::TrialBalance;
use crate::domain::ledger::KINDS;
use crate::domain::receipt::SuspenseReason;
use crate::store::audit::KindBalance;
use crate::store::narrow;

#[tonic::async_trait]
impl LedgerService for Api {
    async fn trial_balance(
        &self,
        _: Request<TrialBalanceRequest>,
    ) -> Result<Response<TrialBalanceResponse>, Status> {
        let (kinds, mut violations) = self.pipeline.query(TrialBalance).await?;
        let mut differences: BTreeMap<&str, i128> = BTreeMap::new();
        for kind in &kinds {
            let sum = differences.entry(&kind.currency).or_default();
            *sum += kind.posted_minor + kind.pending_minor;
            if !KINDS.contains(&kind.kind.as_str()) {
                violations.push(format!("`{}` is not a kind of account", kind.kind));
            }
        }
        let money =
            |currency: &str, minor: i128| Money { currency: currency.to_owned(), minor_units: narrow(minor) };
        let differences = differences.iter().map(|(currency, minor)| money(currency, *minor)).collect();
        let balance = |kind: &KindBalance| AccountBalance {
            kind: kind.kind.clone(),
            balance: Some(money(&kind.currency, kind.posted_minor)),
            accounts: kind.accounts,
            pending: Some(money(&kind.currency, kind.pending_minor)),
            balance_minor_units: kind.posted_minor.to_string(),
        };
        let balances = kinds.iter().map(balance).collect();
        Ok(Response::new(TrialBalanceResponse { balances, differences, violations }))
    }

    async fn list_transfers(
        &self,
        request: Request<ListTransfersRequest>,
    ) -> Result<Response<ListTransfersResponse>, Status> {
        let caller = rpc::require(&request)?;
        let asked = request.into_inner();
        let (order_id, page): (_, Page<Uuid>) = Violations::of(|violations| {
            let order_id = violations.optional_id("order_id", &asked.order_id);
            Some((order_id, Page::of(Some(&caller), &asked, &[&asked.order_id], violations)?))
        })?;
        let rows =
            self.pipeline.query(ListTransfers { order_id, before: page.after, limit: page.limit() }).await?;
        let (transfers, next_page_token) = page.fill(
            rows,
            |row| row.id.uuid(),
            |row| Transfer {
                transfer_id: row.id.to_string(),
                kind: row.kind,
                debit_kind: row.debit_kind,
                debit_owner: row.debit_owner,
                credit_kind: row.credit_kind,
                credit_owner: row.credit_owner,
                amount: Some(row.amount.into()),
                state: row.state,
                order_id: row.order_id.map(|id| id.to_string()).unwrap_or_default(),
                created_at: Some(timestamp(row.created_at)),
            },
        );
        Ok(Response::new(ListTransfersResponse { transfers, next_page_token }))
    }

    async fn list_suspense(
        &self,
        request: Request<ListSuspenseRequest>,
    ) -> Result<Response<ListSuspenseResponse>, Status> {
        let caller = rpc::require(&request)?;
        let asked = request.into_inner();
        let page: Page<Uuid> = Violations::of(|violations| Page::of(Some(&caller), &asked, &[], violations))?;
        let rows = self.pipeline.query(ListSuspense { after: page.after, limit: page.limit() }).await?;
        let (receipts, next_page_token) = page.fill(
            rows,
            |row| row.id.uuid(),
            |row| SuspendedReceipt {
                receipt_id: row.id.to_string(),
                provider_reference: row.told_reference().to_owned(),
                order_reference: row.order_reference,
                amount: Some(row.amount.into()),
                reason: row.suspense.map(SuspenseReason::as_str).unwrap_or_default().to_owned(),
                received_at: Some(timestamp(row.received_at)),
            },
        );
        Ok(Response::new(ListSuspenseResponse { receipts, next_page_token }))
    }

    async fn resolve_suspense(
        &self,
        request: Request<ResolveSuspenseRequest>,
    ) -> Result<Response<ResolveSuspenseResponse>, Status> {
        let encode = |_: &_, id: TransferId| Ok(ResolveSuspenseResponse { transfer_id: id.to_string() });
        self.pipeline.mutate(request, decode::resolve_suspense, encode).await
    }
}
