//! A request whose effect takes several transactions and the calls between them: it begins in its first, its saga is
//! driven to its outcome, and those who ask again meanwhile wait for the same answer.

use std::sync::Arc;

use db::Tx;
use proto::order::v1;
use rpc::replay::{self, Key};
use tokio::time::Instant;
use tonic::Status;
use tracing::Instrument as _;

use super::drive::Run;
use super::{App, Error};
use crate::domain::order::Order;
use crate::domain::saga::Saga;
use crate::wire::{self, Viewer};

/// How a request of several transactions begins.
pub(super) enum Begun {
    /// It ended before.
    Kept(Result<Vec<u8>, Status>),
    /// It is under way.
    Running,
    /// It is refused.
    Refused(Status),
    /// Its saga is saved: on with it.
    Saved(Box<(Saga, Order)>),
}

impl App {
    /// Sees a request through, from its first transaction on in a task of its own: a client that hangs up at any
    /// moment leaves nothing that waits for a lease to end. The answer, if it comes before the deadline.
    pub(super) async fn see_through<T: prost::Message + Default + 'static>(
        self: &Arc<Self>,
        key: Key,
        deadline: Instant,
        begun: impl Future<Output = Result<Begun, Error>> + Send + 'static,
        answer: fn(v1::Order) -> T,
    ) -> Result<T, Status> {
        let (app, request) = (self.clone(), key.clone());
        let seeing = tokio::spawn(
            async move {
                let (saga, order) = match begun.await? {
                    Begun::Kept(kept) => return kept.and_then(|bytes| decode(&bytes)).map(Some),
                    Begun::Refused(refused) => return Err(refused),
                    Begun::Running => return Ok(None),
                    Begun::Saved(saved) => *saved,
                };
                match app.drive(Run { saga, order, request: Some(request) }).await {
                    Some(Ok(order)) => Ok(Some(answer(whole(&order)?))),
                    Some(Err(refusal)) => Err(Error::from(refusal).into()),
                    None => Ok(None),
                }
            }
            .in_current_span(),
        );
        match tokio::time::timeout_at(deadline, seeing).await {
            Ok(Ok(Ok(Some(answer)))) => Ok(answer),
            Ok(Ok(Err(refused))) => Err(refused),
            // Another is at it, or its time is over.
            Ok(Ok(Ok(None)) | Err(_)) | Err(_) => replay::wait(&self.db, &key, deadline).await,
        }
    }
}

/// A refusal is kept with the request; what may end otherwise next time rolls all back.
pub(super) async fn refuse<T: prost::Message>(tx: &mut Tx, key: &Key, error: Error) -> Result<Begun, Error> {
    match error {
        Error::Refused(_) | Error::NotFound { .. } => {
            let refused: Result<T, Status> = Err(error.into());
            replay::finish(tx, key, &refused).await?;
            match refused {
                Err(status) => Ok(Begun::Refused(status)),
                Ok(_) => Err(Error::Fault("a refusal that is none".to_owned())),
            }
        }
        other => Err(other),
    }
}

/// A kept answer.
fn decode<T: prost::Message + Default>(bytes: &[u8]) -> Result<T, Status> {
    T::decode(bytes).map_err(|error| Error::Fault(format!("a kept answer cannot be read: {error}")).into())
}

/// The order as its buyer sees it.
pub(super) fn whole(order: &Order) -> Result<v1::Order, Error> {
    Ok(wire::order(order, &Viewer::Operator)?)
}
