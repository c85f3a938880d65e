//! What must hold between orders, sagas, versions and returns.

use db::Tx;

/// The most violations of one kind that are told.
const TOLD_MAX: i64 = 100;

/// Orders by state.
pub(crate) async fn by_state(tx: &mut Tx) -> Result<Vec<(String, i64)>, db::Error> {
    db::fetch_all!(
        tx,
        (String, i64),
        "select state, cast(count(*) as bigint) from orders group by state order by state",
    )
}

/// Orders that are not where their saga says.
pub(crate) async fn astray(tx: &mut Tx) -> Result<Vec<(String, String, Option<String>)>, db::Error> {
    db::fetch_all!(
        tx,
        (String, String, Option<String>),
        "select orders.number, orders.state, sagas.step from orders left join sagas on sagas.order_id = orders.id \
         where sagas.id is null or not ( \
             (orders.state = 'placing' and sagas.step in ('placing', 'compensating')) \
             or (orders.state = 'awaiting_payment' \
                 and sagas.step in ('awaiting_payment', 'ending_payment', 'compensating')) \
             or (orders.state in ('confirmed', 'delivered', 'completed') \
                 and sagas.step in ('confirmed', 'ending_consignments')) \
             or (orders.state = 'cancelled' and sagas.step = 'cancelled')) \
         order by orders.number limit $1",
        TOLD_MAX,
    )
}

/// Orders of which a version is missing.
pub(crate) async fn gaps(tx: &mut Tx) -> Result<Vec<(String, i64, i64)>, db::Error> {
    db::fetch_all!(
        tx,
        (String, i64, i64),
        "select orders.number, orders.version, cast(count(order_versions.version) as bigint) from orders \
         left join order_versions on order_versions.order_id = orders.id \
         group by orders.id, orders.number, orders.version \
         having count(order_versions.version) <> orders.version order by orders.number limit $1",
        TOLD_MAX,
    )
}

/// Received returns whose refund failed.
pub(crate) async fn failed_refunds(tx: &mut Tx) -> Result<Vec<(uuid::Uuid, String)>, db::Error> {
    db::fetch_all!(
        tx,
        (uuid::Uuid, String),
        "select id, detail->>'failure' from returns where state = 'received' and detail->>'failure' <> '' \
         order by id limit $1",
        TOLD_MAX,
    )
}

/// Cancelled orders with a consignment whose escrow a timer would still release.
pub(crate) async fn timers_of_the_ended(tx: &mut Tx) -> Result<Vec<(String,)>, db::Error> {
    db::fetch_all!(
        tx,
        (String,),
        "select orders.number from escrow_timers join orders on orders.id = escrow_timers.order_id \
         where orders.state = 'cancelled' order by orders.number limit $1",
        TOLD_MAX,
    )
}
