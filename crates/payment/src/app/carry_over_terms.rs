//! Reads what order had told of consignments in escrow, as the release before kept it, into this service's own terms. SQL
//! cannot: it is protobuf. It goes on where it stopped, and once all are carried over it finds nothing.

use std::sync::Arc;

use db::{Command, Tx};

use super::{App, Error};
use crate::store::escrows;

/// Escrows of one transaction.
const BATCH: i64 = 200;

impl App {
    /// Carries some over; whether there may be more.
    pub(crate) async fn carry_over_terms(self: Arc<Self>) -> anyhow::Result<bool> {
        let carried = self.db.run(&self, CarryOverTerms).await?;
        if carried > 0 {
            tracing::info!(escrows = carried, "the terms of escrows were carried over");
        }
        Ok(i64::try_from(carried).unwrap_or(BATCH) >= BATCH)
    }
}

/// A batch of escrows, in the order of their ids; how many.
#[derive(Debug)]
struct CarryOverTerms;

impl Command for CarryOverTerms {
    type App = App;
    type Output = usize;
    type Error = Error;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<usize, Error> {
        let escrows = escrows::without_terms(tx, BATCH, &app.hub).await?;
        for escrow in &escrows {
            escrows::keep_terms(tx, escrow).await?;
        }
        Ok(escrows.len())
    }
}
