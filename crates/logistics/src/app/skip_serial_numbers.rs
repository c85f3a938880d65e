//! A database was adopted that may be older than what was done with it.

use db::{Command, Tx};
use hub::Profile;

use super::Error;
use crate::store::serials;

/// Passes over so many S10 numbers of each carrier, so that none is given that a parcel may have already.
#[derive(Debug)]
pub(crate) struct SkipSerialNumbers {
    pub(crate) numbers: u64,
}

impl Command for SkipSerialNumbers {
    /// It is run before there is a service.
    type App = Profile;
    type Output = ();
    type Error = Error;

    async fn run(&self, hub: &Profile, tx: &mut Tx) -> Result<(), Error> {
        for carrier in hub.carriers() {
            let (first, last) = (carrier.s10.serial_from, carrier.s10.serial_to);
            if serials::pass_over(tx, &carrier.code, first, last, self.numbers).await?.is_none() {
                return Err(Error::Exhausted(format!(
                    "numbers that were assigned since the copy was made must not be assigned again, and the S10 range of carrier {} does not have {} left to skip: raise its serial_to, then adopt again",
                    carrier.code, self.numbers
                )));
            }
        }
        Ok(())
    }
}
