//! What buyers, sellers and operators see of parcels. What is another's is not found.

use db::Tx;
use kernel::{DeclarationId, OrderId, ShipmentId};
use uuid::Uuid;

use super::{App, Error};
use crate::domain::shipment::{Shipment, TrackingEvent};
use crate::store::declarations::{self, Declaration};
use crate::store::shipments::Owner;
use crate::store::{events, shipments};

/// A shipment by its id or its S10 number.
#[derive(Debug, Clone)]
pub(crate) enum Named {
    Id(ShipmentId),
    Number(String),
}

impl Owner {
    fn may_see(&self, buyer: &str, seller_id: &str) -> bool {
        match self {
            Self::Buyer(own) => own == buyer,
            Self::Seller(own) => own == seller_id,
            Self::Anyone => true,
        }
    }
}

impl App {
    /// A shipment with its steps.
    pub(crate) async fn shipment_of(
        &self,
        owner: Owner,
        named: Named,
    ) -> Result<(Shipment, Vec<TrackingEvent>), Error> {
        self.db
            .read(move |tx| {
                let (owner, named) = (owner.clone(), named.clone());
                Box::pin(async move { find(tx, &owner, &named).await })
            })
            .await
    }

    /// A page of shipments with their steps, newest first.
    pub(crate) async fn shipments(
        &self,
        owner: Owner,
        order_id: Option<OrderId>,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<(Shipment, Vec<TrackingEvent>)>, Error> {
        self.db
            .read(move |tx| {
                let owner = owner.clone();
                Box::pin(async move {
                    let mut found = Vec::new();
                    for shipment in shipments::list(tx, &owner, order_id, before, limit).await? {
                        let steps = events::of(tx, shipment.id).await?;
                        found.push((shipment, steps));
                    }
                    Ok(found)
                })
            })
            .await
    }

    /// A declaration.
    pub(crate) async fn declaration(&self, owner: Owner, id: DeclarationId) -> Result<Declaration, Error> {
        self.db
            .read(move |tx| {
                let owner = owner.clone();
                Box::pin(async move {
                    let found = declarations::find(tx, id).await?;
                    let own = found.filter(|found| owner.may_see(&found.buyer, &found.seller_id));
                    own.ok_or_else(|| Error::not_found("declaration", id))
                })
            })
            .await
    }
}

async fn find(tx: &mut Tx, owner: &Owner, named: &Named) -> Result<(Shipment, Vec<TrackingEvent>), Error> {
    let (found, name) = match named {
        Named::Id(id) => (shipments::find(tx, *id).await?, id.to_string()),
        Named::Number(number) => (shipments::find_by_number(tx, number).await?, number.clone()),
    };
    let own = found.filter(|shipment| owner.may_see(&shipment.buyer, &shipment.seller_id));
    let shipment = own.ok_or_else(|| Error::not_found("shipment", name))?;
    let steps = events::of(tx, shipment.id).await?;
    Ok((shipment, steps))
}
