//! Exchange rates: what they are made of, and how old they may be.

use std::io::Write as _;
use std::time::Duration;

use kernel::{Clock, QuoteId};
use proto::convert::timestamp;
use proto::payment::internal::v1::rate_service_client::RateServiceClient;
use proto::payment::internal::v1::{CurrencyPair, LockRatesRequest, LockRatesResponse};
use proto::payment::v1::exchange_service_client::ExchangeServiceClient;
use proto::payment::v1::{GetExchangeRateRequest, GetExchangeRateResponse};
use rpc::status::{fields, metadata, reason};
use runtime::Sandbox;
use tempfile::NamedTempFile;
use testkit::{Database, on_both};
use tonic::{Code, Status};

use crate::till::Till;

/// A hub whose rates are of today: 5 ringgit and 40 baht for a euro.
async fn fresh(database: &Database, sandbox: bool) -> (Till, NamedTempFile, String) {
    let today = Clock::system().now().date_naive().to_string();
    let mut file = NamedTempFile::new().unwrap();
    write!(file, "Date,MYR,THB\n{today},5,40\n").unwrap();
    let sandbox = Sandbox { enabled: sandbox, day_length: Duration::from_secs(86_400) };
    let till = Till::at("my", database, |setup| setup.rates(file.path()).sandbox(sandbox)).await;
    (till, file, today)
}

impl Till {
    async fn rate(&self, from: &str, to: &str) -> Result<GetExchangeRateResponse, Status> {
        let request = GetExchangeRateRequest { from_currency: from.to_owned(), to_currency: to.to_owned() };
        Ok(ExchangeServiceClient::new(self.hub.anyone()).get_exchange_rate(request).await?.into_inner())
    }

    async fn lock(&self, quote_id: &str, pairs: &[(&str, &str)]) -> Result<LockRatesResponse, Status> {
        let pair = |(from, to): &(&str, &str)| CurrencyPair {
            from_currency: (*from).to_owned(),
            to_currency: (*to).to_owned(),
        };
        let request = LockRatesRequest {
            quote_id: quote_id.to_owned(),
            pairs: pairs.iter().map(pair).collect(),
            expires_at: Some(timestamp(self.hub.now())),
        };
        Ok(RateServiceClient::new(self.hub.as_service("order")).lock_rates(request).await?.into_inner())
    }
}

on_both! {
    async fn a_rate_shows_what_it_is_made_of(database: Database) {
        let (till, _file, today) = fresh(&database, true).await;
        let answer = till.rate("MYR", "THB").await.unwrap();
        let rate = answer.rate.unwrap();
        assert_eq!((rate.from_currency.as_str(), rate.to_currency.as_str()), ("MYR", "THB"));
        // The reference and 1.5%.
        assert_eq!((rate.reference_rate.as_str(), rate.rate.as_str()), ("8", "8.12"));
        assert_eq!((rate.as_of, rate.rate_id.as_str()), (today, ""));
        assert!(rate.source.contains("ECB reference rates"), "{}", rate.source);
        assert_eq!(answer.warnings, Vec::<String>::new());
        let same = till.rate("MYR", "MYR").await.unwrap().rate.unwrap();
        assert_eq!((same.rate.as_str(), same.reference_rate.as_str()), ("1", "1"));
        till.close().await;
    }

    async fn a_quotes_rates_are_locked_in_the_order_asked(database: Database) {
        let (till, _file, _) = fresh(&database, true).await;
        let quote_id = QuoteId::new().to_string();
        let pairs = [("THB", "MYR"), ("MYR", "MYR"), ("MYR", "THB")];
        let locked = till.lock(&quote_id, &pairs).await.unwrap();
        let rates: Vec<_> = locked.rates.iter().map(|rate| rate.rate.as_str()).collect();
        assert_eq!(rates, ["0.126875", "1", "8.12"]);
        assert!(locked.rates[0].rate_id.starts_with("rate_") && locked.rates[1].rate_id.is_empty());
        assert_eq!(till.lock(&quote_id, &pairs).await.unwrap(), locked);
        let other = till.lock(&QuoteId::new().to_string(), &pairs).await.unwrap();
        assert_ne!(other.rates[0].rate_id, locked.rates[0].rate_id);
        for (quote_id, pairs, field) in [
            ("x", vec![("THB", "MYR")], "quote_id"),
            (quote_id.as_str(), vec![], "pairs"),
            (quote_id.as_str(), vec![("THB", "MYR"); 121], "pairs"),
            (quote_id.as_str(), vec![("THB", "MYR"), ("THB", "RM")], "pairs[1].to_currency"),
        ] {
            let refused = till.lock(quote_id, &pairs).await.unwrap_err();
            assert_eq!((refused.code(), fields(&refused)), (Code::InvalidArgument, vec![field.to_owned()]));
        }
        till.close().await;
    }

    async fn real_money_is_not_exchanged_at_an_old_rate(database: Database) {
        let (till, _file, today) = fresh(&database, false).await;
        till.hub.advance(chrono::Duration::days(6));
        let answer = till.rate("MYR", "THB").await.unwrap();
        assert_eq!((answer.rate.unwrap().as_of, answer.warnings.len()), (today, 0));
        till.hub.advance(chrono::Duration::days(2));
        let quote_id = QuoteId::new().to_string();
        for refused in [
            till.rate("MYR", "THB").await.unwrap_err(),
            till.lock(&quote_id, &[("MYR", "MYR"), ("THB", "MYR")]).await.unwrap_err(),
        ] {
            assert_eq!((refused.code(), reason(&refused).as_deref()), (Code::FailedPrecondition, Some("RATE_TOO_OLD")));
        }
        // A currency and itself have no age.
        assert!(till.lock(&quote_id, &[("MYR", "MYR")]).await.is_ok());
        till.close().await;
    }

    async fn a_sandbox_says_that_a_rate_is_old(database: Database) {
        let (till, _file, today) = fresh(&database, true).await;
        till.hub.advance(chrono::Duration::days(8));
        let answer = till.rate("MYR", "THB").await.unwrap();
        assert_eq!(answer.rate.unwrap().rate, "8.12");
        assert!(answer.warnings[0].contains(&today), "{:?}", answer.warnings);
        let locked = till.lock(&QuoteId::new().to_string(), &[("MYR", "THB"), ("MYR", "MYR")]).await.unwrap();
        assert_eq!(locked.warnings, answer.warnings);
        till.close().await;
    }

    async fn a_currency_without_a_rate_is_named(database: Database) {
        let (till, _file, _) = fresh(&database, true).await;
        for (from, to) in [("KWD", "MYR"), ("MYR", "KWD")] {
            let refused = till.rate(from, to).await.unwrap_err();
            assert_eq!((refused.code(), reason(&refused).as_deref()), (Code::FailedPrecondition, Some("RATE_UNAVAILABLE")));
            assert_eq!(metadata(&refused, "currency").as_deref(), Some("KWD"));
        }
        let refused = till.rate("MYR", "RM").await.unwrap_err();
        assert_eq!(fields(&refused), ["to_currency"]);
        till.close().await;
    }
}
