//! Commands of one kind that are run together: while a batch is under way, or waits for the database, those that come
//! gather for it or the next. Each
//! statement then serves all of them. An idle service never waits for company: who comes alone runs alone.
//!
//! To each caller it is as if its command had run by itself: it has its own answer, a refusal changes nothing of its
//! neighbours, and what breaks a batch is found by halving it.

mod gathering;

use std::future::Future;
use std::ops::{Deref, Range};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use futures::FutureExt as _;
use tokio::sync::oneshot;
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use crate::write::write_span;
use crate::{Application, Command, Db, Engine, Error, Retryable as _, Runner, Tx, Unavailability};
use gathering::{Gathering, Taken, Takers, Waiting};

/// Batches of one kind that PostgreSQL runs at once.
const AT_ONCE: usize = 2;

/// A command of which many can be run by the statements of one.
pub trait Batched<A: Application>: Command<A> + Sized {
    /// Two of the same key are never in one batch: what they do to each other is decided by the database, as ever.
    fn key(&self) -> Uuid;

    /// Whose it is. They take turns, so that many commands of one do not keep another waiting.
    fn tenant(&self) -> &str {
        ""
    }

    /// About how much of it is sent to the database, in bytes, where that is more than a few hundred.
    fn bytes(&self) -> usize {
        0
    }

    /// Whether its caller has given up waiting, though it is still there: then it is not begun.
    fn is_late(&self) -> bool {
        false
    }

    /// Runs them all, at least one; one outcome for each, in their order, as [`Command::run`] would have it if they had
    /// run one by one in some order. A statement does not see what the same statement does for others: totals are
    /// worked out before. Tables are locked in one order by all batches of a service, and the rows of each by their
    /// keys; a unique index counts as a lock.
    ///
    /// An `Err` among the outcomes is a refusal, and has changed nothing. An `Err` of all rolls all back: when another
    /// transaction came first they run again, else its halves do.
    fn run_all(
        batch: &[Entry<'_, Self>],
        app: &A,
        tx: &mut Tx,
    ) -> impl Future<Output = Result<Vec<Outcome<A, Self>>, A::Error>> + Send;
}

/// What [`Batched::run_all`] does for one: for a [`Command::run`] that is the same.
pub async fn run_alone<A: Application, C: Batched<A>>(command: &C, app: &A, tx: &mut Tx) -> Outcome<A, C> {
    let span = Span::current();
    let outcome = C::run_all(&[Entry { command, span: &span }], app, tx).await?.pop();
    outcome.unwrap_or_else(|| Err(Error::Outcomes.into()))
}

/// What came of one command of a batch.
pub type Outcome<A, C> = Result<<C as Command<A>>::Output, <A as Application>::Error>;

/// A command of a batch, with the span that it was given in: what it does for others belongs to that trace.
#[derive(Debug)]
pub struct Entry<'a, C> {
    command: &'a C,
    span: &'a Span,
}

impl<'a, C> Entry<'a, C> {
    /// What was given.
    pub fn command(&self) -> &'a C {
        self.command
    }

    /// The span that it was given in.
    pub fn span(&self) -> &'a Span {
        self.span
    }

    /// Another that is run for the same.
    pub fn with<D>(&self, command: &'a D) -> Entry<'a, D> {
        Entry { command, span: self.span }
    }

    /// Works within its span.
    pub fn in_span<T>(&self, work: impl FnOnce() -> T) -> T {
        self.span.in_scope(work)
    }
}

impl<C> Clone for Entry<'_, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Entry<'_, C> {}

impl<C> Deref for Entry<'_, C> {
    type Target = C;

    fn deref(&self) -> &C {
        self.command
    }
}

/// Where the commands of one kind gather. Clones are the same place.
pub struct Batches<A: Application, C: Batched<A>>(Arc<Inner<A, C>>);

struct Inner<A: Application, C: Batched<A>> {
    db: Db,
    gathering: Gathering<Given<A, C>>,
}

/// A command whose caller waits.
struct Given<A: Application, C: Batched<A>> {
    command: C,
    span: Span,
    answer: oneshot::Sender<Outcome<A, C>>,
}

impl<A: Application, C: Batched<A>> Waiting for Given<A, C> {
    fn key(&self) -> Uuid {
        self.command.key()
    }

    fn bytes(&self) -> usize {
        self.command.bytes()
    }

    fn has_left(&self) -> bool {
        self.answer.is_closed() || self.command.is_late()
    }
}

/// What was taken together: what is run, and who waits for it.
struct Batch<A: Application, C: Batched<A>> {
    commands: Arc<Vec<(C, Span)>>,
    answers: Mutex<Vec<oneshot::Sender<Outcome<A, C>>>>,
    /// Of the write: until all are answered.
    span: Span,
}

impl<A: Application, C: Batched<A>> Batch<A, C> {
    /// All of it, once.
    fn part(&self) -> Part<A, C> {
        let answers = std::mem::take(&mut *self.answers.lock().unwrap_or_else(PoisonError::into_inner));
        Part { commands: self.commands.clone(), range: 0..answers.len(), answers }
    }
}

/// Those of a batch that are run together: what is run, and who waits for it.
struct Part<A: Application, C: Batched<A>> {
    commands: Arc<Vec<(C, Span)>>,
    range: Range<usize>,
    answers: Vec<oneshot::Sender<Outcome<A, C>>>,
}

impl<A: Application, C: Batched<A>> Batches<A, C> {
    /// Of a database. SQLite has one writer: a batch is taken when it is its turn, and the next may queue meanwhile.
    /// PostgreSQL takes the next while one commits.
    pub fn new(db: &Db) -> Self {
        let takers = match db.engine() {
            Engine::Sqlite => Takers::OneToTake,
            Engine::Postgres => Takers::ToBeDone(AT_ONCE),
        };
        Self(Arc::new(Inner { db: db.clone(), gathering: Gathering::new(takers) }))
    }

    /// Runs a command, with others of its kind if some wait: all of them are to be given the same `app`, which may have
    /// these batches itself and is therefore not kept here. A caller who leaves before it has begun takes it back; then it
    /// goes on to its end.
    pub async fn run(&self, app: &Arc<A>, command: C) -> Outcome<A, C> {
        let (answer, answered) = oneshot::channel();
        let tenant = command.tenant().to_owned();
        let given = Given { command, span: Span::current(), answer };
        match self.0.gathering.add(tenant, given) {
            gathering::Added::Full => {
                let waiting = gathering::WAITING_MAX;
                return Err(Error::Unavailable(Unavailability::TooManyWaiting { waiting }).into());
            }
            gathering::Added::First => drop(tokio::spawn(self.0.clone().run_gathered(app.clone()))),
            gathering::Added::Behind => {}
        }
        answered.await.unwrap_or_else(|_| Err(Error::NotBegun.into()))
    }
}

impl<A: Application, C: Batched<A>> Runner<A, C> for Batches<A, C> {
    fn run(&self, app: &Arc<A>, command: C) -> impl Future<Output = Outcome<A, C>> + Send {
        Self::run(self, app, command)
    }
}

impl<A: Application, C: Batched<A>> Inner<A, C> {
    /// Runs a batch, and the next for as long as it has to.
    async fn run_gathered(self: Arc<Self>, app: Arc<A>) {
        loop {
            let running = AssertUnwindSafe(self.run_next(&app)).catch_unwind();
            if running.await.is_err() {
                tracing::error!("a batch panicked; its commands have failed");
            }
            if !self.gathering.done() {
                return;
            }
        }
    }

    /// Runs the next batch. It is taken once its transaction has begun: those who come until then are in it.
    async fn run_next(self: &Arc<Self>, app: &Arc<A>) {
        if self.gathering.has_nobody_to_run() {
            return;
        }
        let (slot, phase): (Arc<OnceLock<Batch<A, C>>>, Arc<Phase>) = Default::default();
        let (inner, app_of_work, slot_of_work, phase_of_work) =
            (self.clone(), app.clone(), slot.clone(), phase.clone());
        let running = self.db.write(move |tx| {
            let batch = inner.taken(&app_of_work, &slot_of_work);
            let (app, commands, span) = (app_of_work.clone(), batch.commands.clone(), batch.span.clone());
            let phase = phase_of_work.clone();
            Box::pin(async move { phase.within(run_in(&*app, &commands, tx)).instrument(span).await })
        });
        let outcome: Result<Vec<Outcome<A, C>>, A::Error> = running.await;
        // A transaction that could not begin fails those who would have been in it.
        let part = self.taken(app, &slot).part();
        if part.answers.is_empty() {
            return;
        }
        let mut parts = Vec::new();
        phase.conclude(part, outcome, &mut parts);
        while let Some(part) = parts.pop() {
            let phase = Arc::<Phase>::default();
            let outcome = self.run_part(app, &part, &phase).await;
            phase.conclude(part, outcome, &mut parts);
        }
    }

    /// The batch that is in its place, and is taken if none is there yet.
    fn taken<'s>(self: &Arc<Self>, app: &Arc<A>, slot: &'s OnceLock<Batch<A, C>>) -> &'s Batch<A, C> {
        slot.get_or_init(|| {
            let Taken { batch, more } = self.gathering.take();
            if more {
                drop(tokio::spawn(self.clone().run_gathered(app.clone())));
            }
            let (commands, answers) =
                batch.into_iter().map(|given| ((given.command, given.span), given.answer)).unzip();
            let commands: Vec<(C, Span)> = commands;
            let span = write_span(&span(&commands));
            Batch { commands: Arc::new(commands), answers: Mutex::new(answers), span }
        })
    }

    async fn run_part(
        &self,
        app: &Arc<A>,
        part: &Part<A, C>,
        phase: &Arc<Phase>,
    ) -> Result<Vec<Outcome<A, C>>, A::Error> {
        let (app, commands, range) = (app.clone(), part.commands.clone(), part.range.clone());
        let span = write_span(&span(commands.get(range.clone()).unwrap_or_default()));
        let phase = phase.clone();
        let running = self.db.write(move |tx| {
            let (app, commands, range) = (app.clone(), commands.clone(), range.clone());
            let (span, phase) = (span.clone(), phase.clone());
            Box::pin(async move {
                let commands = commands.get(range).unwrap_or_default();
                phase.within(run_in(&*app, commands, tx)).instrument(span).await
            })
        });
        running.await
    }
}

/// How far the transaction of a part came.
#[derive(Default)]
struct Phase(AtomicU8);

/// It has begun.
const BEGUN: u8 = 1;
/// What it was for has failed, so it was not committed.
const FAILED_WITHIN: u8 = 2;

impl Phase {
    /// Runs the work of the transaction.
    async fn within<T, E>(&self, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        self.0.store(BEGUN, Ordering::SeqCst);
        let outcome = work.await;
        if outcome.is_err() {
            self.0.store(FAILED_WITHIN, Ordering::SeqCst);
        }
        outcome
    }

    /// Answers those of a part, or adds its halves to what is run next. What failed within, failed of one of them, even if
    /// it says that the database cannot be asked: the others are not to wait for that one. Where a transaction cannot begin,
    /// those that are left need not try.
    fn conclude<A: Application, C: Batched<A>>(
        &self,
        part: Part<A, C>,
        outcome: Result<Vec<Outcome<A, C>>, A::Error>,
        next: &mut Vec<Part<A, C>>,
    ) {
        let phase = self.0.load(Ordering::SeqCst);
        let error = match outcome {
            Ok(outcomes) => return part.answer(outcomes),
            Err(error) if part.answers.len() == 1 && phase != 0 => return part.answer(vec![Err(error)]),
            Err(error) => error,
        };
        match error.database().filter(|error| phase != FAILED_WITHIN && is_of_all(error)) {
            Some(error) => {
                let left = if phase == 0 { std::mem::take(next) } else { Vec::new() };
                for part in left.into_iter().chain([part]) {
                    let outcomes = part.range.clone().map(|_| Err(error.alike().into())).collect();
                    part.answer(outcomes);
                }
            }
            None if part.answers.len() == 1 => part.answer(vec![Err(error)]),
            None => next.extend(part.halves()),
        }
    }
}

/// The span of running these: of one, its own; else one that they share, which each of theirs is linked to.
fn span<C>(commands: &[(C, Span)]) -> Span {
    match commands {
        [] => return Span::none(),
        [(_, span)] => return span.clone(),
        _ => {}
    }
    let batch = tracing::debug_span!(parent: None, "batch", commands = commands.len());
    for (_, span) in commands {
        span.follows_from(&batch);
    }
    batch
}

/// Whether it would be so for each of them: the database cannot be asked, or others came first again and again.
fn is_of_all(error: &Error) -> bool {
    match error {
        Error::Unavailable(why) => !matches!(why, Unavailability::Failing(_)),
        error => error.is_retryable(),
    }
}

async fn run_in<A: Application, C: Batched<A>>(
    app: &A,
    commands: &[(C, Span)],
    tx: &mut Tx,
) -> Result<Vec<Outcome<A, C>>, A::Error> {
    if let [(command, _)] = commands {
        return Ok(vec![Ok(command.run(app, tx).await?)]);
    }
    let entries: Vec<Entry<'_, C>> = commands.iter().map(|(command, span)| Entry { command, span }).collect();
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let outcomes = C::run_all(&entries, app, tx).await?;
    if outcomes.len() == entries.len() { Ok(outcomes) } else { Err(Error::Outcomes.into()) }
}

impl<A: Application, C: Batched<A>> Part<A, C> {
    /// A caller who has left does not want to know.
    fn answer(self, outcomes: Vec<Outcome<A, C>>) {
        for (answer, outcome) in self.answers.into_iter().zip(outcomes) {
            drop(answer.send(outcome));
        }
    }

    /// The second comes first: parts are taken from the end.
    fn halves(mut self) -> [Self; 2] {
        let middle = self.answers.len() / 2;
        let answers = self.answers.split_off(middle);
        let at = self.range.start + middle;
        let second = Self { commands: self.commands.clone(), range: at..self.range.end, answers };
        [second, Self { range: self.range.start..at, ..self }]
    }
}

impl<A: Application, C: Batched<A>> Clone for Batches<A, C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<A: Application, C: Batched<A>> std::fmt::Debug for Batches<A, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batches").field("db", &self.0.db).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use super::*;

    /// Notes which span is linked to which.
    #[derive(Default)]
    struct Links {
        spans: AtomicU64,
        links: Mutex<Vec<(Id, Id)>>,
    }

    impl Subscriber for Links {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(self.spans.fetch_add(1, Ordering::SeqCst) + 1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, span: &Id, follows: &Id) {
            self.links.lock().unwrap().push((span.clone(), follows.clone()));
        }

        fn event(&self, _: &Event<'_>) {}

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn each_of_a_batch_is_linked_to_it_and_one_alone_is_its_own() {
        let links = Arc::new(Links::default());
        tracing::subscriber::with_default(links.clone(), || {
            let given = [(1, tracing::info_span!("one")), (2, tracing::info_span!("other"))];
            assert_eq!(span(&given[..1]), given[0].1);
            assert!(links.links.lock().unwrap().is_empty());
            let batch = span(&given).id().unwrap();
            let expected = given.map(|(_, span)| (span.id().unwrap(), batch.clone()));
            assert_eq!(*links.links.lock().unwrap(), expected);
        });
    }
}
