//! Looking for goods.

use db::{Query, ReadMode, Tx};
use uuid::Uuid;

use super::{App, Error};
use crate::store::search::{self, Filter, SearchPage};

/// Goods, newest first.
#[derive(Debug)]
pub(crate) struct ListProducts {
    pub(crate) filter: Filter,
    pub(crate) before: Option<Uuid>,
    pub(crate) limit: i64,
}

impl Query<App> for ListProducts {
    type Output = SearchPage;

    const READING: ReadMode = ReadMode::Search;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<SearchPage, Error> {
        Ok(search::products(tx, &self.filter, self.before, self.limit).await?)
    }
}
