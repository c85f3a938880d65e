//! S10 serials: each is given once.

use db::Tx;

/// The next serial of a carrier's range; `None` when it is used up.
pub(crate) async fn next(
    tx: &mut Tx,
    carrier: &str,
    first: u32,
    last: u32,
) -> Result<Option<u32>, db::Error> {
    let given = db::fetch_optional!(
        tx,
        (i64,),
        "insert into s10_serials (carrier, next_serial) values ($1, $2 + 1) \
         on conflict (carrier) do update set next_serial = s10_serials.next_serial + 1 \
         where s10_serials.next_serial <= $3 returning next_serial - 1",
        carrier,
        i64::from(first),
        i64::from(last),
    )?;
    given.map(|(serial,)| u32::try_from(serial).map_err(super::broken)).transpose()
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
