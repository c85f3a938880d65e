//! Any UUID survives its way through the text of an id, and no other text means the same id.

use kernel::OrderId;
use proptest::prelude::*;
use uuid::Uuid;

proptest! {
    #[test]
    fn any_uuid_reads_back(bits: u128) {
        let id = OrderId::from(Uuid::from_u128(bits));
        let text = id.to_string();
        prop_assert_eq!(text.len(), "order_".len() + 26);
        prop_assert_eq!(text.parse::<OrderId>(), Ok(id));
    }

    #[test]
    fn text_sorts_as_the_uuid_does(left: u128, right: u128) {
        let (left, right) = (OrderId::from(Uuid::from_u128(left)), OrderId::from(Uuid::from_u128(right)));
        prop_assert_eq!(left.cmp(&right), left.to_string().cmp(&right.to_string()));
    }

    #[test]
    fn what_is_read_is_written_the_same(text in "order_[0-7][0-9a-z]{25}|\\PC{0,40}|order_\\PC{26}") {
        if let Ok(id) = text.parse::<OrderId>() {
            prop_assert_eq!(id.to_string(), text);
        }
    }
}
