//! Writes how a step of a saga ended: order, saga, event and the answer to the waiting call, all or nothing. An
//! attempt that another has overtaken changes nothing.

use ::events::Envelope;
use chrono::{DateTime, Utc};
use db::{Batched, Command, Entry, Outcome, Tx};
use rpc::idempotency::Key;
use uuid::Uuid;

use super::{SagaResponse, SagaRun, StepOutcome};
use crate::app::{App, Error, locked};
use crate::domain::order::{Order, OrderState};
use crate::domain::saga::{Saga, SagaStep};
use crate::events;
use crate::store::orders;
use crate::store::sagas::{self, Advance};

/// About what an outcome takes in the database, with the answer and what is told.
const OUTCOME_BYTES: usize = 24_000;

/// Writes how a step ended.
#[derive(Debug)]
pub(crate) struct RecordOutcome {
    /// The saga at that step.
    pub(super) run: SagaRun,
    /// How the step ended.
    pub(super) outcome: StepOutcome,
}

/// A saga that went on.
#[derive(Debug)]
pub(crate) struct RecordedOutcome {
    /// At its next step.
    pub(super) saga: Saga,
    /// As it now stands.
    pub(super) order: Order,
    /// How the waiting request was answered.
    pub(super) answer: Option<SagaResponse>,
}

impl Command<App> for RecordOutcome {
    type Output = RecordedOutcome;

    /// While an order is being placed nobody else changes it, and it needs not be read again: its version guards it.
    /// Always the order before the saga, so that two never wait for each other.
    async fn run(&self, app: &App, tx: &mut Tx) -> Result<RecordedOutcome, Error> {
        let Self { run, outcome } = self;
        let order = match run.saga.step {
            SagaStep::Placing => run.order.clone(),
            _ => locked(tx, run.order.id).await?,
        };
        let (order, step, answer) = app.change(tx, order, outcome).await?;
        let saga = run.saga.clone().advance(step)?;
        let recorded = RecordedOutcome { saga, order, answer };
        let recorded = match (app.advance(tx, &run.saga, &recorded.saga).await?, outcome) {
            // Payment told of the money before this outcome was written.
            (Some(paid_at), StepOutcome::Await { .. }) => app.confirm_early(tx, recorded, paid_at).await?,
            _ => recorded,
        };
        app.keep_answers(tx, [(self, &recorded)]).await?;
        Ok(recorded)
    }
}

impl Batched<App> for RecordOutcome {
    fn key(&self) -> Uuid {
        self.run.order.id.uuid()
    }

    fn tenant(&self) -> &str {
        &self.run.order.terms.buyer
    }

    fn bytes(&self) -> usize {
        OUTCOME_BYTES
    }

    /// Of orders that are being placed, and are placed now or wait to be paid (see [`SagaRun::is_usual`]). Anything else,
    /// also that another came first or that the money has come early, is for each by itself.
    async fn run_all(
        batch: &[Entry<'_, Self>],
        app: &App,
        tx: &mut Tx,
    ) -> Result<Vec<Outcome<App, Self>>, Error> {
        let mut recorded = Vec::with_capacity(batch.len());
        let mut told = Vec::new();
        for entry in batch {
            let (one, event) = entry.in_span(|| entry.command().usual(app))?;
            recorded.push(one);
            told.extend(event);
        }
        let orders: Vec<&Order> = recorded.iter().map(|one| &one.order).collect();
        if !orders::save(tx, &orders).await? {
            return Err(Error::Superseded);
        }
        let advances: Vec<Advance<'_>> = batch
            .iter()
            .zip(&recorded)
            .map(|(entry, one)| Advance { before: &entry.command().run.saga, after: &one.saga })
            .collect();
        let now = app.machine.now();
        let moved = sagas::advance(tx, &advances, now + app.config.lease(), now).await?;
        if moved.len() < batch.len() || moved.values().any(Option::is_some) {
            return Err(Error::Superseded);
        }
        app.outbox.put_all(tx, &told).await?;
        app.keep_answers(tx, batch.iter().map(Entry::command).zip(&recorded)).await?;
        Ok(recorded.into_iter().map(Ok).collect())
    }
}

impl RecordOutcome {
    /// What is to be recorded on the usual way, with the event of it.
    fn usual(&self, app: &App) -> Result<(RecordedOutcome, Option<Envelope>), Error> {
        if !self.run.is_usual(&self.outcome) {
            return Err(Error::Superseded);
        }
        let now = app.clock.now();
        let (order, step, event) = placed(self.run.order.clone(), &self.outcome, now, now)?;
        let saga = self.run.saga.clone().advance(step)?;
        Ok((RecordedOutcome { saga, order: order.clone(), answer: Some(Ok(order)) }, event))
    }
}

/// An order whose goods and money are held, or that waits to be paid, with the saga's step and the event of it.
fn placed(
    order: Order,
    outcome: &StepOutcome,
    paid_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(Order, SagaStep, Option<Envelope>), Error> {
    match outcome {
        StepOutcome::Await { qr_payload, expires_at } => {
            let order = order.await_payment(qr_payload.clone(), *expires_at, now)?;
            Ok((order, SagaStep::AwaitingPayment { expires_at: *expires_at }, None))
        }
        StepOutcome::Confirm => {
            let order = order.confirm(paid_at, now)?;
            let event = events::confirmed(&order)?;
            Ok((order, SagaStep::Confirmed, Some(event)))
        }
        _ => Err(Error::Superseded),
    }
}

/// The money of a QR code came: the order that waits for it is confirmed.
pub(crate) async fn confirm_paid(
    app: &App,
    tx: &mut Tx,
    order: Order,
    saga: Saga,
    paid_at: DateTime<Utc>,
) -> Result<(), Error> {
    let after = saga.clone().advance(SagaStep::Confirmed)?;
    app.confirm(tx, order, paid_at).await?;
    app.advance(tx, &saga, &after).await?;
    Ok(())
}

impl App {
    async fn change(
        &self,
        tx: &mut Tx,
        order: Order,
        outcome: &StepOutcome,
    ) -> Result<(Order, SagaStep, Option<SagaResponse>), Error> {
        let now = self.clock.now();
        match outcome {
            StepOutcome::Await { .. } | StepOutcome::Confirm => {
                let paid_at = self.paid_at(tx, &order).await?;
                let (order, step, event) = placed(order, outcome, paid_at, now)?;
                self.save(tx, &order, event).await?;
                Ok((order.clone(), step, Some(Ok(order))))
            }
            StepOutcome::Compensate(cancellation) => {
                Ok((order, SagaStep::Compensating(cancellation.clone()), None))
            }
            StepOutcome::ConfirmToEnd(cancellation) => {
                let paid_at = self.paid_at(tx, &order).await?;
                let order = self.confirm(tx, order, paid_at).await?;
                Ok((order, SagaStep::EndingConsignments(cancellation.clone()), None))
            }
            StepOutcome::End(cancellation) => {
                let order = order.cancel(cancellation.cause.clone(), now)?;
                self.save(tx, &order, Some(events::cancelled(&order))).await?;
                let answer =
                    if cancellation.by_buyer { Ok(order.clone()) } else { Err(cancellation.cause.clone()) };
                Ok((order, SagaStep::Cancelled, Some(answer)))
            }
            StepOutcome::Stay(refusal) => Ok((order, SagaStep::Confirmed, Some(Err(refusal.clone())))),
        }
    }

    /// When the money came: what payment has told, where it had to be waited for; else now.
    async fn paid_at(&self, tx: &mut Tx, order: &Order) -> Result<DateTime<Utc>, Error> {
        let told = match order.progress.state {
            OrderState::AwaitingPayment { .. } => {
                sagas::lock(tx, order.id).await?.and_then(|kept| kept.paid_at)
            }
            _ => None,
        };
        Ok(told.unwrap_or_else(|| self.clock.now()))
    }

    async fn confirm(&self, tx: &mut Tx, order: Order, paid_at: DateTime<Utc>) -> Result<Order, Error> {
        let order = order.confirm(paid_at, self.clock.now())?;
        self.save(tx, &order, Some(events::confirmed(&order)?)).await?;
        Ok(order)
    }

    async fn confirm_early(
        &self,
        tx: &mut Tx,
        recorded: RecordedOutcome,
        paid_at: DateTime<Utc>,
    ) -> Result<RecordedOutcome, Error> {
        let order = self.confirm(tx, recorded.order, paid_at).await?;
        let saga = recorded.saga.clone().advance(SagaStep::Confirmed)?;
        self.advance(tx, &recorded.saga, &saga).await?;
        Ok(RecordedOutcome { saga, order: order.clone(), answer: Some(Ok(order)) })
    }

    /// When payment told of the money, if it has.
    async fn advance(
        &self,
        tx: &mut Tx,
        before: &Saga,
        after: &Saga,
    ) -> Result<Option<DateTime<Utc>>, Error> {
        let now = self.machine.now();
        let leased_until = now + self.config.lease();
        let mut moved = sagas::advance(tx, &[Advance { before, after }], leased_until, now).await?;
        moved.remove(&before.id).ok_or(Error::Superseded)
    }

    /// Answers the requests that wait for sagas.
    async fn keep_answers<'r>(
        &self,
        tx: &mut Tx,
        recorded: impl IntoIterator<Item = (&'r RecordOutcome, &'r RecordedOutcome)>,
    ) -> Result<(), Error> {
        let answers: Vec<(&Key, &SagaResponse)> = recorded
            .into_iter()
            .filter_map(|(asked, recorded)| Some((asked.run.request.as_ref()?, recorded.answer.as_ref()?)))
            .collect();
        if answers.is_empty() {
            return Ok(());
        }
        self.replies.keep(tx, &answers).await
    }
}
