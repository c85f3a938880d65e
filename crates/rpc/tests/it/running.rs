//! The same request while the first is still under way.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::Duration as Days;
use rpc::idempotency::{self, Key, RequestState};
use rpc::status::{reason, retry_after};
use testkit::{eventually, on_both};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tonic::{Code, Status};

use crate::counter::{Counter, key, request_id};

/// Begins a request in a transaction of its own, as a use case of several does.
async fn begin(counter: &Counter, key: &Key) -> RequestState {
    let (key, clock) = (key.clone(), counter.clock.clone());
    counter
        .write(move |tx| {
            let (key, clock) = (key.clone(), clock.clone());
            Box::pin(async move { idempotency::begin(tx, &clock, &key).await })
        })
        .await
}

async fn finish(counter: &Counter, key: &Key, outcome: Result<String, Status>) {
    let key = key.clone();
    counter
        .write(move |tx| {
            let (key, outcome) = (key.clone(), outcome.clone());
            Box::pin(async move { idempotency::finish(tx, &key, &outcome).await })
        })
        .await;
}

fn soon() -> Instant {
    Instant::now() + Duration::from_millis(50)
}

fn is_running(refused: &Status) {
    assert_eq!((refused.code(), reason(refused).as_deref()), (Code::Aborted, Some("REQUEST_RUNNING")));
    assert_eq!(retry_after(refused), Some(rpc::status::RETRY_AFTER));
}

on_both! {
    async fn past_its_deadline_a_duplicate_is_told_to_ask_again(database: Database) {
        let counter = Counter::open(&database).await;
        let key = key("siti", request_id(), "a");
        assert!(matches!(begin(&counter, &key).await, RequestState::New));
        assert!(matches!(begin(&counter, &key).await, RequestState::Running));
        is_running(&idempotency::wait::<String>(&counter.db, &key, soon()).await.unwrap_err());
        let permits = Arc::new(Semaphore::new(1));
        is_running(&counter.raise_by(key, soon(), None, permits).await.unwrap_err());
        assert_eq!(counter.runs.load(Ordering::SeqCst), 0);
    }

    async fn a_duplicate_waits_for_a_transaction_no_longer_than_its_deadline(database: Database) {
        let counter = Counter::open(&database).await;
        let key = key("siti", request_id(), "a");
        let permits = Arc::new(Semaphore::new(0));
        let (first, its_key, its_permits) = (counter.clone(), key.clone(), permits.clone());
        let first = tokio::spawn(async move {
            first.raise_by(its_key, Instant::now() + Duration::from_secs(600), None, its_permits).await
        });
        eventually("the first is under way", || async {
            (counter.runs.load(Ordering::SeqCst) == 1).then_some(())
        })
        .await;
        is_running(&counter.raise_by(key.clone(), soon(), None, permits.clone()).await.unwrap_err());
        permits.add_permits(1);
        let answer = first.await.unwrap().unwrap();
        assert_eq!(counter.raise(key, None).await.unwrap(), answer);
        assert_eq!(counter.raised().await, 1);
    }

    async fn a_duplicate_gets_the_answer_when_it_comes(database: Database) {
        let counter = Counter::open(&database).await;
        for outcome in [Ok("raised".to_owned()), Err(Status::not_found("no counter"))] {
            let key = key("siti", request_id(), "a");
            begin(&counter, &key).await;
            let (db, asked) = (counter.db.clone(), key.clone());
            let waiting = tokio::spawn(async move {
                idempotency::wait::<String>(&db, &asked, Instant::now() + Duration::from_secs(600)).await
            });
            finish(&counter, &key, outcome.clone()).await;
            let got = waiting.await.unwrap();
            assert_eq!(got.map_err(|status| status.code()), outcome.map_err(|status| status.code()));
        }
    }

    async fn a_request_that_is_given_up_may_be_sent_again(database: Database) {
        let counter = Counter::open(&database).await;
        let key = key("siti", request_id(), "a");
        begin(&counter, &key).await;
        finish(&counter, &key, Err(Status::unavailable("the bank is away"))).await;
        is_running(&idempotency::wait::<String>(&counter.db, &key, soon()).await.unwrap_err());
        assert!(matches!(begin(&counter, &key).await, RequestState::New));
    }

    async fn old_outcomes_are_swept_and_what_runs_stays(database: Database) {
        let counter = Counter::open(&database).await;
        let (old, young, running) = (request_id(), request_id(), request_id());
        begin(&counter, &key("siti", running, "a")).await;
        counter.raise(key("siti", old, "a"), None).await.unwrap();
        counter.clock.advance(Days::days(31)).unwrap();
        counter.raise(key("siti", young, "a"), None).await.unwrap();
        let before = counter.clock.now() - idempotency::KEPT;
        let swept = counter.write(move |tx| Box::pin(async move { idempotency::sweep(tx, before, 10).await })).await;
        assert_eq!(swept, 1);
        let kept = counter.read(|tx| Box::pin(async move { idempotency::recorded(tx, "", None, 10).await })).await;
        assert_eq!(kept.into_iter().map(|row| row.request_id).collect::<Vec<_>>(), [young, running]);
    }

    async fn a_large_answer_is_kept_for_two_days_and_its_request_stays_done(database: Database) {
        let counter = Counter::open(&database).await;
        let (large, small) = (key("siti", request_id(), "a"), key("siti", request_id(), "a"));
        for (key, bytes) in [(&large, 16_385), (&small, 16_000)] {
            begin(&counter, key).await;
            finish(&counter, key, Ok("x".repeat(bytes))).await;
        }
        let sweep = async || {
            let before = counter.clock.now() - idempotency::KEPT;
            counter.write(move |tx| Box::pin(async move { idempotency::sweep(tx, before, 10).await })).await
        };
        counter.clock.advance(Days::days(1)).unwrap();
        assert_eq!(sweep().await, 0);
        counter.clock.advance(Days::days(2)).unwrap();
        assert_eq!((sweep().await, sweep().await), (1, 0));
        let again = counter.raise(large, None).await.unwrap_err();
        assert_eq!(rpc::status::reason(&again).as_deref(), Some("ANSWER_NOT_KEPT"));
        assert_eq!(counter.raise(small, None).await.unwrap().len(), 16_000);
        let kept = counter.read(|tx| Box::pin(async move { idempotency::recorded(tx, "", None, 10).await })).await;
        assert!(kept.iter().all(|row| row.code == Some(0)) && kept.len() == 2, "{kept:?}");
    }
}
