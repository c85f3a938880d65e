//! The only SQL of this service, one file per table.

pub(crate) mod declarations;
pub(crate) mod measures;
pub(crate) mod orders;
pub(crate) mod serials;
pub(crate) mod shipments;
pub(crate) mod tracking;

/// A row that cannot be read: it was well formed when it was written.
fn broken(what: impl std::fmt::Display) -> db::Error {
    db::Error::Other(sqlx::Error::Decode(what.to_string().into()))
}
