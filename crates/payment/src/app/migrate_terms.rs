//! Reads what order had told of consignments in escrow, as the release before kept it, into this service's own terms. SQL
//! cannot: it is protobuf. It goes on where it stopped, and once all are carried over it finds nothing.

use db::{Command, Tx};

use super::{App, Error};
use crate::store::escrows;

/// Escrows of one transaction.
const BATCH: i64 = 200;

/// Carries a batch over, in the order of their ids; whether there may be more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MigrateTerms;

impl Command<App> for MigrateTerms {
    type Output = bool;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<bool, Error> {
        let escrows = escrows::without_terms(tx, BATCH, &app.hub).await?;
        for escrow in &escrows {
            escrows::keep_terms(tx, escrow).await?;
        }
        if !escrows.is_empty() {
            tracing::info!(escrows = escrows.len(), "the terms of escrows were carried over");
        }
        Ok(i64::try_from(escrows.len()).unwrap_or(BATCH) >= BATCH)
    }
}
