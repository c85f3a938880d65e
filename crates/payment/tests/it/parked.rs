//! Events that cannot be handled: they are parked with their reason, and an operator replays them.

use proto::operator::internal::v1::operator_service_client::OperatorServiceClient;
use proto::operator::internal::v1::{
    ListParkedEventsRequest, ParkedEvent, ReplayParkedEventsRequest, ReplayParkedEventsResponse,
};
use proto::order::events::v1::{OrderConfirmed, ReturnReceived};
use proto::payment::v1::PaymentState;
use rpc::Role;
use testkit::on_both;
use testkit::service::Line;

use crate::sale::{PRICE, Sale};
use crate::till::{OPERATOR, Till, money, myr, request_id};

impl Till {
    fn operator(&self) -> OperatorServiceClient<Line> {
        OperatorServiceClient::new(self.hub.internal(Role::Operator, OPERATOR))
    }

    pub(crate) async fn parked(&self) -> Vec<ParkedEvent> {
        let request = ListParkedEventsRequest { service: "payment".to_owned(), ..Default::default() };
        self.operator().list_parked_events(request).await.unwrap().into_inner().events
    }

    async fn replay(&self, sale: &Sale) -> ReplayParkedEventsResponse {
        let request = ReplayParkedEventsRequest {
            request_id: request_id(),
            service: "payment".to_owned(),
            consumer: "payment.order".to_owned(),
            aggregate_id: sale.order_id.uuid().to_string(),
        };
        self.operator().replay_parked_events(request).await.unwrap().into_inner()
    }
}

on_both! {
    async fn an_order_confirmed_before_its_money_came_waits_for_it(database: Database) {
        let till = Till::open(&database).await;
        let sale = till.sale(1).by("duitnow");
        let code = till.code(&sale).await;
        till.confirm(&sale).await;
        let parked = till.parked().await;
        assert_eq!(parked.len(), 1);
        assert_eq!((parked[0].kind.as_str(), parked[0].consumer.as_str()), ("order.confirmed.v1", "payment.order"));
        assert!(parked[0].reason.contains("is not held"), "{}", parked[0].reason);
        // Later events of the order wait behind it; another order goes on.
        till.receive(&sale, 0).await;
        till.bought(1).await;
        assert_eq!(till.parked().await.len(), 2);
        let too_soon = till.replay(&sale).await;
        assert_eq!((too_soon.replayed_count, too_soon.parked_count), (0, 2));
        assert!(too_soon.reason.contains("is not held"));
        till.pay(&code, "bank-1").await;
        let replayed = till.replay(&sale).await;
        assert_eq!((replayed.replayed_count, replayed.parked_count, replayed.reason.as_str()), (2, 0, ""));
        assert_eq!((till.state(&sale).await, till.parked().await), (PaymentState::Captured, vec![]));
        assert_eq!((till.told("payment.escrow_released.v1").await, till.balance("escrow", "MYR").await), (1, PRICE));
        // Nothing is left, and nothing is done again.
        assert_eq!(till.replay(&sale).await, ReplayParkedEventsResponse::default());
        till.close().await;
    }

    async fn a_confirmed_order_whose_hold_was_voided_is_parked_at_once(database: Database) {
        let till = Till::open(&database).await;
        till.funded(myr(PRICE)).await;
        let sale = till.sale(1);
        till.authorise(&sale).await.unwrap();
        till.void(&sale).await;
        till.confirm(&sale).await;
        assert!(till.parked().await[0].reason.contains("was voided"));
        assert_eq!((till.in_the_wallet().await, till.told("payment.escrow_held.v1").await), ((PRICE, 0), 0));
        till.close().await;
    }

    async fn what_does_not_add_up_captures_nothing(database: Database) {
        let till = Till::open(&database).await;
        till.funded(myr(2 * PRICE)).await;
        let of_another = till.sale(1);
        type Change = fn(&mut OrderConfirmed, &Sale);
        let changes: [(Change, &str); 5] = [
            (|event, _| { event.consignments.pop(); }, "add up to"),
            (|event, _| event.consignments[1].consignment_id = event.consignments[0].consignment_id.clone(), "consignment"),
            (|event, other| event.order_id = other.order_id.to_string(), "order"),
            (|event, _| event.consignments[0].goods_rate.as_mut().unwrap().rate = "0".to_owned(), "goods_rate"),
            (
                |event, _| {
                    let total = |place: usize, minor| Some(proto::types::v1::PriceParts {
                        total: Some(myr(minor)),
                        ..event.consignments[place].price.clone().unwrap()
                    });
                    (event.consignments[0].price, event.consignments[1].price) =
                        (total(0, 2 * PRICE + 1), total(1, -1));
                },
                "total",
            ),
        ];
        for (count, (change, reason)) in changes.into_iter().enumerate() {
            let sale = till.sale(2);
            till.authorise(&sale).await.unwrap();
            let mut event = sale.confirmed();
            change(&mut event, &of_another);
            till.hub.tell("order", &sale.event(&till, "order.confirmed.v1", &event)).await;
            let parked = till.parked().await;
            assert_eq!(parked.len(), count + 1);
            assert!(parked[count].reason.contains(reason), "{}", parked[count].reason);
            assert_eq!((till.state(&sale).await, till.in_the_wallet().await), (PaymentState::Held, (0, 2 * PRICE)));
            till.void(&sale).await;
        }
        till.close().await;
    }

    async fn a_return_of_less_than_nothing_is_parked(database: Database) {
        let till = Till::open(&database).await;
        for (refund, goods) in [
            (myr(-5), money("THB", 10)),
            (myr(5), money("THB", -10)),
            (myr(5), money("SGD", 10)),
        ] {
            let sale = till.bought(1).await;
            let before = till.parked().await.len();
            till.give_back(&sale, &sale.return_of(0, refund, goods)).await;
            assert_eq!(till.parked().await.len(), before + 1);
        }
        let refunds = till.told("payment.refund_completed.v1").await + till.told("payment.refund_failed.v1").await;
        assert_eq!((refunds, till.balance("escrow", "MYR").await), (0, 3 * PRICE));
        till.close().await;
    }

    async fn what_cannot_be_read_is_parked(database: Database) {
        let till = Till::open(&database).await;
        let sale = till.sale(1);
        let message = ReturnReceived { consignment_id: "consignment_x".to_owned(), ..Default::default() };
        till.hub.tell("order", &sale.event(&till, "order.return_received.v1", &message)).await;
        assert!(till.parked().await[0].reason.contains("return_id"), "{}", till.parked().await[0].reason);
        // A kind of event that payment does not know is none of its business.
        let other = till.sale(1);
        till.hub.tell("order", &other.event(&till, "order.placed.v1", &message)).await;
        assert_eq!(till.parked().await.len(), 1);
        till.close().await;
    }
}
