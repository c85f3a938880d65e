//! A quote of the caller's, or of the guest that the caller proves to be.

use kernel::QuoteId;

use super::{App, Error};
use crate::domain::quote::Quote;
use crate::store::quotes;

impl App {
    /// The quote as frozen.
    pub(crate) async fn get_quote(&self, id: QuoteId, principals: Vec<String>) -> Result<Quote, Error> {
        let quote = self.db.look(move |tx| Box::pin(quotes::find(tx, id))).await?;
        quote.filter(|quote| quote.is_open_to(&principals)).ok_or_else(|| Error::not_found("quote", id))
    }
}
