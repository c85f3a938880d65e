//! Orders from the quote to their end.

use proof::purchase::{self, OrderOptions};
use proof::{journey, returns};
use proto::order::v1::{
    CancelOrderRequest, ConsignmentState, Order, OrderState, PaymentMethod, ReturnLine, ReturnState,
};
use proto::payment::v1::GetStatementRequest;
use proto::types::v1::Address;

use crate::town::{
    AT_ONCE, Ground, PATIENCE, STILL, Town, address, available, becomes, buy, quote, seller, seller_of,
    total, wallet,
};

fn consignment_id(order: &Order, place: usize) -> String {
    order.consignments[place].quoted.as_ref().unwrap().consignment_id.clone()
}

on_every_shape! {
    async fn an_order_from_two_countries_is_paid_by_wallet_and_completed(ground: Ground) {
        let town = Town::open(&ground, AT_ONCE).await;
        let thai = seller(&town.hub, &[10]).await;
        let chinese = seller_of(&town.hub, "pearl", "CN", "CNY", &[10]).await;
        let buyer = town.hub.buyer("aisyah").unwrap();
        let order = buy(&buyer, &[(thai.variants[0].clone(), 2), (chinese.variants[0].clone(), 1)]).await;
        assert_eq!((order.state(), order.consignments.len()), (OrderState::Confirmed, 2));
        let over = journey::to_completion(&buyer, &order.order_id, PATIENCE, |_| {}).await.unwrap();
        assert_eq!(over.state(), OrderState::Completed);
        assert_eq!(journey::count_in(&over, &[ConsignmentState::Released]), 2);
        for consignment in &over.consignments {
            assert_eq!(consignment.steps.len(), 8);
            assert_eq!(consignment.tracking_number.len(), 13);
        }
        town.check().await;
        assert_eq!(wallet(&buyer).await, (0, 0));
        // 2 at THB 450.00 less 8%.
        let request = GetStatementRequest::default();
        let statement = thai.shop.session.statements().get_statement(request).await.unwrap().into_inner();
        assert_eq!(statement.balances.iter().map(|money| money.minor_units).collect::<Vec<_>>(), [82_800]);
        assert_eq!(available(&thai, 0).await, 8);
        town.close().await;
    }

    async fn an_order_is_paid_by_qr_and_completed(ground: Ground) {
        let town = Town::open(&ground, AT_ONCE).await;
        let thai = seller(&town.hub, &[10]).await;
        let buyer = town.hub.buyer("aisyah").unwrap();
        let quote = quote(&buyer, &[(thai.variants[0].clone(), 1)]).await;
        let placing = OrderOptions::new(address(), PaymentMethod::Duitnow);
        let order = purchase::place(&buyer, &quote, &placing).await.unwrap();
        assert_eq!(order.state(), OrderState::AwaitingPayment);
        purchase::pay_qr(&town.hub, &order).await.unwrap();
        let over = journey::to_completion(&buyer, &order.order_id, PATIENCE, |_| {}).await.unwrap();
        assert_eq!(over.state(), OrderState::Completed);
        town.close().await;
    }

    async fn a_confirmed_order_is_cancelled_before_pick_up_and_all_is_given_back(ground: Ground) {
        let town = Town::open(&ground, STILL).await;
        let thai = seller(&town.hub, &[10]).await;
        let buyer = town.hub.buyer("aisyah").unwrap();
        let order = buy(&buyer, &[(thai.variants[0].clone(), 3)]).await;
        let request = CancelOrderRequest {
            request_id: proof::request_id(),
            order_id: order.order_id.clone(),
            reason: "changed my mind".to_owned(),
        };
        buyer.orders().cancel_order(request).await.unwrap();
        let over = journey::watch(&buyer, &order.order_id, PATIENCE, |_| {}, journey::is_over).await.unwrap();
        assert_eq!((over.state(), over.cancel_reason.as_str()), (OrderState::Cancelled, "BUYER_CANCELLED"));
        town.check().await;
        let paid = order.price.unwrap().total.unwrap().minor_units;
        becomes((paid, 0), || wallet(&buyer)).await;
        becomes(10, || available(&thai, 0)).await;
        town.close().await;
    }

    async fn goods_go_back_and_their_price_too(ground: Ground) {
        let town = Town::open(&ground, AT_ONCE).await;
        let thai = seller(&town.hub, &[10, 10]).await;
        let buyer = town.hub.buyer("aisyah").unwrap();
        let order = buy(&buyer, &[(thai.variants[0].clone(), 3), (thai.variants[1].clone(), 1)]).await;
        let over = journey::to_completion(&buyer, &order.order_id, PATIENCE, |_| {}).await.unwrap();
        let lines = vec![ReturnLine { variant_id: thai.variants[0].clone(), quantity: 2 }];
        let consignment = consignment_id(&over, 0);
        let asked = returns::request(&buyer, &order.order_id, &consignment, lines.clone(), "r-1").await.unwrap();
        returns::accept(&thai.shop.session, &asked.return_id, true).await.unwrap();
        let refunded = returns::refunded(&buyer, &asked.return_id, PATIENCE).await.unwrap();
        assert_eq!(refunded.state(), ReturnState::Refunded);
        town.check().await;
        assert_eq!(wallet(&buyer).await, (refunded.refund.unwrap().minor_units, 0));
        becomes(9, || available(&thai, 0)).await;
        // Two of three are back: two more are not to be had.
        let refused = returns::request(&buyer, &order.order_id, &consignment, lines, "r-2").await.unwrap_err();
        assert_eq!(rpc::status::reason(&refused).as_deref(), Some("QUANTITY_EXCEEDED"));
        // All that is left: what the buyer got back never exceeds what was paid.
        let left = vec![
            ReturnLine { variant_id: thai.variants[0].clone(), quantity: 1 },
            ReturnLine { variant_id: thai.variants[1].clone(), quantity: 1 },
        ];
        let asked = returns::request(&buyer, &order.order_id, &consignment, left, "r-3").await.unwrap();
        returns::accept(&thai.shop.session, &asked.return_id, false).await.unwrap();
        returns::refunded(&buyer, &asked.return_id, PATIENCE).await.unwrap();
        // The last units bring the carriage.
        assert_eq!(wallet(&buyer).await, (order.price.unwrap().total.unwrap().minor_units, 0));
        assert_eq!(available(&thai, 0).await, 9);
        town.close().await;
    }

    async fn a_third_country_trades_by_its_profile_alone(ground: Ground) {
        let town = Town::open_in("sg", &ground, AT_ONCE).await;
        let malaysian = seller_of(&town.hub, "lorong", "MY", "MYR", &[10]).await;
        let buyer = town.hub.buyer("weiling").unwrap();
        let quote = quote(&buyer, &[(malaysian.variants[0].clone(), 1)]).await;
        assert_eq!(total(&quote).currency, "SGD");
        // GST of 9% on the price, which the registered seller collects.
        let rules = &quote.consignments[0].rules;
        assert!(rules.iter().any(|rule| rule.title.contains("GST")), "{rules:?}");
        purchase::fund(&buyer, &total(&quote)).await.unwrap();
        let home = Address { city: "Singapore".to_owned(), postcode: "088439".to_owned(), country: "SG".to_owned(), ..address() };
        let order = purchase::place(&buyer, &quote, &OrderOptions::new(home, PaymentMethod::Wallet)).await.unwrap();
        let over = journey::to_completion(&buyer, &order.order_id, PATIENCE, |_| {}).await.unwrap();
        assert_eq!(over.state(), OrderState::Completed);
        town.close().await;
    }

    async fn the_sum_of_the_parts_is_what_is_paid(ground: Ground) {
        let town = Town::open(&ground, STILL).await;
        let thai = seller(&town.hub, &[100, 100, 100]).await;
        let buyer = town.hub.buyer("aisyah").unwrap();
        let wishes: Vec<_> = thai.variants.iter().cloned().zip([1, 7, 3]).collect();
        for currency in ["MYR", "THB", "USD", "JPY"] {
            let quote = purchase::quote(&buyer, &wishes, currency).await.unwrap();
            let minor = |money: &Option<proto::types::v1::Money>| money.as_ref().unwrap().minor_units;
            let parts = |price: &proto::types::v1::PriceParts| {
                [&price.goods, &price.carriage, &price.insurance, &price.duty, &price.tax, &price.fees].map(minor)
            };
            let price = quote.price.as_ref().unwrap();
            assert_eq!(parts(price).iter().sum::<i64>(), total(&quote).minor_units);
            for consignment in &quote.consignments {
                let whole = parts(consignment.price.as_ref().unwrap());
                let lines = consignment.lines.iter().map(|line| parts(line.price.as_ref().unwrap()));
                let sum = lines.fold([0; 6], |sum, line| std::array::from_fn(|part| sum[part] + line[part]));
                assert_eq!(sum, whole);
            }
        }
        town.close().await;
    }
}
