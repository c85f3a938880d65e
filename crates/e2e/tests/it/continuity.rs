//! What becomes of a hub whose files were lost or damaged, as those who run it see it.

use std::path::Path;

use proof::journey;
use proto::order::v1::{OrderState, PaymentMethod};

use crate::kills::{check, request};
use crate::process::Data;
use crate::town::PATIENCE;

/// The hub does not start, and says these words.
fn refused(data: &Data, words: &[&str]) {
    let (started, told) =
        data.run(&["up", "--hub", "my", "--public", "127.0.0.1:0", "--internal", "127.0.0.1:0"]);
    assert!(!started && words.iter().all(|word| told.contains(word)), "{words:?}: {told}");
}

/// Files of SQLite beside a database's go with it.
fn remove(hub: &Path, service: &str) {
    for what in ["", "-wal", "-shm"] {
        let file = hub.join(format!("{service}.sqlite{what}"));
        if file.exists() {
            std::fs::remove_file(file).unwrap();
        }
    }
}

/// A hub that was killed in the midst of its work: an order is over, another was just placed.
async fn killed() -> Data {
    let data = Data::new();
    let process = data.start("").await;
    for _ in 0..2 {
        let (buyer, request) = request(&process.hub, PaymentMethod::Wallet, 0).await;
        let order = buyer.orders().place_order(request).await.unwrap().into_inner().order.unwrap();
        let over = journey::to_completion(&buyer, &order.order_id, PATIENCE, |_| {}).await.unwrap();
        assert_eq!(over.state(), OrderState::Completed);
    }
    process.kill().await;
    data
}

#[tokio::test]
async fn whichever_file_is_lost_the_hub_does_not_start_until_it_is_adopted() {
    let data = killed().await;
    for service in services::names() {
        let lost = data.copied();
        remove(&lost.hub(), service);
        let remedy = format!("entrepot adopt {service}");
        // What a refused start was told to put back is whole, its log with it.
        let moved = data.copied();
        let [file, away] = ["", "-away"].map(|end| moved.hub().join(format!("{service}.sqlite{end}")));
        let log = |hub: &Path| std::fs::read(hub.join(format!("{service}.sqlite-wal"))).unwrap();
        std::fs::rename(&file, &away).unwrap();
        refused(&moved, &[&format!("{service}.sqlite"), &remedy]);
        assert_eq!(log(&moved.hub()), log(&data.hub()));
        std::fs::rename(&away, &file).unwrap();
        let process = moved.start("").await;
        check(&process.hub).await;
        process.kill().await;
        refused(&lost, &[&format!("{service}.sqlite"), &remedy]);
        refused(&lost, &[&format!("{service}.sqlite"), &remedy]);
        let emptied = data.copied();
        remove(&emptied.hub(), service);
        std::fs::write(emptied.hub().join(format!("{service}.sqlite")), "").unwrap();
        refused(&emptied, &[&format!("{service}.sqlite"), &remedy]);
        let robbed = data.copied();
        std::fs::remove_file(robbed.hub().join(format!("{service}.sqlite-wal"))).unwrap();
        refused(&robbed, &[&format!("{service}.sqlite"), &remedy]);
        refused(&robbed, &[&format!("{service}.sqlite"), &remedy]);
        let damaged = data.copied();
        std::fs::write(damaged.hub().join(format!("{service}.sqlite")), [0xa5; 65_536]).unwrap();
        refused(&damaged, &[&format!("{service}.sqlite"), "is damaged"]);
        let (adopted, told) = lost.run(&["adopt", service, "--by", "siti"]);
        assert!(adopted, "{told}");
        lost.start("").await.kill().await;
    }
}

#[tokio::test]
async fn nothing_is_adopted_where_there_is_nothing_nor_by_nobody() {
    let data = Data::new();
    let (adopted, told) = data.run(&["adopt", "order", "--by", "siti"]);
    assert!(!adopted && told.contains("has no databases of this hub"), "{told}");
    assert!(!data.hub().exists());
    let (adopted, told) = data.run(&["adopt", "order", "--by", " "]);
    assert!(!adopted && told.contains("--by"), "{told}");
}

#[tokio::test]
async fn after_a_kill_or_with_a_whole_set_the_hub_starts_by_itself() {
    let data = killed().await;
    let set = data.copied();
    for one in [&data, &set] {
        let process = one.start("").await;
        check(&process.hub).await;
        process.kill().await;
    }
    // The set again, over what has gone on since.
    let again = set.copied();
    again.start("").await.kill().await;
}
