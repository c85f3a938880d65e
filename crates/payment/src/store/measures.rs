//! What is measured of money, in sums.

use std::collections::BTreeMap;

use db::Tx;
use uuid::Uuid;

use super::{snapshots, wide};

/// What accounts come to, credits minus debits, by kind, currency and state: `pending` or `posted`.
pub(crate) type Balances = BTreeMap<(String, String, String), i128>;

/// The snapshots, and what they do not count.
pub(super) const BALANCES: &str = "with uncounted as ( \
         select debit_kind, credit_kind, currency, state, amount_minor from transfers \
         where transfer_id > $1 and transfer_id < $2 \
         union all \
         select debit_kind, credit_kind, currency, state, amount_minor from passed_transfers as passed \
         cross join transfers where transfers.transfer_id = passed.transfer_id) \
     select kind, currency, state, cast(sum(high) as bigint), cast(sum(low) as bigint) from ( \
         select kind, currency, 'posted' as state, high, low from balance_snapshots \
         union all \
         select credit_kind, currency, state, amount_minor / 1000000000, amount_minor % 1000000000 \
         from uncounted where state <> 'voided' \
         union all \
         select debit_kind, currency, state, -(amount_minor / 1000000000), -(amount_minor % 1000000000) \
         from uncounted where state <> 'voided') as parts \
     group by kind, currency, state";

/// Of all movements that were not voided, on one snapshot.
pub(crate) async fn balances(tx: &mut Tx) -> Result<Balances, db::Error> {
    let counted = snapshots::counted_through(tx).await?;
    let rows = db::fetch_all!(tx, (String, String, String, i64, i64), BALANCES, counted, Uuid::max())?;
    let balance = |(kind, currency, state, high, low)| ((kind, currency, state), wide(high, low));
    Ok(rows.into_iter().map(balance).collect())
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
