//! Each text of each request is read: nobody sends what cannot be seen, printed or stored.

use rpc::Role;
use testkit::Database;
use testkit::texts::{Requests, unread_texts};

use crate::market::Market;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_is_refused_by_its_name_where_it_is_blank_harmful_or_too_long() {
    let database = Database::sqlite();
    let market = Market::open(&database).await;
    let trader = market.trader().await;
    let requests = Requests {
        callers: &[(Role::Seller, &trader.id), (Role::Operator, "somchai"), (Role::Service, "order")],
        right: &[
            // A new shelf, in a place: no shelf that is there.
            ("variants[0].stock_item_id", ""),
            ("variant.stock_item_id", ""),
            ("location_id", &trader.location),
            ("UpdateSeller.seller_id", &trader.id),
            ("header.fields[0]", "sku"),
            ("header.default_language", "en"),
            ("ReplayParkedEvents.consumer", "catalog.order"),
            ("CompareDatabases.own.service", "order"),
        ],
        alone: &["ImportProducts.header"],
        free: &[
            ("Release.reason", "a hold ends whatever the words are; they are logged in part"),
            ("Reserve.lines[0].quoted", "is compared with what is offered, and not kept"),
        ],
    };
    assert_eq!(unread_texts(&market.hub, &requests).await, Vec::<String>::new());
    market.hub.stop().await;
    database.remove().await;
}
