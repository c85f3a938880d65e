//! Several instances of a service.

use std::sync::Arc;
use std::time::Duration;

use events::{Bus as _, KafkaBus, KafkaSettings};
use futures::future::join_all;
use testkit::eventually;
use uuid::Uuid;

use crate::fixture::{Effect, Effects, Recorder, TOPIC, event, joined, settings};
use crate::on_kafka;

/// Keys of a round: so many that each of four partitions has some.
const KEYS: u128 = 40;

on_kafka! {
    async fn instances_share_the_partitions_and_the_last_has_all(brokers: String) {
        share_then_take_over(&settings(&brokers, 4), [None, None]).await;
    }

    async fn named_instances_share_the_partitions_and_after_a_session_the_last_has_all(brokers: String) {
        let settings = KafkaSettings { session_timeout: Duration::from_secs(6), ..settings(&brokers, 4) };
        share_then_take_over(&settings, [Some("payment-0"), Some("payment-1")]).await;
    }

    async fn order_holds_while_instances_come_and_go(brokers: String) {
        const VERSIONS: i64 = 100;
        let settings = settings(&brokers, 4);
        let bus = Arc::new(KafkaBus::new(settings.clone()).unwrap());
        let effects = Effects::new().await;
        effects.subscribe(&bus, Recorder("a")).await;
        let publishing = tokio::spawn({
            let bus = bus.clone();
            async move {
                for version in 1..=VERSIONS {
                    join_all((1..=KEYS).map(|key| publish(&bus, key, version))).await;
                }
            }
        });
        for times in 1..=5 {
            let other = KafkaBus::new(settings.clone()).unwrap();
            effects.subscribe(&other, Recorder("b")).await;
            joined(&other).await;
            effects.at_least(times * 100).await;
            other.close().await;
        }
        publishing.await.unwrap();

        // An event that came after a later one of its key would have had no effect.
        let count = usize::try_from(KEYS).unwrap() * usize::try_from(VERSIONS).unwrap();
        let all = effects.at_least(count).await;
        for key in (1..=KEYS).map(Uuid::from_u128) {
            let of_key = all.iter().filter(|effect| effect.aggregate_id == key);
            let versions: Vec<i64> = of_key.map(|effect| effect.aggregate_version).collect();
            assert_eq!(versions, (1..=VERSIONS).collect::<Vec<_>>(), "of {key}");
        }
        bus.close().await;
    }
}

async fn publish(bus: &KafkaBus, key: u128, version: i64) {
    bus.publish(TOPIC, &event(key, version)).await.unwrap();
}

async fn share_then_take_over(settings: &KafkaSettings, [a, b]: [Option<&str>; 2]) {
    let named = |instance: Option<&str>| {
        let instance = instance.map(str::to_owned);
        KafkaBus::new(KafkaSettings { instance, ..settings.clone() }).unwrap()
    };
    let (a, b) = (named(a), named(b));
    let effects = Effects::new().await;
    effects.subscribe(&a, Recorder("a")).await;
    joined(&a).await;
    effects.subscribe(&b, Recorder("b")).await;
    joined(&b).await;

    // It takes a moment until the first has heard of the second.
    let mut version = 0;
    loop {
        version += 1;
        let round = round(&a, &effects, version).await;
        if ["a", "b"].iter().all(|name| round.iter().any(|effect| effect.instance == *name)) {
            break;
        }
        assert!(version < 200, "one instance has everything: {round:?}");
    }
    // It ends by itself, with what it is at.
    drop(b);
    loop {
        version += 1;
        let round = round(&a, &effects, version).await;
        if round.iter().all(|effect| effect.instance == "a") {
            break;
        }
        assert!(version < 400, "the other goes on: {round:?}");
    }
    a.close().await;
}

/// Publishes a version of every key, and waits for the effects; they are once each.
async fn round(bus: &KafkaBus, effects: &Effects, version: i64) -> Vec<Effect> {
    join_all((1..=KEYS).map(|key| publish(bus, key, version))).await;
    let of_round = || async {
        let all = effects.all().await.into_iter();
        all.filter(|effect| effect.aggregate_version == version).collect::<Vec<_>>()
    };
    let count = usize::try_from(KEYS).unwrap();
    let round = eventually("a round's effects", || async {
        Some(of_round().await).filter(|effects| effects.len() >= count)
    })
    .await;
    assert_eq!(round.len(), count);
    round
}
