//! Sellers, goods and stock: their states and rules. Pure: no database, no network.

pub(crate) mod product;
pub(crate) mod reservation;
pub(crate) mod row;
pub(crate) mod seller;
pub(crate) mod terms;
