//! Goods that go back: whole consignments and parts, before and after escrow was released.

use chrono::Duration;
use futures::future::join_all;
use kernel::RefundId;
use proto::order::events::v1::ReturnReceived;
use proto::order::v1::{
    ApproveReturnRequest, ConsignmentState, CostBearer, GetReturnRequest, ListReturnsRequest, Order,
    OrderState, ReceiveReturnRequest, RejectReturnRequest, RequestReturnRequest, Return, ReturnCause,
    ReturnLine, ReturnState, ReturnTerms,
};
use proto::types::v1::Money;
use rpc::Role;
use testkit::{eventually, on_both};
use tonic::Status;

use crate::shop::{BUYER, Shop, consignment_id, read_as, reason, request_id};

fn ask(order: &Order, place: usize, lines: &[(&str, i64)]) -> RequestReturnRequest {
    let lines = lines.iter().map(|(variant_id, quantity)| ReturnLine {
        variant_id: (*variant_id).to_owned(),
        quantity: *quantity,
    });
    RequestReturnRequest {
        request_id: request_id(),
        order_id: order.order_id.clone(),
        consignment_id: consignment_id(order, place),
        lines: lines.collect(),
        reason: "torn".to_owned(),
        client_reference: String::new(),
        cause: ReturnCause::Unspecified.into(),
    }
}

impl Shop {
    /// The goods of a consignment can go back now.
    pub(crate) async fn can_send_back(&self, order: &Order, place: usize) {
        assert_eq!(self.ask_back(ask(order, place, &[])).await.unwrap().state(), ReturnState::Requested);
    }

    async fn ask_back(&self, request: RequestReturnRequest) -> Result<Return, Status> {
        Ok(self.returns(Role::Buyer, BUYER).request_return(request).await?.into_inner().r#return.unwrap())
    }

    async fn approve(&self, one: &Return) -> Result<Return, Status> {
        let request = ApproveReturnRequest {
            request_id: request_id(),
            return_id: one.return_id.clone(),
            answer: "sorry".to_owned(),
        };
        Ok(self
            .returns(Role::Seller, &one.seller_id)
            .approve_return(request)
            .await?
            .into_inner()
            .r#return
            .unwrap())
    }

    async fn reject(&self, one: &Return) -> Result<Return, Status> {
        let request = RejectReturnRequest {
            request_id: request_id(),
            return_id: one.return_id.clone(),
            answer: "worn".to_owned(),
        };
        Ok(self
            .returns(Role::Seller, &one.seller_id)
            .reject_return(request)
            .await?
            .into_inner()
            .r#return
            .unwrap())
    }

    async fn take_back(&self, one: &Return) -> Result<Return, Status> {
        let request = ReceiveReturnRequest {
            request_id: request_id(),
            return_id: one.return_id.clone(),
            restock: true,
        };
        Ok(self
            .returns(Role::Seller, &one.seller_id)
            .receive_return(request)
            .await?
            .into_inner()
            .r#return
            .unwrap())
    }

    async fn get_return(&self, one: &Return) -> Return {
        let request = GetReturnRequest { return_id: one.return_id.clone() };
        self.returns(Role::Buyer, BUYER).get_return(request).await.unwrap().into_inner().r#return.unwrap()
    }
}

/// A thousand more returns as the declined one there is, whose ids sort before all others.
async fn decline_a_thousand_more(db: &db::Db) {
    let declined: Result<(), db::Error> = db
        .write(|tx| {
            Box::pin(async move {
                let sql = tx.sql(
                    "insert into returns (id, order_id, consignment_id, seller_id, buyer, state, detail, request, \
                     created_at, updated_at) with recursive n (i) as (select 1 union all select i + 1 from n where i < 1000) \
                     select cast(lpad(to_hex(i), 32, '0') as uuid), order_id, consignment_id, seller_id, buyer, state, \
                     detail, request, created_at, updated_at from returns, n where state = 'rejected'",
                    "insert into returns (id, order_id, consignment_id, seller_id, buyer, state, detail, request, \
                     created_at, updated_at) with recursive n (i) as (select 1 union all select i + 1 from n where i < 1000) \
                     select unhex(printf('%032x', i)), order_id, consignment_id, seller_id, buyer, state, \
                     detail, request, created_at, updated_at from returns, n where state = 'rejected'",
                );
                assert_eq!(db::execute!(tx, sql)?, 1_000);
                Ok(())
            })
        })
        .await;
    declined.unwrap();
}

fn refund(one: &Return) -> i64 {
    one.refund.as_ref().unwrap().minor_units
}

on_both! {
    async fn a_whole_consignment_goes_back(database: Database) {
        let shop = Shop::open(&database).await;
        let order = shop.order().await;
        assert_eq!(reason(&shop.ask_back(ask(&order, 0, &[])).await.unwrap_err()), "NOT_DELIVERED");
        shop.delivered(&order, 0).await;
        let request = ask(&order, 0, &[]);
        let asked = shop.ask_back(request.clone()).await.unwrap();
        assert_eq!(shop.ask_back(request).await.unwrap(), asked);
        assert_eq!((asked.state(), asked.lines.len()), (ReturnState::Requested, 1));
        let total = order.price.as_ref().unwrap().total.clone().unwrap();
        assert_eq!(asked.refund, Some(total.clone()));
        assert_eq!(reason(&shop.take_back(&asked).await.unwrap_err()), "RETURN_NOT_APPROVED");
        // While it is open, time releases no escrow.
        shop.hub.advance(Duration::days(8));
        assert_eq!(shop.approve(&asked).await.unwrap().answer, "sorry");
        assert_eq!(reason(&shop.reject(&asked).await.unwrap_err()), "RETURN_NOT_OPEN");
        assert_eq!(shop.told("order.consignment_received.v1").await, 0);
        let received = shop.take_back(&asked).await.unwrap();
        assert_eq!((received.state(), received.restock), (ReturnState::Received, true));
        let told: Vec<ReturnReceived> = shop.hub.told_of("order.return_received.v1").await;
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].refund.clone(), told[0].restock), (Some(total.clone()), true));
        let costs = [&told[0].duty_and_tax, &told[0].outward_costs].map(|cost| cost.as_ref().unwrap().minor_units);
        let price = order.consignments[0].quoted.as_ref().unwrap().price.as_ref().unwrap();
        let minor = |part: &Option<Money>| part.as_ref().unwrap().minor_units;
        let outward = minor(&price.carriage) + minor(&price.insurance) + minor(&price.fees);
        assert_eq!(costs, [minor(&price.duty) + minor(&price.tax), outward]);
        assert_eq!(told[0].terms.as_ref().map(read_as), asked.terms);
        let terms = ReturnTerms {
            cause: ReturnCause::ChangeOfMind.into(),
            outward_carriage: CostBearer::Seller.into(),
            return_carriage: CostBearer::Buyer.into(),
            duty_and_tax: CostBearer::Customs.into(),
        };
        assert_eq!(asked.terms, Some(terms));
        assert_eq!(told[0].seller_goods, order.consignments[0].quoted.as_ref().unwrap().seller_goods);
        shop.refunded(&order, &asked.return_id, &total, 8).await;
        assert_eq!(shop.get_return(&asked).await.state(), ReturnState::Refunded);
        let done = shop.get(&order.order_id).await;
        assert_eq!((done.refunded.clone(), done.state()), (Some(total), OrderState::Completed));
        eventually("what is left of the escrow is released", || async {
            (shop.told("order.consignment_received.v1").await == 1).then_some(())
        })
        .await;
        assert_eq!(shop.audit().await, Vec::<String>::new());
        shop.hub.stop().await;
    }

    async fn parts_go_back_and_never_exceed_what_was_paid(database: Database) {
        let shop = Shop::open(&database).await;
        let order = shop.order().await;
        shop.delivered(&order, 0).await;
        let whole = order.price.as_ref().unwrap().total.as_ref().unwrap().minor_units;
        let (silk, mut given) = (shop.silk.clone(), 0);
        assert_eq!(reason(&shop.ask_back(ask(&order, 0, &[(&silk, 4)])).await.unwrap_err()), "QUANTITY_EXCEEDED");
        let rejected = shop.ask_back(ask(&order, 0, &[(&silk, 3)])).await.unwrap();
        assert_eq!(reason(&shop.ask_back(ask(&order, 0, &[(&silk, 1)])).await.unwrap_err()), "QUANTITY_EXCEEDED");
        assert_eq!(shop.reject(&rejected).await.unwrap().state(), ReturnState::Rejected);
        for version in 0..3 {
            let one = shop.ask_back(ask(&order, 0, &[(&silk, 1)])).await.unwrap();
            given += refund(&one);
            shop.approve(&one).await.unwrap();
            shop.take_back(&one).await.unwrap();
            shop.refunded(&order, &one.return_id, one.refund.as_ref().unwrap(), 10 + version).await;
            assert_eq!(shop.get_return(&one).await.state(), ReturnState::Refunded);
        }
        // All units, one by one: to the last sen, and the carriage with the last.
        assert_eq!(given, whole);
        assert_eq!(shop.get(&order.order_id).await.refunded.unwrap().minor_units, given);
        assert_eq!(reason(&shop.ask_back(ask(&order, 0, &[(&silk, 1)])).await.unwrap_err()), "QUANTITY_EXCEEDED");
        assert_eq!(shop.told("order.return_received.v1").await, 3);
        let list = ListReturnsRequest { order_id: order.order_id.clone(), page_size: 3, page_token: String::new() };
        let page = shop.returns(Role::Buyer, BUYER).list_returns(list.clone()).await.unwrap().into_inner();
        assert_eq!((page.returns.len(), page.next_page_token.is_empty()), (3, false));
        let next = ListReturnsRequest { page_token: page.next_page_token, ..list };
        let page = shop.returns(Role::Buyer, BUYER).list_returns(next).await.unwrap().into_inner();
        assert_eq!(page.returns.iter().map(|one| &one.return_id).collect::<Vec<_>>(), [&rejected.return_id]);
        shop.hub.stop().await;
    }

    async fn wrong_or_damaged_goods_are_the_sellers_cost_both_ways(database: Database) {
        let shop = Shop::open(&database).await;
        let order = shop.order().await;
        shop.delivered(&order, 0).await;
        let wrong = ask(&order, 0, &[]);
        let asked = shop.ask_back(RequestReturnRequest { cause: 9, ..wrong.clone() }).await.unwrap_err();
        assert_eq!(rpc::status::fields(&asked), ["cause"]);
        let wrong = RequestReturnRequest { cause: ReturnCause::WrongOrDamaged.into(), ..wrong };
        let terms = shop.ask_back(wrong).await.unwrap().terms.unwrap();
        let bearers = (terms.outward_carriage(), terms.return_carriage());
        assert_eq!((terms.cause(), bearers), (ReturnCause::WrongOrDamaged, (CostBearer::Seller, CostBearer::Seller)));
        shop.hub.stop().await;
    }

    async fn declined_returns_hide_none_of_the_others(database: Database) {
        let shop = Shop::open(&database).await;
        let order = shop.order().await;
        shop.delivered(&order, 0).await;
        let declined = shop.ask_back(ask(&order, 0, &[])).await.unwrap();
        shop.reject(&declined).await.unwrap();
        decline_a_thousand_more(&database.connect().await).await;
        let all = shop.ask_back(ask(&order, 0, &[(&shop.silk, 3)])).await.unwrap();
        assert_eq!(reason(&shop.ask_back(ask(&order, 0, &[(&shop.silk, 1)])).await.unwrap_err()), "QUANTITY_EXCEEDED");
        shop.approve(&all).await.unwrap();
        let received = shop.take_back(&all).await.unwrap();
        assert_eq!(received.refund, order.price.as_ref().unwrap().total);
        assert_eq!(reason(&shop.ask_back(ask(&order, 0, &[(&shop.silk, 1)])).await.unwrap_err()), "QUANTITY_EXCEEDED");
        shop.hub.stop().await;
    }

    async fn a_refund_told_twice_counts_once_and_another_of_its_id_not(database: Database) {
        let shop = Shop::open(&database).await;
        let order = shop.order().await;
        shop.delivered(&order, 0).await;
        let refund = RefundId::new();
        for (version, amount) in [(8, 100), (9, 100), (10, 101)] {
            shop.refunded_as(&order, refund, amount, version).await;
        }
        assert_eq!(shop.get(&order.order_id).await.refunded.unwrap().minor_units, 100);
        let parked = shop.parked().await;
        assert!(parked[0].contains("was reported before"), "{parked:?}");
        assert_eq!(parked.len(), 1);
        shop.hub.stop().await;
    }

    async fn two_that_want_the_same_units_get_them_once(database: Database) {
        let shop = Shop::open(&database).await;
        let order = shop.order().await;
        shop.delivered(&order, 0).await;
        let asks = (0..8).map(|_| shop.ask_back(ask(&order, 0, &[(&shop.silk, 2)])));
        let answers = join_all(asks).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        shop.hub.stop().await;
    }

    async fn goods_may_go_back_for_a_while_even_after_the_release(database: Database) {
        let shop = Shop::open(&database).await;
        let order = shop.order_of_two().await;
        shop.delivered(&order, 0).await;
        shop.delivered(&order, 1).await;
        shop.hub.advance(Duration::days(29));
        eventually("time confirms both", || async {
            (shop.told("order.consignment_received.v1").await == 2).then_some(())
        })
        .await;
        shop.released(&order, 0, 5).await;
        shop.released(&order, 1, 6).await;
        let mut request = ask(&order, 0, &[]);
        request.client_reference = "C-7".to_owned();
        let one = shop.ask_back(request).await.unwrap();
        shop.approve(&one).await.unwrap();
        shop.take_back(&one).await.unwrap();
        shop.refund_failed(&order, &one.return_id, 7).await;
        assert_eq!(shop.get_return(&one).await.state(), ReturnState::Received);
        assert_eq!(shop.audit().await.len(), 1);
        shop.refunded(&order, &one.return_id, one.refund.as_ref().unwrap(), 8).await;
        assert_eq!(shop.audit().await, Vec::<String>::new());
        let seen = shop.get(&order.order_id).await;
        assert_eq!((seen.state(), seen.consignments[0].state()), (OrderState::Completed, ConsignmentState::Released));
        let mut request = ask(&order, 1, &[]);
        request.client_reference = "C-7".to_owned();
        assert_eq!(reason(&shop.ask_back(request).await.unwrap_err()), "CLIENT_REFERENCE_TAKEN");
        shop.hub.advance(Duration::days(2));
        assert_eq!(reason(&shop.ask_back(ask(&order, 1, &[])).await.unwrap_err()), "RETURN_PERIOD_OVER");
        shop.hub.stop().await;
    }
}
