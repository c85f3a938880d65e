//! Typed ids: a TypeID in text, a UUIDv7 in the database.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use crate::{base32, excerpt};

/// What an id is of.
pub trait Kind: 'static {
    /// What its text begins with, before the underscore, such as `order`.
    const PREFIX: &'static str;
}

/// The id of a `K`. Text: a TypeID (`order_01h455vb4pex5vsknk084sn02q`, specification 0.3); database: its UUID,
/// which begins with the time, so that newer ids sort last.
pub struct Id<K: Kind> {
    uuid: Uuid,
    kind: PhantomData<fn() -> K>,
}

/// A text that is no id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a valid id: it must be `{prefix}_` and 26 characters of 0-9 and a-z except i, l, o, u"
)]
pub struct Error {
    text: String,
    prefix: &'static str,
}

impl<K: Kind> Id<K> {
    /// A new id, later than all before.
    #[expect(
        clippy::new_without_default,
        reason = "each is another: a default would say that they are equal"
    )]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that makes ids")]
    pub fn new() -> Self {
        Self::from(Uuid::now_v7())
    }

    /// The id that follows from another's: the same inputs give the same id (UUIDv5), so that a step taken again
    /// names the same thing.
    pub fn derive(namespace: Uuid, name: &str) -> Self {
        let name = format!("{}:{name}", K::PREFIX);
        Self::from(Uuid::new_v5(&namespace, name.as_bytes()))
    }

    /// As it is in the database.
    pub const fn uuid(self) -> Uuid {
        self.uuid
    }
}

impl<K: Kind> From<Uuid> for Id<K> {
    fn from(uuid: Uuid) -> Self {
        Self { uuid, kind: PhantomData }
    }
}

impl<K: Kind> From<Id<K>> for Uuid {
    fn from(id: Id<K>) -> Self {
        id.uuid
    }
}

impl<K: Kind> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K: Kind> Copy for Id<K> {}

impl<K: Kind> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.uuid == other.uuid
    }
}

impl<K: Kind> Eq for Id<K> {}

impl<K: Kind> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K: Kind> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.uuid.cmp(&other.uuid)
    }
}

impl<K: Kind> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.uuid.hash(state);
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", K::PREFIX, base32::encode(self.uuid.as_u128()))
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K: Kind> FromStr for Id<K> {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix(K::PREFIX)
            .and_then(|rest| rest.strip_prefix('_'))
            .and_then(base32::decode)
            .map(|bits| Self::from(Uuid::from_u128(bits)))
            .ok_or_else(|| Error { text: excerpt(text).to_string(), prefix: K::PREFIX })
    }
}

impl<K: Kind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, K: Kind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{OrderId, QuoteId};

    #[test]
    fn the_text_is_a_typeid() {
        // From the valid cases of the TypeID specification.
        let id = OrderId::from(Uuid::parse_str("01890a5d-ac96-774b-bcce-b302099a8057").unwrap());
        assert_eq!(id.to_string(), "order_01h455vb4pex5vsknk084sn02q");
        assert_eq!("order_01h455vb4pex5vsknk084sn02q".parse(), Ok(id));
        let most = OrderId::from(Uuid::from_u128(u128::MAX));
        assert_eq!(most.to_string(), "order_7zzzzzzzzzzzzzzzzzzzzzzzzz");
        assert_eq!(most.to_string().parse(), Ok(most));
    }

    #[test]
    fn another_kind_is_refused() {
        let quote = QuoteId::new().to_string();
        let error = quote.parse::<OrderId>().unwrap_err();
        assert!(error.to_string().contains("it must be `order_` and 26"), "{error}");
    }

    #[test]
    fn what_is_no_suffix_is_refused() {
        for text in [
            "order_",
            "order",
            "order_81h455vb4pex5vsknk084sn02q",
            "order_01h455vb4pex5vsknk084sn02",
            "order_01H455VB4PEX5VSKNK084SN02Q",
            "order_01h455vb4pex5vsknk084sn0ил",
            "order__01h455vb4pex5vsknk084sn02q",
        ] {
            assert!(text.parse::<OrderId>().is_err(), "{text}");
        }
    }

    #[test]
    fn derived_ids_are_stable_and_apart() {
        let saga = OrderId::new().uuid();
        assert_eq!(OrderId::derive(saga, "a"), OrderId::derive(saga, "a"));
        assert_ne!(OrderId::derive(saga, "a"), OrderId::derive(saga, "b"));
        assert_ne!(OrderId::derive(saga, "a").uuid(), QuoteId::derive(saga, "a").uuid());
    }

    #[test]
    fn new_ids_sort_by_time() {
        let ids: Vec<OrderId> = (0..100).map(|_| OrderId::new()).collect();
        assert!(ids.is_sorted());
    }
}
