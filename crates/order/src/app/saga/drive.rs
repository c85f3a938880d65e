//! Drives a saga from where it stands to where it rests. Whoever drives may die at any point: each call may be made
//! again, and what must not be decided twice is written before it is done.

use std::sync::Arc;
use std::time::Duration;

use db::{Command, Tx};
use futures::future::BoxFuture;
use tracing::Instrument as _;

use super::record::RecordOutcome;
use super::{Answer, Outcome, Run};
use crate::app::ports::{self, Hold, KeptBack, PaymentEnd, Reservation};
use crate::app::{App, Error};
use crate::config::StandPoint;
use crate::domain::Refusal;
use crate::domain::order::{Order, already_picked_up};
use crate::domain::saga::{Ending, Saga, Step};
use crate::store::sagas;

/// How often a call is made before the saga is given back.
const CALLS_MAX: u32 = 3;
/// The first wait between them; it doubles.
const CALL_BACKOFF: Duration = Duration::from_millis(50);
/// How long a saga that was given back rests at first, in milliseconds; it doubles with each attempt.
const REST_FIRST_MS: i64 = 250;
/// The longest that it rests.
const REST_LONGEST_MS: i64 = 30_000;

/// Drives the saga until it settles; returns the response to the waiting request, or `None` when another process has
/// taken over.
pub(crate) async fn drive(app: Arc<App>, run: Run) -> Option<Answer> {
    let span = tracing::info_span!("saga", order.id = %run.order.id, otel.kind = "internal");
    drive_on(app, run).instrument(span).await
}

async fn drive_on(app: Arc<App>, mut run: Run) -> Option<Answer> {
    let mut told = None;
    while !run.saga.step.is_settled() {
        let outcome = match app.step(&run).await {
            Ok(outcome) => outcome,
            Err(problem) => {
                app.give_back(&run, &problem).await;
                return told;
            }
        };
        let decided = matches!(outcome, Outcome::Compensate(_));
        match app.db.run(&app, RecordOutcome { run: run.clone(), outcome }).await {
            Ok(recorded) => {
                app.stand(if decided { StandPoint::Decided } else { StandPoint::Recorded }).await;
                let (saga, order) = (recorded.saga, recorded.order);
                tracing::info!(order.id = %order.id, saga.step = saga.step.as_str(), "a saga has moved on");
                told = recorded.answer.or(told);
                run = Run { saga, order, request: run.request };
            }
            Err(Error::Superseded) => return told,
            Err(error) => {
                // Whoever takes it up after the lease makes the same calls again.
                tracing::warn!(order.id = %run.order.id, %error, "the outcome of a saga's step could not be written");
                return told;
            }
        }
    }
    told
}

impl App {
    /// Makes the calls of the step. What went wrong, when the outcome is not known.
    async fn step(&self, run: &Run) -> Result<Outcome, String> {
        match &run.saga.step {
            Step::Placing => match self.hold(&run.order).await {
                Ok(outcome) => Ok(outcome),
                Err(problem) if run.saga.attempt >= self.config.attempts_max => {
                    tracing::warn!(order.id = %run.order.id, problem, "an order is abandoned: it could not be placed in time");
                    let message = "the hub could not hold the goods and the money in time; both are released, please order again";
                    let cause = Refusal::new("SERVICE_UNAVAILABLE", message);
                    Ok(Outcome::Compensate(Ending { cause, by_buyer: false }))
                }
                Err(problem) => Err(problem),
            },
            Step::EndingPayment(ending) => self.end_payment(&run.order, ending).await,
            Step::EndingConsignments(ending) => {
                match self.ask(|| self.logistics.keep_back(run.order.id)).await {
                    Ok(KeptBack::All) => Ok(Outcome::End(ending.clone())),
                    Ok(KeptBack::None) => Ok(Outcome::Stay(already_picked_up())),
                    Err(error) => Err(format!("cancelling consignments: {error}")),
                }
            }
            Step::Compensating(ending) => self.give_all_back(&run.order, ending).await,
            Step::AwaitingPayment { .. } | Step::Confirmed | Step::Cancelled => {
                Err("a settled saga was driven".to_owned())
            }
        }
    }

    /// Holds stock, then money.
    async fn hold(&self, order: &Order) -> Result<Outcome, String> {
        match self.ask(|| self.catalog.reserve(order)).await {
            Ok(Reservation::Held) => {}
            Ok(Reservation::Released) => {
                return Ok(give_up("RESERVATION_RELEASED", "the reservation was released"));
            }
            Err(ports::Error::Refused(cause)) => {
                return Ok(Outcome::Compensate(Ending { cause, by_buyer: false }));
            }
            Err(error) => return Err(format!("reserving: {error}")),
        }
        self.stand(StandPoint::Reserved).await;
        let outcome = match self.ask(|| self.payment.authorise(order)).await {
            Ok(Hold::Held) => Outcome::Confirm,
            Ok(Hold::Awaiting { qr_payload, expires_at }) => Outcome::Await { qr_payload, expires_at },
            Ok(Hold::Voided) => give_up("HOLD_VOIDED", "the hold was voided"),
            Err(ports::Error::Refused(cause)) => Outcome::Compensate(Ending { cause, by_buyer: false }),
            Err(error) => return Err(format!("authorising: {error}")),
        };
        self.stand(StandPoint::Authorised).await;
        Ok(outcome)
    }

    async fn end_payment(&self, order: &Order, ending: &Ending) -> Result<Outcome, String> {
        match self.ask(|| self.payment.cancel_payment(order)).await {
            Ok(PaymentEnd::Cancelled) => Ok(Outcome::Compensate(ending.clone())),
            Ok(PaymentEnd::AlreadyPaid) if ending.by_buyer => Ok(Outcome::ConfirmToEnd(ending.clone())),
            Ok(PaymentEnd::AlreadyPaid) => Ok(Outcome::Confirm),
            Err(error) => Err(format!("ending the payment: {error}")),
        }
    }

    /// Whatever was refused, both are ended: an id never seen is kept from ever being held.
    async fn give_all_back(&self, order: &Order, ending: &Ending) -> Result<Outcome, String> {
        let reason = ending.cause.reason.as_str();
        let released = self.ask(|| self.catalog.release(order, reason)).await;
        released.map_err(|error| format!("releasing: {error}"))?;
        self.stand(StandPoint::Released).await;
        let voided = self.ask(|| self.payment.void(order, reason)).await;
        voided.map_err(|error| format!("voiding: {error}"))?;
        self.stand(StandPoint::Voided).await;
        Ok(Outcome::End(ending.clone()))
    }

    /// Makes a call, and again when it is not answered.
    async fn ask<'a, T>(
        &self,
        call: impl Fn() -> BoxFuture<'a, Result<T, ports::Error>> + Send,
    ) -> Result<T, ports::Error> {
        let mut backoff = CALL_BACKOFF;
        for _ in 1..CALLS_MAX {
            match self.ask_once(call()).await {
                Err(ports::Error::Away(_)) => {
                    tokio::time::sleep(backoff).await;
                    backoff *= 2;
                }
                answered => return answered,
            }
        }
        self.ask_once(call()).await
    }

    async fn ask_once<T>(&self, call: BoxFuture<'_, Result<T, ports::Error>>) -> Result<T, ports::Error> {
        match tokio::time::timeout(self.config.call_timeout(), call).await {
            Ok(answered) => answered,
            Err(_) => Err(ports::Error::Away(format!("no answer within {} ms", self.config.call_ms))),
        }
    }

    async fn give_back(self: &Arc<Self>, run: &Run, problem: &str) {
        tracing::warn!(
            order.id = %run.order.id, saga.step = run.saga.step.as_str(), saga.attempt = run.saga.attempt, problem,
            "a saga's step has no outcome yet; it is tried again"
        );
        let give_back = GiveBackSaga { saga: run.saga.clone(), problem: problem.to_owned() };
        let given = self.db.run(self, give_back).await;
        if let Err(error) = given {
            tracing::warn!(order.id = %run.order.id, %error, "a saga's lease could not be given up; it will expire");
        }
    }
}

/// Gives a saga up for now, unless another has it.
#[derive(Debug)]
struct GiveBackSaga {
    saga: Saga,
    /// What went wrong.
    problem: String,
}

impl Command for GiveBackSaga {
    type App = App;
    type Output = ();
    type Error = Error;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<(), Error> {
        let now = app.machine.now();
        Ok(sagas::give_back(tx, &self.saga, &self.problem, now + rest(self.saga.attempt), now).await?)
    }
}

fn give_up(reason: &str, message: &str) -> Outcome {
    Outcome::Compensate(Ending { cause: Refusal::new(reason, message), by_buyer: false })
}

/// How long a saga rests after so many attempts.
fn rest(attempt: i64) -> chrono::Duration {
    let doublings = u32::try_from(attempt.clamp(1, 16) - 1).unwrap_or_default();
    chrono::Duration::milliseconds((REST_FIRST_MS << doublings).min(REST_LONGEST_MS))
}
