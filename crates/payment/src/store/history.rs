//! Rows of orders that are repeated, as of when they are said to have been written.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::{ConsignmentId, OrderId, TransferId, WalletId};
use money::{Currency, Money};
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use super::escrows::{NewEscrow, Valuation};
use crate::domain::escrow::{Escrow, EscrowState};
use crate::domain::returned::Costs;
use crate::domain::terms::SettlementTerms;

#[derive(sqlx::FromRow)]
struct EscrowRow {
    consignment_id: Uuid,
    hold_id: Uuid,
    order_id: Uuid,
    seller_id: String,
    currency: String,
    amount_minor: i64,
    returned_costs: Option<Json<Costs>>,
    terms: Json<SettlementTerms>,
    consignment: Vec<u8>,
    exchange_rates: Json<BTreeMap<String, String>>,
    lines: i64,
}

/// An escrow that is held, as it was when it was new; `None` when it is not held.
pub(crate) async fn escrow(tx: &mut Tx, id: ConsignmentId) -> Result<Option<NewEscrow>, db::Error> {
    let row = db::fetch_optional!(
        tx,
        EscrowRow,
        "select consignment_id, hold_id, order_id, seller_id, currency, amount_minor, returned_costs, terms, consignment, \
         exchange_rates, lines from escrows where consignment_id = $1 and state = $2 and refunded_minor = 0",
        id.uuid(),
        EscrowState::Held.as_str(),
    )?;
    let Some(row) = row else { return Ok(None) };
    let amount = super::money(row.amount_minor, &row.currency)?;
    let escrow = Escrow {
        consignment_id: row.consignment_id.into(),
        hold_id: row.hold_id.into(),
        order_id: row.order_id.into(),
        seller_id: row.seller_id,
        state: EscrowState::Held,
        amount,
        refunded: Money::zero(amount.currency()),
        returned_goods_minor: 0,
        returned_costs: row.returned_costs.map(|costs| costs.0),
        terms: row.terms.0,
    };
    let valuation = Valuation { exchange_rates: row.exchange_rates.0, lines: row.lines };
    Ok(Some(NewEscrow { escrow, valuation, told: row.consignment }))
}

/// What buyers paid in and bought for, added up.
#[derive(Serialize)]
pub(crate) struct WalletRow<'a> {
    pub(crate) wallet_id: Uuid,
    /// As the ledger names it.
    pub(crate) account: String,
    pub(crate) owner: &'a str,
    pub(crate) currency: &'static str,
    pub(crate) posted_minor: i64,
    pub(crate) refundable_minor: i64,
    #[serde(serialize_with = "db::timestamp")]
    pub(crate) created_at: DateTime<Utc>,
}

impl<'a> WalletRow<'a> {
    /// An empty one.
    pub(crate) fn new(id: WalletId, owner: &'a str, currency: Currency, created_at: DateTime<Utc>) -> Self {
        Self {
            wallet_id: id.uuid(),
            account: id.to_string(),
            owner,
            currency: currency.code(),
            posted_minor: 0,
            refundable_minor: 0,
            created_at,
        }
    }
}

/// Adds to wallets, and opens those that are not there.
pub(crate) async fn add_to_wallets(tx: &mut Tx, rows: &[WalletRow<'_>]) -> Result<(), db::Error> {
    let sql = tx.sql(
        "insert into wallets (wallet_id, account, owner, currency, posted_minor, refundable_minor, created_at) \
         select wallet_id, account, owner, currency, posted_minor, refundable_minor, created_at \
         from jsonb_to_recordset($1) as rows (wallet_id uuid, account text, owner text, currency text, \
         posted_minor bigint, refundable_minor bigint, created_at timestamptz) \
         on conflict (wallet_id) do update set posted_minor = wallets.posted_minor + excluded.posted_minor, \
         refundable_minor = wallets.refundable_minor + excluded.refundable_minor",
        "insert into wallets (wallet_id, account, owner, currency, posted_minor, refundable_minor, created_at) \
         select unhex(value ->> 'wallet_id', '-'), value ->> 'account', value ->> 'owner', value ->> 'currency', \
         value ->> 'posted_minor', value ->> 'refundable_minor', value ->> 'created_at' from jsonb_each($1) where true \
         on conflict (wallet_id) do update set posted_minor = wallets.posted_minor + excluded.posted_minor, \
         refundable_minor = wallets.refundable_minor + excluded.refundable_minor",
    );
    db::execute!(tx, sql, Json(rows))?;
    Ok(())
}

/// A movement of the past.
#[derive(Serialize)]
pub(crate) struct TransferRow {
    transfer_id: Uuid,
    kind: String,
    debit_kind: String,
    debit_owner: String,
    credit_kind: String,
    credit_owner: String,
    currency: &'static str,
    amount_minor: i64,
    state: String,
    order_id: Option<Uuid>,
    consignment_id: Option<Uuid>,
    #[serde(serialize_with = "db::timestamp")]
    created_at: DateTime<Utc>,
}

impl TransferRow {
    /// The same movement of another order, between accounts by their new names.
    pub(crate) fn of(
        entry: &super::transfers::Entry,
        id: TransferId,
        created_at: DateTime<Utc>,
        ids: (OrderId, ConsignmentId),
        renamed: impl Fn(&str) -> String,
    ) -> Self {
        Self {
            transfer_id: id.uuid(),
            kind: entry.kind.clone(),
            debit_kind: entry.debit_kind.clone(),
            debit_owner: renamed(&entry.debit_owner),
            credit_kind: entry.credit_kind.clone(),
            credit_owner: renamed(&entry.credit_owner),
            currency: entry.amount.currency().code(),
            amount_minor: entry.amount.minor(),
            state: entry.state.clone(),
            order_id: entry.order_id.map(|_| ids.0.uuid()),
            consignment_id: entry.consignment_id.map(|_| ids.1.uuid()),
            created_at,
        }
    }
}

/// Writes movements of the past; `false` when the ledger is closed, and nothing was written.
pub(crate) async fn put_transfers(tx: &mut Tx, rows: &[TransferRow]) -> Result<bool, db::Error> {
    let sql = tx.sql(
        "insert into transfers (transfer_id, kind, debit_kind, debit_owner, credit_kind, credit_owner, currency, \
         amount_minor, state, order_id, consignment_id, created_at) \
         select transfer_id, kind, debit_kind, debit_owner, credit_kind, credit_owner, currency, amount_minor, state, \
         order_id, consignment_id, created_at from jsonb_to_recordset($1) as rows (transfer_id uuid, kind text, \
         debit_kind text, debit_owner text, credit_kind text, credit_owner text, currency text, amount_minor bigint, \
         state text, order_id uuid, consignment_id uuid, created_at timestamptz) \
         where not exists (select 1 from ledger_marks)",
        "insert into transfers (transfer_id, kind, debit_kind, debit_owner, credit_kind, credit_owner, currency, \
         amount_minor, state, order_id, consignment_id, created_at) \
         select unhex(value ->> 'transfer_id', '-'), value ->> 'kind', value ->> 'debit_kind', \
         value ->> 'debit_owner', value ->> 'credit_kind', value ->> 'credit_owner', value ->> 'currency', \
         value ->> 'amount_minor', value ->> 'state', unhex(value ->> 'order_id', '-'), \
         unhex(value ->> 'consignment_id', '-'), value ->> 'created_at' from jsonb_each($1) \
         where not exists (select 1 from ledger_marks)",
    );
    let written = db::execute!(tx, sql, Json(rows))?;
    Ok(usize::try_from(written).is_ok_and(|written| written == rows.len()))
}
