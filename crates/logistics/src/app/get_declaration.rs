//! What was declared to customs.

use db::{Query, Tx};
use kernel::DeclarationId;

use super::{App, Error};
use crate::domain::owner::Owner;
use crate::store::declarations::{self, Declaration};

/// The declaration of one of the owner's shipments.
#[derive(Debug)]
pub(crate) struct GetDeclaration {
    pub(crate) owner: Owner,
    pub(crate) declaration_id: DeclarationId,
}

impl Query<App> for GetDeclaration {
    type Output = Declaration;

    async fn run(&self, _: &App, tx: &mut Tx) -> Result<Declaration, Error> {
        let found = declarations::find(tx, self.declaration_id).await?;
        found
            .filter(|found| self.owner.may_see(&found.buyer, &found.seller_id))
            .ok_or_else(|| Error::not_found("declaration", self.declaration_id))
    }
}
