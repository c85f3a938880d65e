//! `cargo xtask services`: writes what deploy/ says of each service. A test of `e2e` makes it of the list of services, and
//! compares it; here it is told to write.

use anyhow::{Result, bail};

use crate::command;

const TEST: &str = "deployment::each_file_says_of_each_service_what_it_should";
/// Tells the test to write.
const VARIABLE: &str = "ENTREPOT_TEST_WRITE";

/// Runs the command.
pub(crate) fn run() -> Result<()> {
    let mut cargo = command::cargo();
    cargo.args(["test", "--quiet", "--package", "e2e", "--test", "it", "--", "--exact", TEST, "--nocapture"]);
    if !cargo.env(VARIABLE, "1").status()?.success() {
        bail!("the files of deploy/ are not all written");
    }
    Ok(())
}
