//! The books against themselves.

use db::Tx;
use kernel::ConsignmentId;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{snapshots, wide};

/// What one kind of account comes to in one currency.
#[derive(Debug, Clone)]
pub(crate) struct KindBalance {
    pub(crate) kind: String,
    pub(crate) currency: String,
    pub(crate) posted_minor: i128,
    pub(crate) pending_minor: i128,
    pub(crate) accounts: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    kind: String,
    currency: String,
    posted_high: i64,
    posted_low: i64,
    pending_high: i64,
    pending_low: i64,
    accounts: i64,
}

/// Balances by kind and currency.
pub(crate) async fn by_kind(tx: &mut Tx) -> Result<Vec<KindBalance>, db::Error> {
    let rows = db::fetch_all!(
        tx,
        Row,
        "select kind, currency, \
         cast(sum(case when state = 'posted' then amount / 1000000000 else 0 end) as bigint) as posted_high, \
         cast(sum(case when state = 'posted' then amount % 1000000000 else 0 end) as bigint) as posted_low, \
         cast(sum(case when state = 'pending' then amount / 1000000000 else 0 end) as bigint) as pending_high, \
         cast(sum(case when state = 'pending' then amount % 1000000000 else 0 end) as bigint) as pending_low, \
         count(distinct owner) as accounts from ( \
             select credit_kind as kind, credit_owner as owner, currency, amount_minor as amount, state from transfers \
             union all \
             select debit_kind, debit_owner, currency, -amount_minor, state from transfers) as sides \
         group by kind, currency order by kind, currency",
    )?;
    let balance = |row: Row| KindBalance {
        kind: row.kind,
        currency: row.currency,
        posted_minor: wide(row.posted_high, row.posted_low),
        pending_minor: wide(row.pending_high, row.pending_low),
        accounts: row.accounts,
    };
    Ok(rows.into_iter().map(balance).collect())
}

/// What a consignment has moved through the exchange account in one currency.
#[derive(sqlx::FromRow)]
struct ExchangePosition {
    consignment_id: Uuid,
    lines: i64,
    /// In minor units.
    amount: i64,
    /// What one of them is in minor units of the buyer's currency; none: the quote had no such currency.
    rate: Option<String>,
}

/// The consignments that cost the hub more than was paid for them, by the rates of their quotes; the lines of each are
/// rounded by themselves. The database's floating point finds those that may, from half a minor unit on; decimals decide.
async fn negative_positions(tx: &mut Tx) -> Result<Vec<Uuid>, db::Error> {
    let rows = db::fetch_all!(
        tx,
        ExchangePosition,
        "with sides as ( \
             select consignment_id, currency, amount_minor as amount from transfers \
                 where credit_kind = 'exchange' and consignment_id is not null and state = 'posted' \
             union all \
             select consignment_id, currency, -amount_minor from transfers \
                 where debit_kind = 'exchange' and consignment_id is not null and state = 'posted'), \
         positions as ( \
             select escrows.consignment_id, escrows.lines, cast(sum(sides.amount) as bigint) as amount, \
                 escrows.exchange_rates ->> sides.currency as rate \
             from escrows join sides on sides.consignment_id = escrows.consignment_id \
             where escrows.exchange_rates is not null \
             group by escrows.consignment_id, escrows.lines, sides.currency, escrows.exchange_rates ->> sides.currency) \
         select consignment_id, lines, amount, rate from positions where consignment_id in ( \
             select consignment_id from positions group by consignment_id, lines \
             having sum(amount * cast(rate as double precision)) < 0.5 - lines \
             order by consignment_id limit 20) \
         order by consignment_id",
    )?;
    let below_zero = |positions: &&[ExchangePosition]| {
        let lines = positions.first().map_or(0, |position| position.lines);
        let in_buyers_currency = positions.iter().try_fold(Decimal::ZERO, |sum, position| {
            let rate: Decimal = position.rate.as_ref()?.parse().ok()?;
            sum.checked_add(rate.checked_mul(position.amount.into())?)
        });
        // What cannot be counted does not pass for right.
        in_buyers_currency.is_none_or(|sum| sum < Decimal::from(-lines))
    };
    let consignments = rows.chunk_by(|one, next| one.consignment_id == next.consignment_id);
    Ok(consignments.filter(below_zero).filter_map(|of| Some(of.first()?.consignment_id)).collect())
}

/// What does not add up, a sentence each.
pub(crate) async fn violations(tx: &mut Tx) -> Result<Vec<String>, db::Error> {
    let mut found = Vec::new();
    for (what, sql) in CHECKS {
        let rows = db::fetch_all!(tx, (String,), sql)?;
        found.extend(rows.into_iter().map(|(subject,)| format!("{what}: {subject}")));
    }
    found.extend(negative_positions(tx).await?.into_iter().map(|id| {
        format!("the exchange position of a consignment is below zero: {}", ConsignmentId::from(id))
    }));
    Ok(found)
}

/// Each finds the subjects that break a rule. What may pass 64 bits on the way is summed in two parts, as for [`wide`].
const CHECKS: [(&str, &str); 8] = [
    (
        "a wallet's stored balance differs from its entries; owner",
        "select owner from wallets where posted_minor <> (select coalesce(sum(case \
             when credit_kind = 'wallet' then amount_minor / 1000000000 else -(amount_minor / 1000000000) end), 0) \
             * 1000000000 + coalesce(sum(case \
             when credit_kind = 'wallet' then amount_minor % 1000000000 else -(amount_minor % 1000000000) end), 0) \
             from transfers where transfers.state = 'posted' and transfers.currency = wallets.currency and ( \
                 (debit_kind = 'wallet' and debit_owner = wallets.account) \
                 or (credit_kind = 'wallet' and credit_owner = wallets.account))) limit 20",
    ),
    (
        "a wallet contains less than is on hold; owner",
        "select owner from wallets where posted_minor < held_minor or held_minor < 0 limit 20",
    ),
    (
        "a wallet has no room for what may still be refunded to it; owner",
        "select owner from wallets where posted_minor > 1000000000000000 - refundable_minor limit 20",
    ),
    (
        "more was refunded than captured; order reference",
        "select coalesce(reference, buyer) from holds where refunded_minor > amount_minor limit 20",
    ),
    (
        "escrows do not add up to their captured hold; order reference",
        "select coalesce(reference, buyer) from holds where state = 'captured' and amount_minor <> \
             (select cast(coalesce(sum(escrows.amount_minor), 0) as bigint) from escrows \
              where escrows.hold_id = holds.hold_id) limit 20",
    ),
    (
        "refunds differ from the refunded amount of their hold; order reference",
        "select coalesce(reference, buyer) from holds where refunded_minor <> \
             (select cast(coalesce(sum(refunds.amount_minor), 0) as bigint) from refunds \
              where refunds.hold_id = holds.hold_id and refunds.state = 'completed') limit 20",
    ),
    (
        "an amount went below zero; account",
        "select owner from (select owner, currency, \
             sum(amount / 1000000000) * 1000000000 + sum(amount % 1000000000) as total from ( \
             select credit_owner as owner, currency, amount_minor as amount from transfers \
                 where credit_kind in ('wallet', 'holding', 'escrow', 'suspense') and state = 'posted' \
             union all \
             select debit_owner, currency, -amount_minor from transfers \
                 where debit_kind in ('wallet', 'holding', 'escrow', 'suspense') and state = 'posted') as sides \
             group by owner, currency) as totals where total < 0 limit 20",
    ),
    ("a snapshot of balances differs from the movements that it counts; account", snapshots::DIFFERENCES),
];
