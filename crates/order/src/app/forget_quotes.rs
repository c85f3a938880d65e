//! Forgets quotes that nobody ordered, a day after they expired, and the answers that told of them. Quotes are made for
//! anyone: kept, they would fill the disk.

use std::sync::{Arc, PoisonError};

use chrono::{DateTime, Duration, Utc};
use db::{Command, Tx};

use super::{App, Error};
use crate::store::quotes;

/// How long they are there after they expired, for those who ask why they cannot be ordered.
const KEPT: Duration = Duration::days(1);
/// How long the same request for a quote gets the same answer. No quote lasts that long.
const ANSWERS_KEPT: Duration = Duration::days(2);
/// Rows that are looked at in one transaction.
const BATCH: i64 = 200;

impl App {
    /// Deletes a batch; returns whether there may be more.
    pub(crate) async fn forget_quotes(self: Arc<Self>) -> anyhow::Result<bool> {
        let now = self.clock.now();
        let after = *self.forgotten.lock().unwrap_or_else(PoisonError::into_inner);
        let (reached, answers) = self.db.run(&self, ForgetQuotes { after, now }).await?;
        if let Some(reached) = reached {
            *self.forgotten.lock().unwrap_or_else(PoisonError::into_inner) = reached;
        }
        Ok(reached.is_some() || answers > 0)
    }
}

/// Forgets a batch; up to where, if there was anything, and how many answers.
#[derive(Debug)]
struct ForgetQuotes {
    after: quotes::PageCursor,
    now: DateTime<Utc>,
}

impl Command<App> for ForgetQuotes {
    type Output = (Option<quotes::PageCursor>, u64);

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<Self::Output, Error> {
        let reached = quotes::forget_expired(tx, self.after, self.now - KEPT, BATCH).await?;
        let answers = rpc::idempotency::sweep_of(tx, "CreateQuote", self.now - ANSWERS_KEPT, BATCH).await?;
        Ok((reached, answers))
    }
}
