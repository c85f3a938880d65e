//! One return.

use db::{Query, Tx};
use kernel::ReturnId;

use super::{App, Error};
use crate::domain::returns::Return;
use crate::domain::viewer::Viewer;
use crate::store::returns;

/// The return, if the viewer may see it.
#[derive(Debug)]
pub(crate) struct GetReturn {
    /// Which.
    pub(crate) return_id: ReturnId,
    /// Who looks.
    pub(crate) viewer: Viewer,
}

impl Query<App> for GetReturn {
    type Output = Return;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<Return, Error> {
        let found = returns::find(tx, self.return_id).await?;
        found
            .filter(|one| self.viewer.sees_return(one))
            .ok_or_else(|| Error::not_found("return", self.return_id))
    }
}
