//! What is measured of parcels.

use db::Tx;

/// Consignments by state.
pub(crate) async fn consignments(tx: &mut Tx) -> Result<Vec<(String, i64)>, db::Error> {
    db::fetch_all!(tx, (String, i64), "select state, count(*) from shipments group by state")
}

/// Declarations by state.
pub(crate) async fn declarations(tx: &mut Tx) -> Result<Vec<(String, i64)>, db::Error> {
    db::fetch_all!(tx, (String, i64), "select state, count(*) from declarations group by state")
}
