//! What is measured of money, in sums.

use db::Tx;

/// What moved between two kinds of accounts in one currency.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Flow {
    pub(crate) debit_kind: String,
    pub(crate) credit_kind: String,
    pub(crate) currency: String,
    /// `pending` or `posted`.
    pub(crate) state: String,
    pub(crate) amount_minor: i64,
}

/// All movements that were not voided, in one pass over the ledger.
pub(crate) async fn flows(tx: &mut Tx) -> Result<Vec<Flow>, db::Error> {
    db::fetch_all!(
        tx,
        Flow,
        "select debit_kind, credit_kind, currency, state, cast(sum(amount_minor) as bigint) as amount_minor \
         from transfers where state <> 'voided' group by debit_kind, credit_kind, currency, state",
    )
}

/// What wallets have by their own rows, by currency.
pub(crate) async fn wallets(tx: &mut Tx) -> Result<Vec<(String, i64)>, db::Error> {
    db::fetch_all!(
        tx,
        (String, i64),
        "select currency, cast(sum(posted_minor) as bigint) from wallets group by currency",
    )
}

/// Receipts in suspense that nobody resolved.
pub(crate) async fn suspended(tx: &mut Tx) -> Result<i64, db::Error> {
    let (count,) = db::fetch_one!(
        tx,
        (i64,),
        "select count(*) from receipts where suspense_reason <> '' and resolved_note is null",
    )?;
    Ok(count)
}
