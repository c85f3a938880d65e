//! Whose parcels somebody sees.

/// Whose parcels they are to be; what is another's is not found.
#[derive(Debug, Clone)]
pub(crate) enum Owner {
    Buyer(String),
    Seller(String),
    Anyone,
}

impl Owner {
    /// Whether a parcel of this buyer's and this seller's is among them.
    pub(crate) fn may_see(&self, buyer: &str, seller_id: &str) -> bool {
        match self {
            Self::Buyer(own) => own == buyer,
            Self::Seller(own) => own == seller_id,
            Self::Anyone => true,
        }
    }
}
