//! Whether the books are right.

use db::{Query, Tx};

use super::{App, Error};
use crate::store::audit::{self, KindBalance};

/// Balances by kind, and what does not add up.
#[derive(Debug)]
pub(crate) struct TrialBalance;

impl Query<App> for TrialBalance {
    type Output = (Vec<KindBalance>, Vec<String>);

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<(Vec<KindBalance>, Vec<String>), Error> {
        Ok((audit::by_kind(tx).await?, audit::violations(tx).await?))
    }
}
