//! What is measured of money, in sums.

use db::Tx;

use super::wide;

/// What moved between two kinds of accounts in one currency.
#[derive(Debug, Clone)]
pub(crate) struct Flow {
    pub(crate) debit_kind: String,
    pub(crate) credit_kind: String,
    pub(crate) currency: String,
    /// `pending` or `posted`.
    pub(crate) state: String,
    pub(crate) amount_minor: i128,
}

/// All movements that were not voided, in one pass over the ledger.
pub(crate) async fn flows(tx: &mut Tx) -> Result<Vec<Flow>, db::Error> {
    let rows = db::fetch_all!(
        tx,
        (String, String, String, String, i64, i64),
        "select debit_kind, credit_kind, currency, state, cast(sum(amount_minor / 1000000000) as bigint), \
         cast(sum(amount_minor % 1000000000) as bigint) \
         from transfers where state <> 'voided' group by debit_kind, credit_kind, currency, state",
    )?;
    let flow = |(debit_kind, credit_kind, currency, state, high, low)| Flow {
        debit_kind,
        credit_kind,
        currency,
        state,
        amount_minor: wide(high, low),
    };
    Ok(rows.into_iter().map(flow).collect())
}

/// What wallets have by their own rows, by currency.
pub(crate) async fn wallets(tx: &mut Tx) -> Result<Vec<(String, i128)>, db::Error> {
    let rows = db::fetch_all!(
        tx,
        (String, i64, i64),
        "select currency, cast(sum(posted_minor / 1000000000) as bigint), \
         cast(sum(posted_minor % 1000000000) as bigint) from wallets group by currency",
    )?;
    Ok(rows.into_iter().map(|(currency, high, low)| (currency, wide(high, low))).collect())
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
