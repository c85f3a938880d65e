//! The same request again gets the first outcome.

use std::sync::atomic::Ordering;

use futures::future::join_all;
use rpc::idempotency::{self, RequestState};
use rpc::status::{fields, metadata, reason};
use testkit::on_both;
use tonic::Code;

use crate::counter::{Counter, Refusal, body, key, request_id};

on_both! {
    async fn twenty_at_once_do_it_once(database: Database) {
        let counter = Counter::open(&database).await;
        let key = key("siti", request_id(), "a");
        let answers = join_all((0..20).map(|_| counter.raise(key.clone(), None))).await;
        let first = answers[0].as_ref().unwrap();
        assert!(answers.iter().all(|answer| answer.as_ref().unwrap() == first), "{answers:?}");
        assert_eq!((counter.raised().await, counter.runs.load(Ordering::SeqCst)), (1, 1));
        // And later.
        assert_eq!(counter.raise(key, Some(Refusal::Full)).await.unwrap(), *first);
        assert_eq!(counter.raised().await, 1);
    }

    async fn another_body_is_refused(database: Database) {
        let counter = Counter::open(&database).await;
        let id = request_id();
        counter.raise(key("siti", id, "a"), None).await.unwrap();
        let refused = counter.raise(key("siti", id, "b"), None).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert_eq!(reason(&refused).as_deref(), Some("REQUEST_ID_REUSED"));
        assert_eq!(counter.raised().await, 1);
    }

    async fn a_request_that_the_release_before_recorded_is_known(database: Database) {
        let counter = Counter::open(&database).await;
        let id = request_id();
        let first = counter.raise(key("siti", id, "as it was"), None).await.unwrap();
        let again = key("siti", id, "a");
        assert_eq!(counter.raise(again.clone().formerly(&body("as it was")), None).await.unwrap(), first);
        for other in [again.clone(), again.formerly(&body("another"))] {
            let refused = counter.raise(other, None).await.unwrap_err();
            assert_eq!(reason(&refused).as_deref(), Some("REQUEST_ID_REUSED"));
        }
        assert_eq!(counter.raised().await, 1);
    }

    async fn another_principal_asks_for_something_else(database: Database) {
        let counter = Counter::open(&database).await;
        let id = request_id();
        let siti = counter.raise(key("siti", id, "a"), None).await.unwrap();
        let ahmad = counter.raise(key("ahmad", id, "b"), None).await.unwrap();
        assert_ne!(siti, ahmad);
        assert_eq!(counter.raised().await, 2);
        assert_eq!(counter.raise(key("siti", id, "a"), None).await.unwrap(), siti);
    }

    async fn a_refusal_is_kept_and_its_work_is_not(database: Database) {
        let counter = Counter::open(&database).await;
        let key = key("siti", request_id(), "a");
        let first = counter.raise(key.clone(), Some(Refusal::Full)).await.unwrap_err();
        assert_eq!(counter.raised().await, 0);
        let again = counter.raise(key, None).await.unwrap_err();
        for refused in [&first, &again] {
            assert_eq!((refused.code(), refused.message()), (Code::FailedPrecondition, "it is full"));
            assert_eq!(reason(refused).as_deref(), Some("COUNTER_FULL"));
            assert_eq!(metadata(refused, "most").as_deref(), Some("7"));
        }
        assert_eq!((counter.raised().await, counter.runs.load(Ordering::SeqCst)), (0, 1));
    }

    async fn twenty_refused_at_once_are_refused_alike(database: Database) {
        let counter = Counter::open(&database).await;
        let key = key("siti", request_id(), "a");
        for refused in join_all((0..20).map(|_| counter.raise(key.clone(), Some(Refusal::Full)))).await {
            assert_eq!(reason(&refused.unwrap_err()).as_deref(), Some("COUNTER_FULL"));
        }
        assert_eq!(counter.raised().await, 0);
    }

    async fn bad_input_is_not_kept(database: Database) {
        let counter = Counter::open(&database).await;
        let key = key("siti", request_id(), "a");
        let refused = counter.raise(key.clone(), Some(Refusal::Wrong)).await.unwrap_err();
        assert_eq!((refused.code(), fields(&refused)), (Code::InvalidArgument, vec!["by".to_owned()]));
        assert_eq!(counter.raised().await, 0);
        counter.raise(key, None).await.unwrap();
        assert_eq!(counter.raised().await, 1);
    }

    async fn who_did_what_is_on_record(database: Database) {
        let counter = Counter::open(&database).await;
        let (first, second, third) = (request_id(), request_id(), request_id());
        counter.raise(key("siti", first, "a"), None).await.unwrap();
        counter.raise(key("ahmad", second, "a"), Some(Refusal::Full)).await.unwrap_err();
        let (running, clock) = (key("siti", third, "a"), counter.clock.clone());
        let begun = counter.write(move |tx| {
            let (running, clock) = (running.clone(), clock.clone());
            Box::pin(async move { idempotency::begin(tx, &clock, &running).await })
        });
        assert!(matches!(begun.await, RequestState::New));
        let of = |principal: &'static str| {
            counter.read(move |tx| Box::pin(async move { idempotency::recorded(tx, principal, None, 10).await }))
        };
        let all: Vec<_> = of("").await.into_iter().map(|row| (row.principal, row.request_id, row.code)).collect();
        let refused = i64::from(i32::from(Code::FailedPrecondition));
        let expected = [
            ("seller:siti".to_owned(), third, None),
            ("seller:ahmad".to_owned(), second, Some(refused)),
            ("seller:siti".to_owned(), first, Some(0)),
        ];
        assert_eq!(all, expected);
        let siti: Vec<_> = of("seller:siti").await.into_iter().map(|row| row.request_id).collect();
        assert_eq!(siti, [third, first]);
    }
}
