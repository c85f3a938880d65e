//! Each text of each request is read: nobody sends what cannot be seen, printed or stored.

use rpc::Role;
use testkit::Database;
use testkit::texts::{Requests, unread_texts};

use crate::shop::Shop;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_is_refused_by_its_name_where_it_is_blank_harmful_or_too_long() {
    let database = Database::sqlite();
    let shop = Shop::open(&database).await;
    let seller = shop.seller.to_string();
    let requests = Requests {
        callers: &[
            (Role::Buyer, "aisyah"),
            (Role::Seller, &seller),
            (Role::Operator, "somchai"),
            (Role::Service, "payment"),
        ],
        right: &[
            ("ReplayParkedEvents.consumer", "order.payment"),
            ("CompareDatabases.own.service", "payment"),
        ],
        alone: &[],
        free: &[],
    };
    assert_eq!(unread_texts(&shop.hub, &requests).await, Vec::<String>::new());
    shop.hub.stop().await;
    database.remove().await;
}
