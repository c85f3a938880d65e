//! A confirmed order's money: into escrow by consignment, and out of it to those who earned it.

use proto::order::events::v1::QuotedConsignment;
use proto::payment::events::v1::{EscrowHeld, EscrowReleased};
use proto::payment::v1::{GetStatementRequest, PaymentState};
use proto::types::v1::PriceParts;
use rpc::Role;
use testkit::on_both;

use crate::sale::{EARNED, PRICE, Sale, rate};
use crate::till::{Till, money, myr};

/// The terms that are kept, in the order of the consignments' ids.
async fn terms(till: &Till) -> Vec<Option<String>> {
    let kept: Result<Vec<(Option<String>,)>, db::Error> = till
        .hub
        .db
        .read(|tx| {
            let sql = "select cast(terms as text) from escrows order by consignment_id";
            Box::pin(async move { db::fetch_all!(tx, (Option<String>,), sql) })
        })
        .await;
    kept.unwrap().into_iter().map(|(terms,)| terms).collect()
}

on_both! {
    async fn escrows_of_the_release_before_are_paid_as_they_are_and_carried_over(database: Database) {
        let till = Till::open(&database).await;
        let sale = till.bought(2).await;
        let kept = terms(&till).await;
        assert!(kept.iter().all(Option::is_some), "{kept:?}");
        let forgotten: Result<u64, db::Error> = till
            .hub
            .db
            .write(|tx| Box::pin(async move { db::execute!(tx, "update escrows set terms = null") }))
            .await;
        assert_eq!(forgotten.unwrap(), 2);
        till.receive(&sale, 0).await;
        assert_eq!(till.balance("seller_payable", "THB").await, EARNED);
        // With the commission of the day on which they were confirmed.
        let till = till.with_commission(&database, "0.5").await;
        testkit::eventually("they are carried over", || async { (terms(&till).await == kept).then_some(()) }).await;
        till.receive(&sale, 1).await;
        assert_eq!(till.balance("seller_payable", "THB").await, 2 * EARNED);
        till.close().await;
    }

    async fn a_confirmed_order_goes_into_escrow_once(database: Database) {
        let till = Till::open(&database).await;
        let sale = till.bought(3).await;
        assert_eq!(till.state(&sale).await, PaymentState::Captured);
        assert_eq!(till.in_the_wallet().await, (0, 0));
        assert_eq!((till.balance("escrow", "MYR").await, till.balance("holding", "MYR").await), (3 * PRICE, 0));
        let told: Vec<EscrowHeld> = till.hub.told_of("payment.escrow_held.v1").await;
        assert_eq!(told.len(), 1);
        let held: Vec<_> = told[0].amounts.iter().map(|held| (&held.consignment_id, held.amount.clone())).collect();
        let expected: Vec<_> = sale.consignments.iter().map(|one| (&one.consignment_id, Some(myr(PRICE)))).collect();
        assert_eq!(held, expected);
        let kinds: Vec<_> = till.transfers().await.into_iter().map(|transfer| transfer.kind).collect();
        assert_eq!(kinds.iter().filter(|kind| *kind == "escrow").count(), 3);
        till.close().await;
    }

    async fn a_received_consignment_pays_everybody_once(database: Database) {
        let till = Till::open(&database).await;
        let sale = till.bought(2).await;
        till.receive(&sale, 0).await;
        let told: Vec<EscrowReleased> = till.hub.told_of("payment.escrow_released.v1").await;
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].consignment_id, sale.consignments[0].consignment_id);
        assert_eq!(told[0].seller, Some(money("THB", EARNED)));
        assert_eq!(told[0].commission, Some(money("THB", 100_000 - EARNED)));
        assert_eq!((told[0].carrier.clone(), told[0].customs.clone()), (Some(myr(2_000)), Some(myr(1_300))));
        for (kind, currency, balance) in [
            ("escrow", "MYR", PRICE),
            ("seller_payable", "THB", EARNED),
            ("commission", "THB", 8_000),
            ("carrier_payable", "MYR", 2_000),
            ("customs_payable", "MYR", 1_300),
            ("exchange", "MYR", 13_300),
            ("exchange", "THB", -100_000),
        ] {
            assert_eq!(till.balance(kind, currency).await, balance, "{kind} {currency}");
        }
        // By the timer again: it has no effect.
        till.receive(&sale, 0).await;
        till.receive(&sale, 1).await;
        assert_eq!(till.told("payment.escrow_released.v1").await, 2);
        assert_eq!((till.balance("escrow", "MYR").await, till.balance("seller_payable", "THB").await), (0, 2 * EARNED));
        till.close().await;
    }

    async fn a_sellers_statement_shows_sales_and_commission(database: Database) {
        let till = Till::open(&database).await;
        assert_eq!(till.statement().await, proto::payment::v1::GetStatementResponse::default());
        let sale = till.bought(2).await;
        assert_eq!(till.statement().await.balances, []);
        till.receive(&sale, 0).await;
        till.receive(&sale, 1).await;
        let statement = till.statement().await;
        assert_eq!(statement.balances, [money("THB", 2 * EARNED)]);
        let lines: Vec<_> = statement
            .lines
            .iter()
            .map(|line| (line.kind.as_str(), line.amount.as_ref().unwrap().minor_units, line.consignment_id.as_str()))
            .collect();
        let [first, second] = [0, 1].map(|place: usize| sale.consignments[place].consignment_id.as_str());
        assert_eq!(
            lines,
            [
                ("commission", -8_000, second),
                ("sale", 100_000, second),
                ("commission", -8_000, first),
                ("sale", 100_000, first),
            ]
        );
        assert!(statement.lines.iter().all(|line| line.order_id == sale.order_id.to_string()));
        let (mut request, mut seen) = (GetStatementRequest { page_size: 3, ..Default::default() }, Vec::new());
        loop {
            let page = till.statements(Role::Seller, &till.seller).get_statement(request.clone()).await.unwrap();
            let page = page.into_inner();
            seen.extend(page.lines);
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(seen, statement.lines);
        till.close().await;
    }

    async fn each_currency_balances_by_itself(database: Database) {
        let till = Till::open(&database).await;
        // Paid in Singapore dollars: 42.50 of goods, 10.56 of carriage, duty and tax.
        let consignment = QuotedConsignment {
            price: Some(PriceParts { total: Some(money("SGD", 5_306)), ..PriceParts::default() }),
            goods_rate: Some(rate("THB", "SGD", "0.0425")),
            charges_rate: Some(rate("MYR", "SGD", "0.32")),
            ..till.consignment()
        };
        let sale = Sale::of(vec![consignment]);
        till.funded(money("SGD", 5_306)).await;
        till.authorise(&sale).await.unwrap();
        till.confirm(&sale).await;
        assert_eq!(till.balance("escrow", "SGD").await, 5_306);
        till.receive(&sale, 0).await;
        for (currency, position) in [("SGD", 5_306), ("THB", -100_000), ("MYR", -3_300)] {
            assert_eq!(till.balance("exchange", currency).await, position, "{currency}");
        }
        // A tenth goes back: 4.25 for the goods and 0.41 for duty and tax, which is 1.29 ringgit, rounded up.
        till.give_back(&sale, &sale.return_of(0, money("SGD", 466), money("THB", 10_000))).await;
        for (currency, position) in [("SGD", 4_840), ("THB", -90_000), ("MYR", -3_171)] {
            assert_eq!(till.balance("exchange", currency).await, position, "{currency}");
        }
        assert_eq!(till.in_the_wallet().await, (466, 0));
        till.close().await;
    }

    async fn a_consignment_for_nothing_is_captured_and_released(database: Database) {
        let till = Till::open(&database).await;
        let gift = QuotedConsignment {
            price: Some(PriceParts { total: Some(myr(0)), ..PriceParts::default() }),
            hub_price: None,
            seller_goods: Some(money("THB", 0)),
            ..till.consignment()
        };
        let sale = Sale::of(vec![till.consignment(), gift]);
        till.funded(myr(PRICE)).await;
        till.authorise(&sale).await.unwrap();
        till.confirm(&sale).await;
        till.receive(&sale, 1).await;
        assert_eq!(till.told("payment.escrow_released.v1").await, 1);
        assert_eq!(till.balance("escrow", "MYR").await, PRICE);
        till.close().await;
    }
}
