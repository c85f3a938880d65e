//! Sellers, goods and stock: their states and rules. Pure: no database, no network.

pub(crate) mod allowance;
pub(crate) mod product;
pub(crate) mod quoted;
pub(crate) mod reservation;
pub(crate) mod row;
pub(crate) mod search_terms;
pub(crate) mod seller;
