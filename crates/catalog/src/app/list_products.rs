//! Looking for goods.

use db::{Query, Reading, Tx};
use uuid::Uuid;

use super::{App, Error};
use crate::store::search::{self, Filter, Found};

/// Goods, newest first.
#[derive(Debug)]
pub(crate) struct ListProducts {
    pub(crate) filter: Filter,
    pub(crate) before: Option<Uuid>,
    pub(crate) limit: i64,
}

impl Query for ListProducts {
    type App = App;
    type Output = Found;
    type Error = Error;

    const READING: Reading = Reading::Browse;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<Found, Error> {
        Ok(search::products(tx, &self.filter, self.before, self.limit).await?)
    }
}
