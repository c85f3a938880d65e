//! The seller agrees to a return, or declines it.

use db::{Command, Tx};
use kernel::ReturnId;

use super::{App, Error, locked};
use crate::domain::order::Order;
use crate::domain::returns::Return;
use crate::domain::viewer::Viewer;
use crate::store::returns;

/// The seller agrees, or declines.
#[derive(Debug)]
pub(crate) struct AnswerReturn {
    /// Who answers.
    pub(crate) viewer: Viewer,
    /// Which return.
    pub(crate) return_id: ReturnId,
    /// Whether the goods may come back.
    pub(crate) is_approved: bool,
    /// What the buyer reads.
    pub(crate) answer: String,
}

impl Command<App> for AnswerReturn {
    type Output = Return;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<Return, Error> {
        let (_, one) = locked_return(tx, self.return_id, &self.viewer).await?;
        let (answer, now) = (self.answer.clone(), app.clock.now());
        let one = if self.is_approved { one.approve(answer, now)? } else { one.reject(answer, now)? };
        returns::save(tx, &one).await?;
        Ok(one)
    }
}

/// A return that the viewer may see, with its order; both stay as they are until the transaction ends.
pub(super) async fn locked_return(
    tx: &mut Tx,
    id: ReturnId,
    viewer: &Viewer,
) -> Result<(Order, Return), Error> {
    let missing = || Error::not_found("return", id);
    let found = returns::find(tx, id).await?.filter(|one| viewer.sees_return(one)).ok_or_else(missing)?;
    let order = locked(tx, found.order_id).await?;
    // As it stands now that nobody else can change it.
    let one = returns::find(tx, id).await?.ok_or_else(missing)?;
    Ok((order, one))
}
