//! A history for a hub that is to be measured (`entrepot bench --preload`): the parcels of orders that are repeated.
//!
//! A replica is booked and declared as its original is. It is never picked up: the sandbox's carrier moves
//! none of them, or a million would be due at once. Its number is no S10 number, as those are given once.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use db::{Db, Tx};
use kernel::{DeclarationId, OrderIds, OrderReplica, ShipmentId};

use crate::domain::booking::Declared;
use crate::domain::owner::Owner;
use crate::domain::shipment::{Shipment, ShipmentState};
use crate::store::orders::{self, BookingState};
use crate::store::{declarations, shipments};

/// The orders whose parcels are repeated.
pub struct Originals(Arc<Vec<Original>>);

struct Original {
    shipment: Shipment,
    declared: Option<Declared>,
}

impl Originals {
    /// Reads them: the parcel of each is booked.
    pub async fn read(db: &Db, ids: &[OrderIds]) -> Result<Self> {
        let mut all = Vec::with_capacity(ids.len());
        for ids in ids {
            let ids = *ids;
            let found: Result<Option<Original>, db::Error> =
                db.read(move |tx| Box::pin(Original::read(tx, ids))).await;
            let original = found?.with_context(|| format!("{} has no parcel", ids.order_id))?;
            ensure!(
                original.shipment.state == ShipmentState::Booked,
                "the parcel of {} is not where it was booked",
                ids.order_id
            );
            all.push(original);
        }
        Ok(Self(Arc::new(all)))
    }

    /// Writes replicas, in one transaction.
    pub async fn repeat(&self, db: &Db, replicas: Arc<Vec<OrderReplica>>) -> Result<()> {
        let all = self.0.clone();
        let written: Result<(), db::Error> = db
            .write(move |tx| {
                let (all, replicas) = (all.clone(), replicas.clone());
                Box::pin(async move { write(tx, &all, &replicas).await })
            })
            .await;
        Ok(written?)
    }
}

async fn write(tx: &mut Tx, all: &[Original], replicas: &[OrderReplica]) -> Result<(), db::Error> {
    let ids = replicas.iter().map(|told| told.ids.order_id).collect();
    if orders::decide(tx, ids, BookingState::Booked).await?.len() < replicas.len() {
        return Err(db::Error::Conflict);
    }
    let original =
        |told: &OrderReplica| all.iter().find(|one| one.shipment.order_id == told.original.order_id);
    let both: Vec<_> = replicas.iter().filter_map(|told| Some((original(told)?, told))).collect();
    let new: Vec<Shipment> = both.iter().map(|(original, told)| original.shipment(told)).collect();
    shipments::put(tx, new.iter()).await?;
    let drafts: Vec<(DeclarationId, ShipmentId, &Declared)> = both
        .iter()
        .zip(&new)
        .filter_map(|((original, _), new)| Some((new.declaration_id?, new.id, original.declared.as_ref()?)))
        .collect();
    declarations::put(tx, &drafts).await
}

impl Original {
    async fn read(tx: &mut Tx, ids: OrderIds) -> Result<Option<Self>, db::Error> {
        let found = shipments::list(tx, &Owner::Anyone, Some(ids.order_id), None, 2).await?;
        let Some(shipment) = found.into_iter().find(|one| one.consignment_id == ids.consignment_id) else {
            return Ok(None);
        };
        let declared = match shipment.declaration_id {
            Some(id) => declarations::find(tx, id).await?.map(|declaration| declaration.declared),
            None => None,
        };
        Ok(Some(Self { shipment, declared }))
    }

    fn shipment(&self, told: &OrderReplica) -> Shipment {
        let original = &self.shipment;
        Shipment {
            id: told.replica.id(original.id),
            consignment_id: told.ids.consignment_id,
            order_id: told.ids.order_id,
            order_number: told.order_number.clone(),
            buyer: told.buyer.clone(),
            tracking_number: told.tracking_number.clone(),
            next_step_at: None,
            created_at: told.replica.time(original.created_at),
            declaration_id: original.declaration_id.map(|id| told.replica.id(id)),
            ..original.clone()
        }
    }
}
