//! Wallets: opened once a currency, filled once a request.

use futures::future::join_all;
use proto::payment::v1::{ListWalletEntriesRequest, OpenWalletRequest, TopUpWalletRequest};
use rpc::status::{fields, reason};
use runtime::Sandbox;
use std::time::Duration;
use testkit::on_both;
use tonic::Code;

use crate::till::{BUYER, Till, minor, money, myr, request_id, why};

fn top_up(wallet_id: &str, currency: &str, minor_units: i64) -> TopUpWalletRequest {
    TopUpWalletRequest {
        request_id: request_id(),
        wallet_id: wallet_id.to_owned(),
        amount: Some(money(currency, minor_units)),
    }
}

on_both! {
    async fn a_wallet_is_opened_once_for_each_currency(database: Database) {
        let till = Till::open(&database).await;
        let opened = till.open_wallet(BUYER, "MYR").await;
        assert_eq!((minor(&opened), opened.currency.as_str()), ((0, 0), "MYR"));
        assert_eq!(till.open_wallet(BUYER, "MYR").await, opened);
        let baht = till.open_wallet(BUYER, "THB").await;
        assert_ne!(baht.wallet_id, opened.wallet_id);
        let of_another = till.open_wallet("somebody", "MYR").await;
        assert_ne!(of_another.wallet_id, opened.wallet_id);
        assert_eq!(till.list_wallets(BUYER).await, [opened, baht]);
        for (currency, code) in [("XXZ", Code::InvalidArgument), ("KWD", Code::FailedPrecondition)] {
            let request = OpenWalletRequest { request_id: request_id(), currency: currency.to_owned() };
            let refused = till.wallets(BUYER).open_wallet(request).await.unwrap_err();
            assert_eq!(refused.code(), code, "{currency}");
        }
        till.close().await;
    }

    async fn twenty_who_open_at_once_open_one(database: Database) {
        let till = Till::open(&database).await;
        let opened = join_all((0..20).map(|_| till.open_wallet(BUYER, "MYR"))).await;
        assert!(opened.iter().all(|wallet| *wallet == opened[0]));
        assert_eq!(till.list_wallets(BUYER).await.len(), 1);
        till.close().await;
    }

    async fn a_top_up_counts_once_by_its_request_id(database: Database) {
        let till = Till::open(&database).await;
        let wallet = till.open_wallet(BUYER, "MYR").await;
        let request = top_up(&wallet.wallet_id, "MYR", 5_000);
        let first = till.wallets(BUYER).top_up_wallet(request.clone()).await.unwrap().into_inner();
        assert_eq!(minor(first.wallet.as_ref().unwrap()), (5_000, 0));
        till.top_up(BUYER, &wallet, myr(700)).await;
        let again = till.wallets(BUYER).top_up_wallet(request.clone()).await.unwrap().into_inner();
        assert_eq!(again, first);
        let other = TopUpWalletRequest { amount: Some(myr(5_001)), ..request };
        assert_eq!(why(till.wallets(BUYER).top_up_wallet(other).await), "REQUEST_ID_REUSED");
        assert_eq!(till.in_the_wallet().await, (5_700, 0));
        assert_eq!(till.entries().await, [("top_up".to_owned(), 700), ("top_up".to_owned(), 5_000)]);
        assert_eq!(till.balance("provider_clearing", "MYR").await, -5_700);
        till.close().await;
    }

    async fn top_ups_at_once_all_count_and_are_shown(database: Database) {
        let till = Till::open(&database).await;
        let wallet = till.open_wallet(BUYER, "MYR").await;
        let request = top_up(&wallet.wallet_id, "MYR", 1_000);
        let same = join_all((0..8).map(|_| {
            let (mut wallets, request) = (till.wallets(BUYER), request.clone());
            async move { wallets.top_up_wallet(request).await.unwrap().into_inner() }
        }));
        let answers = same.await;
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        assert_eq!(till.in_the_wallet().await, (1_000, 0));
        let filled = join_all((0..12).map(|_| till.top_up(BUYER, &wallet, myr(100)))).await;
        // Each sees the wallet after its own: no two the same.
        let mut seen: Vec<i64> = filled.iter().map(|wallet| minor(wallet).0).collect();
        seen.sort_unstable();
        assert_eq!(seen, (1..=12).map(|count| 1_000 + count * 100).collect::<Vec<_>>());
        till.close().await;
    }

    async fn bad_amounts_name_their_field(database: Database) {
        let till = Till::open(&database).await;
        let wallet = till.open_wallet(BUYER, "MYR").await;
        for (currency, minor_units, field) in [
            ("MYR", 0, "amount.minor_units"),
            ("MYR", -1, "amount.minor_units"),
            ("MYR", i64::MAX, "amount.minor_units"),
            ("THB", 100, "amount.currency"),
            ("", 100, "amount.currency"),
        ] {
            let request = top_up(&wallet.wallet_id, currency, minor_units);
            let refused = till.wallets(BUYER).top_up_wallet(request).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument, "{currency} {minor_units}");
            assert_eq!(fields(&refused), [field], "{currency} {minor_units}");
        }
        let request = TopUpWalletRequest { amount: None, ..top_up(&wallet.wallet_id, "MYR", 1) };
        let refused = till.wallets(BUYER).top_up_wallet(request).await.unwrap_err();
        assert_eq!(fields(&refused), ["amount"]);
        assert_eq!(till.in_the_wallet().await, (0, 0));
        till.close().await;
    }

    async fn anothers_wallet_is_not_found(database: Database) {
        let till = Till::open(&database).await;
        let wallet = till.funded(myr(500)).await;
        let refused = till.wallets("mallory").top_up_wallet(top_up(&wallet.wallet_id, "MYR", 1)).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_deref()), (Code::NotFound, Some("WALLET_NOT_FOUND")));
        let request = ListWalletEntriesRequest { wallet_id: wallet.wallet_id, ..Default::default() };
        let refused = till.wallets("mallory").list_wallet_entries(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound);
        assert_eq!(till.list_wallets("mallory").await, []);
        assert_eq!(till.in_the_wallet().await, (500, 0));
        till.close().await;
    }

    async fn pages_of_entries_neither_skip_nor_repeat(database: Database) {
        let till = Till::open(&database).await;
        let wallet = till.open_wallet(BUYER, "MYR").await;
        for amount in 1..=7 {
            till.top_up(BUYER, &wallet, myr(amount)).await;
        }
        let mut request = ListWalletEntriesRequest { wallet_id: wallet.wallet_id.clone(), page_size: 3, ..Default::default() };
        let mut seen = Vec::new();
        loop {
            let page = till.wallets(BUYER).list_wallet_entries(request.clone()).await.unwrap().into_inner();
            seen.extend(page.entries.into_iter().map(|entry| entry.amount.unwrap().minor_units));
            till.top_up(BUYER, &wallet, myr(100)).await;
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(seen, [7, 6, 5, 4, 3, 2, 1]);
        till.close().await;
    }

    async fn only_a_sandbox_takes_the_word_for_money(database: Database) {
        let real = Sandbox { enabled: false, day_length: Duration::from_secs(86_400) };
        let till = Till::at("my", &database, |setup| setup.sandbox(real)).await;
        let wallet = till.open_wallet(BUYER, "MYR").await;
        assert_eq!(why(till.wallets(BUYER).top_up_wallet(top_up(&wallet.wallet_id, "MYR", 1)).await), "NOT_A_SANDBOX");
        assert_eq!(till.in_the_wallet().await, (0, 0));
        till.close().await;
    }
}
