//! Drives a saga from where it stands to where it rests. Whoever drives may die at any point: each call may be made
//! again, and what must not be decided twice is written before it is done.

use std::sync::Arc;
use std::time::Duration;

use db::{Command, Tx};
use futures::future::BoxFuture;
use tracing::Instrument as _;

use super::record::RecordOutcome;
use super::{SagaResponse, SagaRun, StepOutcome};
use crate::app::ports::{self, CancelResult, Hold, PaymentEnd, Reservation};
use crate::app::{App, Error};
use crate::config::Failpoint;
use crate::domain::Refusal;
use crate::domain::order::{Order, already_picked_up};
use crate::domain::saga::{Cancellation, Saga, SagaStep};
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
pub(crate) async fn drive(app: Arc<App>, run: SagaRun) -> Option<SagaResponse> {
    let span = tracing::info_span!("saga", order.id = %run.order.id, otel.kind = "internal");
    run_steps(app, run).instrument(span).await
}

async fn run_steps(app: Arc<App>, mut run: SagaRun) -> Option<SagaResponse> {
    let mut response = None;
    while !run.saga.step.is_settled() {
        let outcome = match app.step(&run).await {
            Ok(outcome) => outcome,
            Err(problem) => {
                app.give_up_lease(&run, &problem).await;
                return response;
            }
        };
        let decided = matches!(outcome, StepOutcome::Compensate(_));
        let is_usual = run.is_usual(&outcome);
        let recording = RecordOutcome { run: run.clone(), outcome };
        let recorded = match is_usual {
            true => app.recording.run(&app, recording).await,
            false => app.db.run(&app, recording).await,
        };
        match recorded {
            Ok(recorded) => {
                app.failpoint(if decided { Failpoint::Decided } else { Failpoint::Recorded }).await;
                let (saga, order) = (recorded.saga, recorded.order);
                tracing::info!(order.id = %order.id, saga.step = saga.step.as_str(), "a saga has moved on");
                response = recorded.answer.or(response);
                run = SagaRun { saga, order, request: run.request };
            }
            Err(Error::Superseded) => return response,
            Err(error) => {
                // Whoever takes it up after the lease makes the same calls again.
                tracing::warn!(order.id = %run.order.id, %error, "the outcome of a saga's step could not be written");
                return response;
            }
        }
    }
    response
}

impl App {
    /// Makes the calls of the step. What went wrong, when the outcome is not known.
    async fn step(&self, run: &SagaRun) -> Result<StepOutcome, String> {
        match &run.saga.step {
            SagaStep::Placing => match self.hold(&run.order).await {
                Ok(outcome) => Ok(outcome),
                Err(problem) if run.saga.attempt >= self.config.attempts_max => {
                    tracing::warn!(order.id = %run.order.id, problem, "an order is abandoned: it could not be placed in time");
                    let message = "the hub could not hold the goods and the money in time; both are released, please order again";
                    let cause = Refusal::new("SERVICE_UNAVAILABLE", message);
                    Ok(StepOutcome::Compensate(Cancellation { cause, by_buyer: false }))
                }
                Err(problem) => Err(problem),
            },
            SagaStep::EndingPayment(cancellation) => self.end_payment(&run.order, cancellation).await,
            SagaStep::EndingConsignments(cancellation) => {
                match self.call(|| self.logistics.cancel_consignments(run.order.id)).await {
                    Ok(CancelResult::All) => Ok(StepOutcome::End(cancellation.clone())),
                    Ok(CancelResult::None) => Ok(StepOutcome::Stay(already_picked_up())),
                    Err(error) => Err(format!("cancelling consignments: {error}")),
                }
            }
            SagaStep::Compensating(cancellation) => self.compensate(&run.order, cancellation).await,
            SagaStep::AwaitingPayment { .. } | SagaStep::Confirmed | SagaStep::Cancelled => {
                Err("a settled saga was driven".to_owned())
            }
        }
    }

    /// Holds stock, then money.
    async fn hold(&self, order: &Order) -> Result<StepOutcome, String> {
        match self.call(|| self.catalog.reserve(order)).await {
            Ok(Reservation::Held) => {}
            Ok(Reservation::Released) => {
                return Ok(abandon("RESERVATION_RELEASED", "the reservation was released"));
            }
            Err(ports::Error::Refused(cause)) => {
                return Ok(StepOutcome::Compensate(Cancellation { cause, by_buyer: false }));
            }
            Err(error) => return Err(format!("reserving: {error}")),
        }
        self.failpoint(Failpoint::Reserved).await;
        let outcome = match self.call(|| self.payment.authorise(order)).await {
            Ok(Hold::Held) => StepOutcome::Confirm,
            Ok(Hold::Awaiting { qr_payload, expires_at }) => StepOutcome::Await { qr_payload, expires_at },
            Ok(Hold::Voided) => abandon("HOLD_VOIDED", "the hold was voided"),
            Err(ports::Error::Refused(cause)) => {
                StepOutcome::Compensate(Cancellation { cause, by_buyer: false })
            }
            Err(error) => return Err(format!("authorising: {error}")),
        };
        self.failpoint(Failpoint::Authorised).await;
        Ok(outcome)
    }

    async fn end_payment(&self, order: &Order, cancellation: &Cancellation) -> Result<StepOutcome, String> {
        match self.call(|| self.payment.cancel_payment(order)).await {
            Ok(PaymentEnd::Cancelled) => Ok(StepOutcome::Compensate(cancellation.clone())),
            Ok(PaymentEnd::AlreadyPaid) if cancellation.by_buyer => {
                Ok(StepOutcome::ConfirmToEnd(cancellation.clone()))
            }
            Ok(PaymentEnd::AlreadyPaid) => Ok(StepOutcome::Confirm),
            Err(error) => Err(format!("ending the payment: {error}")),
        }
    }

    /// Whatever was refused, both are ended: an id never seen is kept from ever being held.
    async fn compensate(&self, order: &Order, cancellation: &Cancellation) -> Result<StepOutcome, String> {
        let reason = cancellation.cause.reason.as_str();
        let released = self.call(|| self.catalog.release(order, reason)).await;
        released.map_err(|error| format!("releasing: {error}"))?;
        self.failpoint(Failpoint::Released).await;
        let voided = self.call(|| self.payment.void(order, reason)).await;
        voided.map_err(|error| format!("voiding: {error}"))?;
        self.failpoint(Failpoint::Voided).await;
        Ok(StepOutcome::End(cancellation.clone()))
    }

    /// Makes a call, and again when it is not answered.
    async fn call<'a, T>(
        &self,
        call: impl Fn() -> BoxFuture<'a, Result<T, ports::Error>> + Send,
    ) -> Result<T, ports::Error> {
        let mut backoff = CALL_BACKOFF;
        for _ in 1..CALLS_MAX {
            match self.call_once(call()).await {
                Err(ports::Error::Unreachable(_)) => {
                    tokio::time::sleep(backoff).await;
                    backoff *= 2;
                }
                answered => return answered,
            }
        }
        self.call_once(call()).await
    }

    async fn call_once<T>(&self, call: BoxFuture<'_, Result<T, ports::Error>>) -> Result<T, ports::Error> {
        match tokio::time::timeout(self.config.call_timeout(), call).await {
            Ok(answered) => answered,
            Err(_) => {
                Err(ports::Error::Unreachable(format!("no answer within {} ms", self.config.call_timeout_ms)))
            }
        }
    }

    async fn give_up_lease(self: &Arc<Self>, run: &SagaRun, problem: &str) {
        tracing::warn!(
            order.id = %run.order.id, saga.step = run.saga.step.as_str(), saga.attempt = run.saga.attempt, problem,
            "a saga's step has no outcome yet; it is tried again"
        );
        let give_back = GiveUpLease { saga: run.saga.clone(), problem: problem.to_owned() };
        let given = self.db.run(self, give_back).await;
        if let Err(error) = given {
            tracing::warn!(order.id = %run.order.id, %error, "a saga's lease could not be given up; it will expire");
        }
    }
}

/// Gives a saga up for now, unless another has it.
#[derive(Debug)]
struct GiveUpLease {
    saga: Saga,
    /// What went wrong.
    problem: String,
}

impl Command<App> for GiveUpLease {
    type Output = ();

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<(), Error> {
        let now = app.machine.now();
        Ok(sagas::give_back(tx, &self.saga, &self.problem, now + retry_delay(self.saga.attempt), now).await?)
    }
}

fn abandon(reason: &str, message: &str) -> StepOutcome {
    StepOutcome::Compensate(Cancellation { cause: Refusal::new(reason, message), by_buyer: false })
}

/// How long a saga rests after so many attempts.
fn retry_delay(attempt: i64) -> chrono::Duration {
    let doublings = u32::try_from(attempt.clamp(1, 16) - 1).unwrap_or_default();
    chrono::Duration::milliseconds((REST_FIRST_MS << doublings).min(REST_LONGEST_MS))
}
