//! A quote of the caller's, or of the guest that the caller proves to be.

use db::{Query, ReadMode, Tx};
use kernel::QuoteId;

use super::{App, Error};
use crate::domain::quote::Quote;
use crate::store::quotes;

/// The quote as frozen.
#[derive(Debug)]
pub(crate) struct GetQuote {
    /// Which.
    pub(crate) quote_id: QuoteId,
    /// Whom the caller proves to be.
    pub(crate) principals: Vec<String>,
}

impl Query<App> for GetQuote {
    type Output = Quote;

    const READING: ReadMode = ReadMode::Select;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<Quote, Error> {
        let found = quotes::find(tx, [self.quote_id]).await?;
        found
            .into_iter()
            .find(|quote| quote.is_open_to(&self.principals))
            .ok_or_else(|| Error::not_found("quote", self.quote_id))
    }
}
