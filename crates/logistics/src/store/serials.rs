//! S10 serials: each is given once.

use std::ops::Range;

use db::Tx;

/// The next `count` serials of a carrier's range; `None` when there are not so many left.
pub(crate) async fn take(
    tx: &mut Tx,
    carrier: &str,
    first: u32,
    last: u32,
    count: u32,
) -> Result<Option<Range<u32>>, db::Error> {
    let taken = db::fetch_optional!(
        tx,
        (i64,),
        "insert into s10_serials (carrier, next_serial) select $1, $2 + $4 where $2 + $4 <= $3 + 1 \
         on conflict (carrier) do update set next_serial = s10_serials.next_serial + $4 \
         where s10_serials.next_serial + $4 <= $3 + 1 returning next_serial - $4",
        carrier,
        i64::from(first),
        i64::from(last),
        i64::from(count),
    )?;
    let first = taken.map(|(first,)| u32::try_from(first).map_err(super::broken)).transpose()?;
    Ok(first.map(|first| first..first + count))
}

/// Gives none of the next `passed` serials of a carrier's range; `None` when there are not so many.
pub(crate) async fn pass_over(
    tx: &mut Tx,
    carrier: &str,
    first: u32,
    last: u32,
    passed: u64,
) -> Result<Option<()>, db::Error> {
    let Ok(passed) = i64::try_from(passed) else { return Ok(None) };
    let next =
        db::fetch_optional!(tx, (i64,), "select next_serial from s10_serials where carrier = $1", carrier)?;
    let next = next.map_or(i64::from(first), |(next,)| next).saturating_add(passed);
    if next > i64::from(last) {
        return Ok(None);
    }
    db::execute!(
        tx,
        "insert into s10_serials (carrier, next_serial) values ($1, $2) \
         on conflict (carrier) do update set next_serial = excluded.next_serial",
        carrier,
        next,
    )?;
    Ok(Some(()))
}
