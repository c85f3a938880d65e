//! A database was adopted that may be older than what was done with it.

use std::sync::Arc;

use db::{Command, Tx};
use hub::Profile;

use super::Error;
use crate::store::serials;

/// A database is adopted before there is a service: there is the hub's profile alone.
#[derive(Debug)]
pub(crate) struct Adoption(pub(crate) Arc<Profile>);

impl db::Application for Adoption {
    type Error = Error;
}

/// Passes over so many S10 numbers of each carrier, so that none is given that a parcel may have already.
#[derive(Debug)]
pub(crate) struct SkipSerialNumbers {
    pub(crate) numbers: u64,
}

impl Command<Adoption> for SkipSerialNumbers {
    type Output = ();

    async fn run(&self, adoption: &Adoption, tx: &mut Tx) -> Result<(), Error> {
        for carrier in adoption.0.carriers() {
            let (first, last) = (carrier.s10.serial_from, carrier.s10.serial_to);
            if serials::pass_over(tx, &carrier.code, first, last, self.numbers).await?.is_none() {
                return Err(Error::Fault(format!(
                    "numbers that were assigned since the copy was made must not be assigned again, and the S10 range of carrier {} does not have {} left to skip: raise its serial_to, then adopt again",
                    carrier.code, self.numbers
                )));
            }
        }
        Ok(())
    }
}
