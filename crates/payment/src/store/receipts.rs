//! What payment providers reported.

use chrono::{DateTime, Utc};
use db::Tx;
use kernel::ReceiptId;
use uuid::Uuid;

use crate::domain::receipt::{Receipt, SuspenseReason};

#[derive(sqlx::FromRow)]
struct Row {
    receipt_id: Uuid,
    provider_reference: String,
    reported_reference: Option<String>,
    order_reference: String,
    currency: String,
    amount_minor: i64,
    method: String,
    suspense_reason: String,
    received_at: DateTime<Utc>,
}

impl Row {
    fn read(self) -> Result<Receipt, db::Error> {
        let suspense = match self.suspense_reason.as_str() {
            "" => None,
            reason => {
                let known = SuspenseReason::parse(reason);
                Some(known.ok_or_else(|| super::unknown("reason of suspense", reason))?)
            }
        };
        Ok(Receipt {
            id: self.receipt_id.into(),
            amount: super::money(self.amount_minor, &self.currency)?,
            provider_reference: self.provider_reference,
            reported_reference: self.reported_reference,
            order_reference: self.order_reference,
            method: self.method,
            suspense,
            received_at: self.received_at,
        })
    }
}

/// Writes a receipt unless the provider reported it before; whether it was written.
pub(crate) async fn put(tx: &mut Tx, receipt: &Receipt) -> Result<bool, db::Error> {
    let written = db::execute!(
        tx,
        "insert into receipts (receipt_id, provider_reference, order_reference, currency, amount_minor, method, \
         suspense_reason, received_at, reported_reference) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
         on conflict (provider_reference) do nothing",
        receipt.id.uuid(),
        receipt.provider_reference.as_str(),
        receipt.order_reference.as_str(),
        receipt.amount.currency().code(),
        receipt.amount.minor(),
        receipt.method.as_str(),
        reason(receipt),
        receipt.received_at,
        receipt.reported_reference.as_deref(),
    )?;
    Ok(written == 1)
}

/// What became of a receipt in the end.
pub(crate) async fn judge(tx: &mut Tx, receipt: &Receipt) -> Result<(), db::Error> {
    db::execute!(
        tx,
        "update receipts set method = $2, suspense_reason = $3 where receipt_id = $1",
        receipt.id.uuid(),
        receipt.method.as_str(),
        reason(receipt),
    )?;
    Ok(())
}

fn reason(receipt: &Receipt) -> &'static str {
    receipt.suspense.map(SuspenseReason::as_str).unwrap_or_default()
}

// The receipts that a clause picks.
db::selection!(
    select,
    "select receipt_id, provider_reference, reported_reference, order_reference, currency, amount_minor, \
     method, suspense_reason, received_at from receipts "
);

/// The receipt that a provider reported under this id.
pub(crate) async fn by_provider_reference(
    tx: &mut Tx,
    reference: &str,
) -> Result<Option<Receipt>, db::Error> {
    let row = db::fetch_optional!(tx, Row, select!("where provider_reference = $1"), reference,)?;
    row.map(Row::read).transpose()
}

/// A receipt by its id.
pub(crate) async fn find(tx: &mut Tx, id: ReceiptId) -> Result<Option<Receipt>, db::Error> {
    let row = db::fetch_optional!(tx, Row, select!("where receipt_id = $1"), id.uuid(),)?;
    row.map(Row::read).transpose()
}

/// Receipts in suspense that nobody resolved, oldest first, after the one given.
pub(crate) async fn suspended(
    tx: &mut Tx,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Receipt>, db::Error> {
    let rows = db::fetch_all!(
        tx,
        Row,
        select!(
            "where suspense_reason <> '' and resolved_note is null and receipt_id > $1 order by receipt_id limit $2"
        ),
        after.unwrap_or(Uuid::nil()),
        limit,
    )?;
    rows.into_iter().map(Row::read).collect()
}

/// Records, once, that a suspended receipt was paid back.
pub(crate) async fn resolve(tx: &mut Tx, id: ReceiptId, note: &str) -> Result<bool, db::Error> {
    let changed = db::execute!(
        tx,
        "update receipts set resolved_note = $2 \
         where receipt_id = $1 and suspense_reason <> '' and resolved_note is null",
        id.uuid(),
        note,
    )?;
    Ok(changed == 1)
}
