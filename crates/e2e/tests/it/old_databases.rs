//! Today's hub on the databases of earlier releases: what they have stored is read, what they have answered is
//! answered again, what they have begun goes on to its end. How fixtures are made: fixtures/README.md.

mod calls;
mod fixture;
mod going_on;
mod life;
mod player;
mod reads;

use proof::invariants;

use crate::process::Data;
use crate::town::PATIENCE;
use calls::{Exchange, Line, OPERATOR};
use fixture::{Engine, Fixture};
use player::Player;
use proto::operator::internal::v1::{
    ListOutboxRequest, ListOutboxResponse, ListParkedEventsRequest, ListParkedEventsResponse,
};

/// The day of the fixture that is to be made.
const DAY: &str = "ENTREPOT_TEST_FIXTURE";
/// Published events are deleted when they are as old as this.
const SWEPT_DAYS: i64 = 7;
/// The aggregate of an event that nobody understands.
const STRANGER: &str = "0198c1a0-0000-7000-8000-00000000f117";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite() {
    for fixture in Fixture::all() {
        open(Engine::Sqlite, &fixture).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres() {
    for fixture in Fixture::all() {
        if let Some(engine) = Engine::postgres().await {
            open(engine, &fixture).await;
        }
    }
}

/// What a hub of today makes of them.
async fn open(engine: Engine, fixture: &Fixture) {
    let data = Data::new();
    engine.restore(&data, fixture).await;
    let process = engine.start(&data).await;
    let line = Line::new(&data, &process);
    let (reads, replays) = engine.noted(fixture);
    let mut lost = Vec::new();
    for exchange in reads.iter().chain(&replays) {
        let now = line.exchange(&exchange.who, &exchange.rpc, exchange.request.clone()).await;
        lost.extend(exchange.missing(&now.answer));
    }
    assert!(
        lost.is_empty(),
        "{} of {} answers\n{}",
        lost.len(),
        reads.len() + replays.len(),
        lost.join("\n")
    );
    going_on::to_the_end(&Player::new(&line), &process.hub).await;
    process.stop().await;
    engine.remove().await;
}

/// Makes the fixture of a release: `cargo xtask fixtures` runs it with that release's program.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "makes a fixture: cargo xtask fixtures"]
async fn make() {
    let fixture = Fixture::of(&std::env::var(DAY).unwrap());
    make_on(Engine::Sqlite, &fixture).await;
    make_on(Engine::postgres().await.unwrap(), &fixture).await;
}

async fn make_on(engine: Engine, fixture: &Fixture) {
    let data = Data::new();
    let process = engine.start(&data).await;
    let line = Line::new(&data, &process);
    let player = Player::new(&line);
    let lived = life::live(&player, &process.hub).await;
    let made = player.made.take();
    invariants::settle(&process.hub, PATIENCE).await.unwrap();
    let report = invariants::check(&process.hub).await.unwrap();
    assert!(report.holds(), "\n{report}");
    process.stop().await;
    engine.execute(&data, "order", poison(&engine)).await;

    let process = engine.start(&data).await;
    let line = Line::new(&data, &process);
    parked(&line).await;
    swept(&line).await;
    invariants::settle(&process.hub, PATIENCE).await.unwrap();
    let mut replays: Vec<Exchange> = Vec::new();
    for (who, rpc, request) in made {
        replays.push(line.exchange(&who, &rpc, request).await);
    }
    let reads = reads::all(&line, &lived).await;
    let now = Player::new(&line).now().await;
    process.stop().await;
    engine.save(&data, fixture).await;
    engine.note(fixture, &now.to_string(), &reads, &replays);
    engine.remove().await;
}

/// An event of order's that nobody can take.
fn poison(engine: &Engine) -> String {
    let hex = STRANGER.replace('-', "");
    let (id, payload) = match engine {
        Engine::Sqlite => (format!("x'{hex}'"), "x'ff'"),
        Engine::Postgres { .. } => (format!("'{STRANGER}'"), "'\\xff'"),
    };
    format!(
        "insert into outbox (event_id, kind, aggregate_id, aggregate_version, occurred_at, traceparent, payload) \
         select {id}, kind, {id}, 1, occurred_at, null, {payload} from outbox \
         where kind = 'order.confirmed.v1' order by event_id desc limit 1"
    )
}

/// Until those who hear of orders have put it aside.
async fn parked(line: &Line<'_>) {
    let rpc = "/entrepot.operator.internal.v1.OperatorService/ListParkedEvents";
    for service in ["catalog", "payment", "logistics"] {
        let request =
            ListParkedEventsRequest { service: service.to_owned(), page_size: 10, page_token: String::new() };
        testkit::eventually(service, || async {
            let listed: ListParkedEventsResponse = line.call(OPERATOR, rpc, &request).await;
            (listed.events.len() == 1).then_some(())
        })
        .await;
    }
}

/// Until what is too old has been deleted.
async fn swept(line: &Line<'_>) {
    let rpc = "/entrepot.operator.internal.v1.OperatorService/ListOutbox";
    let oldest = Player::new(line).now().await.seconds - SWEPT_DAYS * 86_400;
    for service in services::names() {
        let request = ListOutboxRequest { service: service.to_owned(), page_size: 200, ..Default::default() };
        testkit::eventually(service, || async {
            let listed: ListOutboxResponse = line.call(OPERATOR, rpc, &request).await;
            let published = |event: &proto::operator::internal::v1::OutboxEvent| event.published_at;
            listed.events.iter().filter_map(published).all(|at| at.seconds > oldest).then_some(())
        })
        .await;
    }
}
