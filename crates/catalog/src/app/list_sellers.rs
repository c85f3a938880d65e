//! Who sells here.

use db::{Query, ReadMode, Tx};
use uuid::Uuid;

use super::{App, Error};
use crate::domain::seller::Seller;
use crate::store::sellers;

/// Verified sellers by name.
#[derive(Debug)]
pub(crate) struct ListSellers {
    /// The name and the id of the last one before.
    pub(crate) after: Option<(String, Uuid)>,
    pub(crate) limit: i64,
}

impl Query<App> for ListSellers {
    type Output = Vec<Seller>;

    const READING: ReadMode = ReadMode::Search;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<Vec<Seller>, Error> {
        Ok(sellers::verified(tx, self.after.clone(), self.limit).await?)
    }
}
