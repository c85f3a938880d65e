//! What a seller has to send, live. Another process may have made the change: a stream wakes by the database's
//! notification, and looks now and then even without one.
//!
//! Each look reads the versions of all that is to be sent, and tells what differs from the look before. So it needs no
//! order of changes: neither clocks nor the order of commits, nor who wrote it, can hide one.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use db::{Query, ReadMode, Tx};
use futures::Stream;
use kernel::ShipmentId;
use tokio::time::Instant;
use uuid::Uuid;

use super::get_labels::own;
use super::{App, Error};
use crate::domain::shipment::{Shipment, TrackingEvent};
use crate::store::shipments::{self, Booked};
use crate::store::tracking;

/// How long a feed rests after each look at least, and for how many times as long as the look took: however much a seller
/// has to send, its feed takes a twentieth of one connection's time at most.
const REST_LEAST: Duration = Duration::from_millis(200);
const REST_FACTOR: u32 = 19;
/// Versions of one read, and consignments.
const VERSIONS_MAX: i64 = 2_000;
const LOADED_MAX: usize = 100;

/// The version of each consignment that is to be sent.
type Versions = HashMap<ShipmentId, i64>;

/// What is seen of a seller's consignments.
#[derive(Debug)]
pub(crate) enum Seen {
    Consignment(Box<Shipment>, Vec<TrackingEvent>),
    /// All that were to be sent at first have come.
    CaughtUp,
}

/// A seller's consignments that are to be sent, then each that is new among them, has changed, or is not to be sent any
/// more, for as long as somebody watches.
pub(crate) fn watch_consignments(
    app: Arc<App>,
    db: db::Db,
    seller_id: String,
) -> impl Stream<Item = Result<Seen, Error>> + Send + use<> {
    async_stream::try_stream! {
        let mut woken = db.listen_about(shipments::SHIPMENTS, shipments::feed_of(&seller_id));
        let (mut known, mut caught_up) = (Versions::new(), false);
        loop {
            let begun = Instant::now();
            let (mut found, mut after) = (Versions::new(), Some((DateTime::UNIX_EPOCH, Uuid::nil())));
            while let Some(last) = after {
                let read = db.query(&app, ListToSend { seller_id: seller_id.clone(), after: last }).await?;
                let is_full = i64::try_from(read.len()).unwrap_or(i64::MAX) >= VERSIONS_MAX;
                after = read.last().filter(|_| is_full).map(|(booked_at, id, _)| (*booked_at, *id));
                found.extend(read.into_iter().map(|(_, id, version)| (id.into(), version)));
            }
            let rest = REST_LEAST.max(begun.elapsed().saturating_mul(REST_FACTOR));
            let differ = differing(&known, &found);
            known = found;
            for ids in differ.chunks(LOADED_MAX) {
                let load = LoadConsignments { seller_id: seller_id.clone(), ids: ids.to_vec() };
                for (shipment, steps) in db.query(&app, load).await? {
                    yield Seen::Consignment(Box::new(shipment), steps);
                }
            }
            if !caught_up {
                caught_up = true;
                yield Seen::CaughtUp;
            }
            tokio::time::sleep(rest).await;
            woken.recv().await;
        }
    }
}

/// Those that are new, have another version or are missing, oldest first.
fn differing(known: &Versions, found: &Versions) -> Vec<ShipmentId> {
    let changed = found.iter().filter(|(id, version)| known.get(id) != Some(version));
    let missing = known.keys().filter(|id| !found.contains_key(id));
    let mut differ: Vec<ShipmentId> = changed.map(|(id, _)| *id).chain(missing.copied()).collect();
    differ.sort_unstable();
    differ
}

/// The next of a seller's consignments that are to be sent, with when each was booked and its version.
#[derive(Debug)]
struct ListToSend {
    seller_id: String,
    after: Booked,
}

impl Query<App> for ListToSend {
    type Output = Vec<(DateTime<chrono::Utc>, Uuid, i64)>;

    const READING: ReadMode = ReadMode::Select;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<Self::Output, Error> {
        Ok(shipments::to_send(tx, &self.seller_id, self.after, VERSIONS_MAX).await?)
    }
}

/// A seller's consignments with their steps, in the order of the ids.
#[derive(Debug)]
struct LoadConsignments {
    seller_id: String,
    ids: Vec<ShipmentId>,
}

impl Query<App> for LoadConsignments {
    type Output = Vec<(Shipment, Vec<TrackingEvent>)>;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<Self::Output, Error> {
        let found = own(shipments::by_ids(tx, &self.ids).await?, &self.ids, &self.seller_id)?;
        Ok(tracking::beside(tx, found).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_has_changed_or_is_gone_is_told_once() {
        let ids: Vec<ShipmentId> = (0..4).map(|_| ShipmentId::new()).collect();
        let known: Versions = [(ids[0], 1), (ids[1], 1), (ids[2], 1)].into();
        let found: Versions = [(ids[0], 1), (ids[1], 2), (ids[3], 1)].into();
        assert_eq!(differing(&known, &found), [ids[1], ids[2], ids[3]]);
        assert!(differing(&found, &found).is_empty());
        assert_eq!(differing(&Versions::new(), &known), ids[..3]);
    }
}
