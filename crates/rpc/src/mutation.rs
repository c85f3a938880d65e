//! A request whose effect is one command: its answer is kept in the command's transaction.

use db::{Application, Batched, Command, Entry, Outcome, Tx};
use kernel::Clock;
use tonic::Status;
use uuid::Uuid;

use crate::idempotency::{self, Key, OnceOutcome};

/// A command with the request that it is run for, once. `encode` may be run again, as the command may.
pub struct Mutation<C, F> {
    pub(crate) command: C,
    pub(crate) encode: F,
    pub(crate) request: Key,
    pub(crate) clock: Clock,
}

/// How the answer of a batched command is made.
pub type Encode<A, C, R> = fn(&C, <C as Command<A>>::Output) -> Result<R, <A as Application>::Error>;

impl<A, C, R, F> Command<A> for Mutation<C, F>
where
    A: Application<Error: Into<Status>>,
    C: Command<A>,
    R: prost::Message + Default + 'static,
    F: Fn(&C, C::Output) -> Result<R, A::Error> + Send + Sync + 'static,
{
    type Output = OnceOutcome<R>;

    async fn run(&self, app: &A, tx: &mut Tx) -> Result<OnceOutcome<R>, A::Error> {
        idempotency::within(tx, &self.clock, &self.request, async |tx| {
            let output = self.command.run(app, tx).await?;
            (self.encode)(&self.command, output)
        })
        .await
    }
}

impl<A, C, R> Batched<A> for Mutation<C, Encode<A, C, R>>
where
    A: Application<Error: Into<Status>>,
    C: Batched<A>,
    R: prost::Message + Default + 'static,
{
    fn key(&self) -> Uuid {
        self.command.key()
    }

    fn tenant(&self) -> &str {
        &self.request.principal
    }

    fn bytes(&self) -> usize {
        self.command.bytes()
    }

    /// What was refused may be so because its request was answered before: whoever keeps the refusal finds that answer.
    async fn run_all(
        batch: &[Entry<'_, Self>],
        app: &A,
        tx: &mut Tx,
    ) -> Result<Vec<Outcome<A, Self>>, A::Error> {
        let commands: Vec<Entry<'_, C>> =
            batch.iter().map(|entry| entry.with(&entry.command().command)).collect();
        let outputs = C::run_all(&commands, app, tx).await?;
        let (mut answers, mut kept) = (Vec::with_capacity(batch.len()), Vec::with_capacity(batch.len()));
        for (entry, output) in batch.iter().zip(outputs) {
            let mutation = entry.command();
            answers.push(match output {
                Ok(output) => {
                    let answer = (mutation.encode)(&mutation.command, output)?;
                    kept.push((&mutation.request, answer.encode_to_vec()));
                    Ok(OnceOutcome::Fresh(answer))
                }
                Err(refused) => Err(refused),
            });
        }
        if let (Some(first), false) = (batch.first(), kept.is_empty()) {
            idempotency::keep_all(tx, &first.clock, &kept).await?;
        }
        Ok(answers)
    }
}
