//! Reads what is declared from the messages that the release before kept, into this service's own words. SQL cannot: it is
//! protobuf. It goes on where it stopped, and once all are carried over it finds nothing.

use db::{Command, Tx};

use super::{App, Error};
use crate::store::declarations;

/// Declarations of one transaction.
const BATCH: i64 = 200;

/// Carries a batch over, in the order of their ids; whether there may be more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MigrateDeclarations;

impl Command<App> for MigrateDeclarations {
    type Output = bool;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<bool, Error> {
        let found = declarations::without_declared(tx, BATCH).await?;
        for declaration in &found {
            declarations::keep_declared(tx, declaration).await?;
        }
        if !found.is_empty() {
            tracing::info!(declarations = found.len(), "the contents of declarations were carried over");
        }
        Ok(i64::try_from(found.len()).unwrap_or(BATCH) >= BATCH)
    }
}
