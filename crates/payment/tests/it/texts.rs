//! Each text of each request is read: nobody sends what cannot be seen, printed or stored.

use rpc::Role;
use testkit::Database;
use testkit::texts::{Requests, unread_texts};

use crate::till::Till;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_is_refused_by_its_name_where_it_is_blank_harmful_or_too_long() {
    let database = Database::sqlite();
    let till = Till::open(&database).await;
    let code = till.code(&till.sale(1).by("duitnow")).await;
    let requests = Requests {
        callers: &[
            (Role::Buyer, "aisyah"),
            (Role::Seller, &till.seller),
            (Role::Operator, "somchai"),
            (Role::Service, "order"),
        ],
        right: &[
            ("PayQr.qr_payload", &code),
            ("GetStatement.seller_id", &till.seller),
            ("ReplayParkedEvents.consumer", "payment.order"),
            ("CompareDatabases.own.service", "order"),
        ],
        alone: &[],
        free: &[
            ("Void.reason", "a hold ends whatever the words are; they are logged in part"),
            (
                "ReportReceipt.order_reference",
                "money that has come is kept, with what can be kept of the words",
            ),
        ],
    };
    assert_eq!(unread_texts(&till.hub, &requests).await, Vec::<String>::new());
    till.hub.stop().await;
    database.remove().await;
}
