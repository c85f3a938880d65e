//! Watching an order: every version once, in order, live, and again from where one was.

use std::time::Duration;

use proto::logistics::events::v1::ShipmentState;
use proto::order::v1::{Order, OrderState, WatchOrderRequest, WatchOrderResponse};
use testkit::on_both;
use tonic::{Code, Status, Streaming};

use crate::shop::{BUYER, Shop, reason};

/// How long a version may take to come.
const PATIENCE: Duration = Duration::from_secs(30);

async fn watch(shop: &Shop, order: &Order, after_version: i64) -> Streaming<WatchOrderResponse> {
    let request = WatchOrderRequest { order_id: order.order_id.clone(), after_version };
    shop.orders(BUYER).watch_order(request).await.unwrap().into_inner()
}

async fn next(stream: &mut Streaming<WatchOrderResponse>) -> Result<Order, Status> {
    let next = tokio::time::timeout(PATIENCE, stream.message()).await.expect("a version comes in time");
    Ok(next?.expect("the stream goes on").order.unwrap())
}

on_both! {
    async fn every_version_comes_once_and_live(database: Database) {
        let shop = Shop::open(&database).await;
        let order = shop.order().await;
        let mut from_start = watch(&shop, &order, 0).await;
        let mut live = watch(&shop, &order, 2).await;
        let first = next(&mut from_start).await.unwrap();
        assert_eq!((first.version, first.state()), (1, OrderState::Placing));
        assert_eq!(next(&mut from_start).await.unwrap(), order);
        shop.booked(&order, 0).await;
        shop.moved(&order, 0, ShipmentState::PickedUp, shop.hub.now()).await;
        for stream in [&mut from_start, &mut live] {
            for version in 3..=4 {
                assert_eq!(next(stream).await.unwrap().version, version);
            }
        }
        // Resumed after the last that was seen.
        let mut resumed = watch(&shop, &order, 3).await;
        let last = next(&mut resumed).await.unwrap();
        assert_eq!((last.version, last), (4, shop.get(&order.order_id).await));
        // What no version comes after is refused, and not waited for.
        for after_version in [-1, 5, i64::MAX] {
            let request = WatchOrderRequest { order_id: order.order_id.clone(), after_version };
            let refused = shop.orders(BUYER).watch_order(request).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument);
            assert_eq!(rpc::status::fields(&refused), ["after_version"]);
        }
        drop((from_start, live));
        shop.hub.stop().await;
    }

    async fn a_server_that_leaves_says_so(database: Database) {
        let shop = Shop::open(&database).await;
        let order = shop.order().await;
        let mut stream = watch(&shop, &order, 1).await;
        assert_eq!(next(&mut stream).await.unwrap().version, 2);
        shop.hub.stop().await;
        let ended = next(&mut stream).await.unwrap_err();
        assert_eq!((ended.code(), reason(&ended)), (Code::Unavailable, "DRAINING".to_owned()));
    }
}
