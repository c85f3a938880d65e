//! Each text of each request is read: nobody sends what cannot be seen, printed or stored.

use rpc::Role;
use testkit::Database;
use testkit::texts::{Requests, unread_texts};

use crate::depot::Depot;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_is_refused_by_its_name_where_it_is_blank_harmful_or_too_long() {
    let database = Database::sqlite();
    let depot = Depot::open(&database).await;
    let shipment = kernel::ShipmentId::new().to_string();
    let requests = Requests {
        callers: &[
            (Role::Buyer, "aisyah"),
            (Role::Carrier, "post"),
            (Role::Operator, "somchai"),
            (Role::Seller, depot.seller.as_str()),
            (Role::Service, "order"),
        ],
        right: &[
            ("charge_rate", "1"),
            ("GetHandoverList.carrier", "selat"),
            ("shipment_ids[0]", shipment.as_str()),
            ("ReplayParkedEvents.consumer", "logistics.order"),
            ("CompareDatabases.own.service", "order"),
        ],
        alone: &[],
        free: &[],
    };
    assert_eq!(unread_texts(&depot.hub, &requests).await, Vec::<String>::new());
    depot.hub.stop().await;
    database.remove().await;
}
