//! Replicas of what a hub has made: a hub with a history, for measurements, is one whose services repeat a few real
//! orders many times. Each service writes its own rows; what they have in common follows from here, alike for all.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{ConsignmentId, HoldId, Id, Kind, OrderId, ReservationId};

/// Which replica it is, and by how much its times differ from those of the original.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replica {
    number: u64,
    shift: TimeDelta,
}

/// How far back a history goes.
const YEAR: TimeDelta = TimeDelta::days(365);

impl Replica {
    /// When the replica of this number, of so many, began: they are spread over the year before `until`.
    pub fn begun(number: u64, of: u64, until: DateTime<Utc>) -> DateTime<Utc> {
        let passed = i128::from(YEAR.num_milliseconds()) * i128::from(number) / i128::from(of.max(1));
        let passed = i64::try_from(passed).map_or(YEAR, TimeDelta::milliseconds);
        until - YEAR + passed.min(YEAR)
    }

    /// The replica of this number of what began at `original`, as if it had begun at `at`.
    pub fn new(number: u64, original: DateTime<Utc>, at: DateTime<Utc>) -> Self {
        Self { number, shift: at - original }
    }

    /// Its number.
    pub fn number(self) -> u64 {
        self.number
    }

    /// When something of the original happened to it.
    pub fn time(self, of: DateTime<Utc>) -> DateTime<Utc> {
        of + self.shift
    }

    /// Its own id instead of one of the original: the same inputs give the same id, in the same order as the originals
    /// if those begin with their times.
    pub fn id<K: Kind>(self, of: Id<K>) -> Id<K> {
        let mixed = Uuid::new_v5(&of.uuid(), &self.number.to_be_bytes());
        let milliseconds = of.uuid().get_timestamp().and_then(|at| {
            let (seconds, nanos) = at.to_unix();
            let at = self.time(DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)?);
            u64::try_from(at.timestamp_millis()).ok()
        });
        let Some(milliseconds) = milliseconds else { return mixed.into() };
        let [.., order_high, order_low, _, _, _, _, _, _, _, _] = *of.uuid().as_bytes();
        let [.., a, b, c, d, e, f, g, h] = *mixed.as_bytes();
        let random = [order_high, order_low, a, b, c, d, e, f, g, h];
        uuid::Builder::from_unix_timestamp_millis(milliseconds, &random).into_uuid().into()
    }
}

/// What an order is known by in all services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderIds {
    /// The order.
    pub order_id: OrderId,
    /// Its goods on the shelves.
    pub reservation_id: ReservationId,
    /// Its money.
    pub hold_id: HoldId,
    /// What is shipped: one consignment.
    pub consignment_id: ConsignmentId,
}

/// A replica of an order, as order tells the other services of it.
#[derive(Debug, Clone)]
pub struct OrderReplica {
    /// Which it is.
    pub replica: Replica,
    /// What it repeats.
    pub original: OrderIds,
    /// What it is known by.
    pub ids: OrderIds,
    /// Its number for people.
    pub order_number: String,
    /// The buyer's subject.
    pub buyer: String,
    /// Of its parcel: no S10 number, as those are given once.
    pub tracking_number: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn ids_of_replicas_are_stable_apart_and_in_the_order_of_the_originals() {
        let originals: Vec<OrderId> = (0..50).map(|_| OrderId::new()).collect();
        let ids = |number, seconds| {
            let replica = Replica::new(number, at(0), at(seconds));
            originals.iter().map(|id| replica.id(*id)).collect::<Vec<_>>()
        };
        let (one, same, next) = (ids(1, -90), ids(1, -90), ids(2, -90));
        assert_eq!(one, same);
        assert!(one.iter().all(|id| !next.contains(id) && !originals.contains(id)));
        assert!(one.last() < originals.first());
        let milliseconds = |id: &OrderId| id.uuid().as_u128() >> 64;
        assert!(one.is_sorted_by_key(milliseconds));
        let derived = OrderId::derive(Uuid::nil(), "derived");
        assert_ne!(Replica::new(1, at(0), at(0)).id(derived), Replica::new(2, at(0), at(0)).id(derived));
    }
}
