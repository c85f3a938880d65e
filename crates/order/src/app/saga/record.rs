//! Writes how a step of a saga ended: order, saga, event and the answer to the waiting call, all or nothing. An
//! attempt that another has overtaken changes nothing.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use db::Tx;
use proto::order::v1::{CancelOrderResponse, PlaceOrderResponse};
use rpc::replay::{self, Key};
use tonic::Status;

use super::cancel_order::CANCEL_ORDER;
use super::drive::Run;
use super::place_order::PLACE_ORDER;
use super::request::whole;
use super::{App, Error, locked};
use crate::domain::Refusal;
use crate::domain::order::{Order, State};
use crate::domain::saga::{Ending, Saga, Step};
use crate::facts;
use crate::store::sagas::{self, Moved};

/// What a waiting call is told.
pub(super) type Answer = Result<Order, Refusal>;

/// How a step ended.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    /// Stock is held, the buyer has to pay.
    Await {
        /// What the QR code says.
        qr_payload: String,
        /// Until when.
        expires_at: DateTime<Utc>,
    },
    /// Stock and money are held.
    Confirm,
    /// All is to be given back: the decision, before it is done.
    Compensate(Ending),
    /// The money had come, the buyer wants it back: the order is confirmed, and logistics is asked.
    ConfirmToEnd(Ending),
    /// All was given back.
    End(Ending),
    /// The order cannot be ended any more.
    Stay(Refusal),
}

/// A saga that went on.
#[derive(Debug)]
pub(super) struct Recorded {
    /// At its next step.
    pub(super) saga: Saga,
    /// As it now stands.
    pub(super) order: Order,
    /// What the waiting call was told.
    pub(super) answer: Option<Answer>,
}

impl App {
    /// Writes the outcome in a transaction of its own.
    pub(super) async fn record(self: &Arc<Self>, run: &Run, outcome: Outcome) -> Result<Recorded, Error> {
        let (app, inputs) = (self.clone(), Arc::new((run.clone(), outcome)));
        self.db
            .write(move |tx| {
                let (app, inputs) = (app.clone(), inputs.clone());
                Box::pin(async move { app.record_in(tx, &inputs.0, &inputs.1).await })
            })
            .await
    }

    /// Writes the outcome. While an order is being placed nobody else changes it, and it needs not be read again: its
    /// version guards it. Always the order before the saga, so that two never wait for each other.
    pub(super) async fn record_in(
        &self,
        tx: &mut Tx,
        run: &Run,
        outcome: &Outcome,
    ) -> Result<Recorded, Error> {
        let order = match run.saga.step {
            Step::Placing => run.order.clone(),
            _ => locked(tx, run.order.id).await?,
        };
        let (order, step, answer) = self.change(tx, order, outcome).await?;
        let saga = run.saga.clone().advance(step)?;
        let recorded = Recorded { saga, order, answer };
        let recorded = match (self.advance(tx, &run.saga, &recorded.saga).await?, outcome) {
            // Payment told of the money before this outcome was written.
            (Some(paid_at), Outcome::Await { .. }) => self.confirm_early(tx, recorded, paid_at).await?,
            _ => recorded,
        };
        if let (Some(key), Some(answer)) = (&run.request, &recorded.answer) {
            tell(tx, key, answer).await?;
        }
        Ok(recorded)
    }

    async fn change(
        &self,
        tx: &mut Tx,
        order: Order,
        outcome: &Outcome,
    ) -> Result<(Order, Step, Option<Answer>), Error> {
        let now = self.clock.now();
        match outcome {
            Outcome::Await { qr_payload, expires_at } => {
                let order = order.await_payment(qr_payload.clone(), *expires_at, now)?;
                self.save(tx, &order, None).await?;
                Ok((order.clone(), Step::AwaitingPayment { expires_at: *expires_at }, Some(Ok(order))))
            }
            Outcome::Confirm => {
                let paid_at = self.paid_at(tx, &order).await?;
                let order = self.confirm(tx, order, paid_at).await?;
                Ok((order.clone(), Step::Confirmed, Some(Ok(order))))
            }
            Outcome::Compensate(ending) => Ok((order, Step::Compensating(ending.clone()), None)),
            Outcome::ConfirmToEnd(ending) => {
                let paid_at = self.paid_at(tx, &order).await?;
                let order = self.confirm(tx, order, paid_at).await?;
                Ok((order, Step::EndingConsignments(ending.clone()), None))
            }
            Outcome::End(ending) => {
                let order = order.cancel(ending.cause.clone(), now)?;
                self.save(tx, &order, Some(facts::cancelled(&order))).await?;
                let answer = if ending.by_buyer { Ok(order.clone()) } else { Err(ending.cause.clone()) };
                Ok((order, Step::Cancelled, Some(answer)))
            }
            Outcome::Stay(refusal) => Ok((order, Step::Confirmed, Some(Err(refusal.clone())))),
        }
    }

    /// When the money came: what payment has told, where it had to be waited for; else now.
    async fn paid_at(&self, tx: &mut Tx, order: &Order) -> Result<DateTime<Utc>, Error> {
        let told = match order.progress.state {
            State::AwaitingPayment { .. } => sagas::lock(tx, order.id).await?.and_then(|kept| kept.paid_at),
            _ => None,
        };
        Ok(told.unwrap_or_else(|| self.clock.now()))
    }

    async fn confirm(&self, tx: &mut Tx, order: Order, paid_at: DateTime<Utc>) -> Result<Order, Error> {
        let order = order.confirm(paid_at, self.clock.now())?;
        self.save(tx, &order, Some(facts::confirmed(&order)?)).await?;
        Ok(order)
    }

    async fn confirm_early(
        &self,
        tx: &mut Tx,
        recorded: Recorded,
        paid_at: DateTime<Utc>,
    ) -> Result<Recorded, Error> {
        let order = self.confirm(tx, recorded.order, paid_at).await?;
        let saga = recorded.saga.clone().advance(Step::Confirmed)?;
        self.advance(tx, &recorded.saga, &saga).await?;
        Ok(Recorded { saga, order: order.clone(), answer: Some(Ok(order)) })
    }

    /// When payment told of the money, if it has.
    async fn advance(
        &self,
        tx: &mut Tx,
        before: &Saga,
        after: &Saga,
    ) -> Result<Option<DateTime<Utc>>, Error> {
        let now = self.machine.now();
        match sagas::advance(tx, before, after, now + self.config.lease(), now).await? {
            Moved::On(paid_at) => Ok(paid_at),
            Moved::Superseded => Err(Error::Superseded),
        }
    }

    /// The money of a QR code came: the order that waits for it is confirmed.
    pub(super) async fn confirm_paid(
        &self,
        tx: &mut Tx,
        order: Order,
        saga: Saga,
        paid_at: DateTime<Utc>,
    ) -> Result<(), Error> {
        let after = saga.clone().advance(Step::Confirmed)?;
        self.confirm(tx, order, paid_at).await?;
        self.advance(tx, &saga, &after).await?;
        Ok(())
    }
}

/// Answers the call that waits for the saga, by what it had asked for.
async fn tell(tx: &mut Tx, key: &Key, answer: &Answer) -> Result<(), Error> {
    let order = match answer {
        Ok(order) => Ok(whole(order)?),
        Err(refusal) => Err(Status::from(Error::from(refusal.clone()))),
    };
    match key.rpc.as_str() {
        PLACE_ORDER => {
            let answer = order.map(|order| PlaceOrderResponse { order: Some(order) });
            replay::finish(tx, key, &answer).await?;
        }
        CANCEL_ORDER => {
            let answer = order.map(|order| CancelOrderResponse { order: Some(order) });
            replay::finish(tx, key, &answer).await?;
        }
        other => return Err(Error::Fault(format!("a saga answers no {other}"))),
    }
    Ok(())
}
