//! Money that goes back: whole, in part, before and after the release, and never more than was paid.

use proto::order::events::v1::ReturnReceived;
use proto::payment::events::v1::{RefundCompleted, RefundFailed};
use proto::payment::v1::PaymentState;
use testkit::on_both;

use crate::sale::{EARNED, PRICE, Sale};
use crate::till::{BUYER, Till, money, myr};

/// A tenth of a consignment's goods: 13.30 with 1.30 of duty and tax, in the buyer's currency and the seller's.
const TENTH: (i64, i64) = (1_460, 10_000);

impl Till {
    async fn completed(&self) -> Vec<RefundCompleted> {
        self.hub.told_of("payment.refund_completed.v1").await
    }

    async fn failed(&self) -> Vec<RefundFailed> {
        self.hub.told_of("payment.refund_failed.v1").await
    }

    async fn refunded(&self, sale: &Sale) -> i64 {
        self.payment(sale).await.refunded.unwrap().minor_units
    }

    /// Returns of one consignment, one after the other.
    async fn return_each(&self, sale: &Sale, place: usize, parts: &[(i64, i64)]) {
        for (refund, goods) in parts {
            self.give_back(sale, &sale.return_of(place, myr(*refund), money("THB", *goods))).await;
        }
    }
}

on_both! {
    async fn a_cancelled_order_is_refunded_whole_and_once(database: Database) {
        let till = Till::open(&database).await;
        let sale = till.bought(2).await;
        till.cancel(&sale).await;
        till.cancel(&sale).await;
        assert_eq!(till.in_the_wallet().await, (2 * PRICE, 0));
        assert_eq!(till.entries().await.iter().map(|(_, amount)| amount).sum::<i64>(), 2 * PRICE);
        let told = till.completed().await;
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].amount.clone(), told[0].return_id.as_str()), (Some(myr(2 * PRICE)), ""));
        assert_eq!(told[0].consignment_id, "");
        assert_eq!((till.state(&sale).await, till.refunded(&sale).await), (PaymentState::Captured, 2 * PRICE));
        // What was given back is not paid out as well.
        till.receive(&sale, 0).await;
        assert_eq!(till.told("payment.escrow_released.v1").await, 0);
        assert_eq!(till.balance("escrow", "MYR").await, 0);
        till.close().await;
    }

    async fn a_cancelled_order_gives_back_what_is_still_in_escrow(database: Database) {
        let till = Till::open(&database).await;
        let sale = till.bought(3).await;
        till.receive(&sale, 0).await;
        till.return_each(&sale, 1, &[TENTH]).await;
        till.cancel(&sale).await;
        assert_eq!(till.in_the_wallet().await, (2 * PRICE, 0));
        assert_eq!(till.completed().await[1].amount, Some(myr(2 * PRICE - TENTH.0)));
        assert_eq!(till.refunded(&sale).await, 2 * PRICE);
        assert_eq!(till.balance("seller_payable", "THB").await, EARNED);
        till.close().await;
    }

    async fn an_order_cancelled_before_it_was_confirmed_is_not_for_payment(database: Database) {
        let till = Till::open(&database).await;
        till.funded(myr(PRICE)).await;
        let sale = till.sale(1);
        till.authorise(&sale).await.unwrap();
        let message = proto::order::events::v1::OrderCancelled {
            order_id: sale.order_id.to_string(),
            hold_id: sale.hold_id.to_string(),
            ..Default::default()
        };
        till.hub.tell("order", &sale.event(&till, "order.cancelled.v1", &message)).await;
        // Order ends its hold by Void.
        assert_eq!(till.in_the_wallet().await, (0, PRICE));
        till.void(&sale).await;
        assert_eq!((till.in_the_wallet().await, till.completed().await), ((PRICE, 0), vec![]));
        assert_eq!(till.parked().await, []);
        till.close().await;
    }

    async fn a_part_that_comes_back_before_the_release_is_not_paid_out(database: Database) {
        let till = Till::open(&database).await;
        let sale = till.bought(1).await;
        let back = sale.return_of(0, myr(TENTH.0), money("THB", TENTH.1));
        till.give_back(&sale, &back).await;
        // The same return told again by another event.
        till.give_back(&sale, &back).await;
        assert_eq!(till.in_the_wallet().await, (TENTH.0, 0));
        let told = till.completed().await;
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].return_id.as_str(), told[0].amount.clone()), (back.return_id.as_str(), Some(myr(TENTH.0))));
        assert_eq!(told[0].consignment_id, sale.consignments[0].consignment_id);
        till.receive(&sale, 0).await;
        for (kind, currency, balance) in [
            ("seller_payable", "THB", 82_800),
            ("commission", "THB", 7_200),
            ("customs_payable", "MYR", 1_170),
            ("carrier_payable", "MYR", 2_000),
            ("escrow", "MYR", 0),
            ("exchange", "MYR", 11_970),
            ("exchange", "THB", -90_000),
        ] {
            assert_eq!(till.balance(kind, currency).await, balance, "{kind} {currency}");
        }
        till.close().await;
    }

    async fn a_part_that_comes_back_after_the_release_is_taken_back(database: Database) {
        let till = Till::open(&database).await;
        let sale = till.bought(1).await;
        till.receive(&sale, 0).await;
        till.return_each(&sale, 0, &[TENTH]).await;
        assert_eq!(till.in_the_wallet().await, (TENTH.0, 0));
        // To the same end as before the release.
        for (kind, currency, balance) in [
            ("seller_payable", "THB", 82_800),
            ("commission", "THB", 7_200),
            ("customs_payable", "MYR", 1_170),
            ("exchange", "MYR", 11_970),
            ("exchange", "THB", -90_000),
        ] {
            assert_eq!(till.balance(kind, currency).await, balance, "{kind} {currency}");
        }
        let statement = till.statement().await;
        assert_eq!(statement.balances, [money("THB", 82_800)]);
        let kinds: Vec<_> = statement.lines.iter().map(|line| line.kind.as_str()).collect();
        assert_eq!(kinds, ["commission_returned", "return", "commission", "sale"]);
        till.close().await;
    }

    async fn a_new_commission_is_for_new_orders(database: Database) {
        let till = Till::open(&database).await;
        let sale = till.bought(2).await;
        till.receive(&sale, 0).await;
        let till = till.with_commission(&database, "0.20").await;
        // Confirmed at 8%: so it is released, and so it is taken back.
        till.receive(&sale, 1).await;
        assert_eq!(till.balance("commission", "THB").await, 16_000);
        till.return_each(&sale, 0, &[(14_600, 100_000)]).await;
        assert_eq!(till.balance("commission", "THB").await, 8_000);
        let later = till.bought(1).await;
        till.receive(&later, 0).await;
        assert_eq!(till.balance("commission", "THB").await, 28_000);
        assert_eq!(till.statement().await.balances, [money("THB", EARNED + 80_000)]);
        till.close().await;
    }

    async fn many_small_returns_come_to_one_large_one(database: Database) {
        let till = Till::open(&database).await;
        let sale = till.bought(1).await;
        till.receive(&sale, 0).await;
        // Of 7 satang each: the commission on one is half a satang and a bit.
        till.return_each(&sale, 0, &[(2, 7); 14]).await;
        assert_eq!(till.in_the_wallet().await, (28, 0));
        // 98 satang less 8% is 90.16: as if they had come back at once.
        assert_eq!(till.balance("seller_payable", "THB").await, EARNED - 90);
        assert_eq!(till.balance("commission", "THB").await, 8_000 - 8);
        till.close().await;
    }

    async fn goods_whose_price_rounds_to_nothing_come_back_for_nothing(database: Database) {
        let till = Till::open(&database).await;
        let sale = till.bought(2).await;
        till.return_each(&sale, 0, &[(0, 3)]).await;
        till.receive(&sale, 0).await;
        till.return_each(&sale, 0, &[(0, 4)]).await;
        assert_eq!((till.completed().await.len(), till.in_the_wallet().await), (2, (0, 0)));
        // The order goes on: nothing is parked before this.
        till.receive(&sale, 1).await;
        assert_eq!(till.told("payment.escrow_released.v1").await, 2);
        assert_eq!(till.statement().await.balances, [money("THB", 2 * EARNED - 7 + 1)]);
        till.close().await;
    }

    async fn whole_returns_end_alike_before_and_after_the_release(database: Database) {
        let till = Till::open(&database).await;
        for count in 1..=20 {
            let sale = till.bought(1).await;
            if count % 2 == 0 {
                till.give_back(&sale, &sale.whole(0)).await;
                till.receive(&sale, 0).await;
            } else {
                till.receive(&sale, 0).await;
                till.give_back(&sale, &sale.whole(0)).await;
            }
        }
        // What was carried stays paid, and the seller who is to bear it does: the hub neither gains nor loses.
        for (kind, currency, balance) in [
            ("wallet", "MYR", 20 * PRICE),
            ("carrier_payable", "MYR", 20 * 2_000),
            ("seller_payable", "MYR", -20 * 2_000),
            ("seller_payable", "THB", 0),
            ("commission", "THB", 0),
            ("customs_payable", "MYR", 0),
            ("exchange", "MYR", 0),
            ("exchange", "THB", 0),
            ("escrow", "MYR", 0),
        ] {
            assert_eq!(till.balance(kind, currency).await, balance, "{kind} {currency}");
        }
        assert_eq!(till.statement().await.balances, [money("MYR", -20 * 2_000), money("THB", 0)]);
        let borne = till.transfers().await.into_iter().filter(|transfer| transfer.kind == "return_costs");
        assert_eq!(borne.filter(|transfer| transfer.debit_owner == till.seller).count(), 20);
        till.close().await;
    }

    async fn a_consignment_that_costs_the_hub_money_is_a_violation(database: Database) {
        let till = Till::open(&database).await;
        let sale = till.bought(1).await;
        // The carriage is given back, and nobody is to bear it.
        let unborne = ReturnReceived { outward_costs: Some(myr(0)), ..sale.whole(0) };
        till.receive(&sale, 0).await;
        assert_eq!(till.trial_balance().await.violations, Vec::<String>::new());
        till.give_back(&sale, &unborne).await;
        let violations = till.trial_balance().await.violations;
        assert_eq!(violations.len(), 1);
        assert!(violations[0].contains(&sale.consignments[0].consignment_id), "{violations:?}");
        till.hub.stop().await;
    }

    async fn a_return_told_again_with_another_amount_is_parked(database: Database) {
        let till = Till::open(&database).await;
        let sale = till.bought(1).await;
        let back = sale.return_of(0, myr(TENTH.0), money("THB", TENTH.1));
        till.give_back(&sale, &back).await;
        till.give_back(&sale, &back).await;
        assert_eq!(till.parked().await.len(), 0);
        till.give_back(&sale, &ReturnReceived { refund: Some(myr(TENTH.0 + 1)), ..back }).await;
        let parked = till.parked().await;
        assert!(parked[0].reason.contains("was refunded with"), "{}", parked[0].reason);
        assert_eq!((till.in_the_wallet().await, till.completed().await.len()), ((TENTH.0, 0), 1));
        till.close().await;
    }

    async fn more_than_is_left_fails_and_is_told(database: Database) {
        let till = Till::open(&database).await;
        let sale = till.bought(2).await;
        till.receive(&sale, 1).await;
        for place in [0, 1] {
            till.return_each(&sale, place, &[(PRICE, 100_000)]).await;
            let before = till.in_the_wallet().await;
            let more = sale.return_of(place, myr(1), money("THB", 0));
            till.give_back(&sale, &more).await;
            till.give_back(&sale, &more).await;
            let told = till.failed().await;
            assert_eq!(told.len(), place + 1);
            assert_eq!((told[place].return_id.as_str(), told[place].reason.is_empty()), (more.return_id.as_str(), false));
            assert_eq!(till.in_the_wallet().await, before);
        }
        assert_eq!(till.refunded(&sale).await, 2 * PRICE);
        assert_eq!(till.completed().await.len(), 2);
        till.close().await;
    }

    async fn one_minor_unit_too_much_fails_whole(database: Database) {
        let till = Till::open(&database).await;
        let sale = till.bought(2).await;
        // More than the consignment's, though less than the order's.
        till.return_each(&sale, 0, &[(PRICE + 1, 100_000)]).await;
        assert_eq!((till.in_the_wallet().await, till.failed().await.len()), ((0, 0), 1));
        till.give_back(&sale, &sale.return_of(0, money("SGD", 1), money("THB", 1))).await;
        assert_eq!((till.refunded(&sale).await, till.failed().await.len()), (0, 2));
        till.return_each(&sale, 0, &[(PRICE, 100_000)]).await;
        assert_eq!(till.in_the_wallet().await, (PRICE, 0));
        till.close().await;
    }

    async fn a_return_to_a_cancelled_order_fails(database: Database) {
        let till = Till::open(&database).await;
        let sale = till.bought(1).await;
        till.cancel(&sale).await;
        till.return_each(&sale, 0, &[TENTH, (0, 3)]).await;
        assert_eq!((till.failed().await.len(), till.completed().await.len()), (2, 1));
        assert_eq!(till.in_the_wallet().await, (PRICE, 0));
        till.close().await;
    }

    async fn refunds_stay_within_what_was_captured(database: Database) {
        let till = Till::open(&database).await;
        let sale = till.bought(1).await;
        till.return_each(&sale, 0, &[(7_000, 42_000), (7_000, 42_000)]).await;
        till.receive(&sale, 0).await;
        // 2,600 is left: one fits, the next does not, a smaller one does.
        till.return_each(&sale, 0, &[(2_000, 12_000), (2_000, 12_000), (600, 4_000)]).await;
        assert_eq!((till.refunded(&sale).await, till.in_the_wallet().await), (PRICE, (PRICE, 0)));
        assert_eq!((till.completed().await.len(), till.failed().await.len()), (4, 1));
        till.cancel(&sale).await;
        assert_eq!(till.in_the_wallet().await, (PRICE, 0));
        till.close().await;
    }

    async fn a_refund_reaches_the_buyer_who_paid(database: Database) {
        let till = Till::open(&database).await;
        let sale = till.bought(1).await;
        let other = till.open_wallet("somebody", "MYR").await;
        till.cancel(&sale).await;
        assert_eq!(till.list_wallets("somebody").await, [other]);
        let wallets = till.list_wallets(BUYER).await;
        assert_eq!(wallets[0].available, Some(myr(PRICE)));
        till.close().await;
    }
}
