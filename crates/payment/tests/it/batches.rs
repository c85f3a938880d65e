//! Commands that come at once run together, and to each it is as if they had come one after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::future::{join, join_all};
use proto::order::events::v1::OrderConfirmed;
use proto::payment::internal::v1::{AuthoriseRequest, InquireHoldRequest};
use proto::payment::v1::PaymentState;
use rpc::status::reason;
use testkit::on_both;
use tokio::sync::Semaphore;
use tonic::{Code, Status};

use crate::sale::{PRICE, Sale};
use crate::till::{BUYER, Till, minor, money, myr};

/// Numbers that look like chance, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((self.0 >> 33) % sides).unwrap()
    }
}

impl Till {
    async fn count(&self, sql: &'static str) -> i64 {
        let counted: Result<(i64,), db::Error> =
            self.hub.db.read_one(move |tx| Box::pin(async move { db::fetch_one!(tx, (i64,), sql) })).await;
        counted.unwrap().0
    }

    async fn is_there(&self, hold_id: &str) -> bool {
        let request = InquireHoldRequest { hold_id: hold_id.to_owned() };
        match self.holds().inquire_hold(request).await {
            Ok(_) => true,
            Err(status) if status.code() == Code::NotFound => false,
            Err(status) => panic!("{status}"),
        }
    }

    /// What each was answered that was asked at once: its state, or the reason of a refusal.
    async fn authorise_all(&self, requests: &[AuthoriseRequest]) -> Vec<Result<PaymentState, String>> {
        let answers = join_all(requests.iter().cloned().map(|request| {
            let mut holds = self.holds();
            async move { holds.authorise(request).await }
        }));
        let why = |status: Status| reason(&status).unwrap_or_else(|| panic!("without a reason: {status:?}"));
        answers
            .await
            .into_iter()
            .map(|answer| answer.map(|held| held.into_inner().state()).map_err(why))
            .collect()
    }
}

/// Buyers with this much in their wallets.
const RICH: (&str, i64) = ("rich", 1_000_000);
const POOR: (&str, i64) = ("poor", 700);
/// Has no wallet, and one of another currency.
const NONE: &str = "none";
const ABROAD: &str = "abroad";

fn request(till: &Till, dice: &mut Dice) -> AuthoriseRequest {
    let buyer = [RICH.0, POOR.0, RICH.0, POOR.0, NONE, ABROAD][usize::try_from(dice.roll(6)).unwrap()];
    let method = ["wallet", "wallet", "wallet", "wallet", "duitnow", "promptpay"];
    let method = method[usize::try_from(dice.roll(6)).unwrap()];
    AuthoriseRequest {
        buyer: buyer.to_owned(),
        method: method.to_owned(),
        amount: Some(myr(1 + dice.roll(300))),
        ..till.sale(1).authorise()
    }
}

/// What an order's money has to be, whatever came before it.
fn expected(request: &AuthoriseRequest, voided: bool) -> Option<Result<PaymentState, String>> {
    let refused = |reason: &str| Some(Err(reason.to_owned()));
    match (request.method.as_str(), request.buyer.as_str()) {
        ("promptpay", _) => refused("METHOD_NOT_OFFERED"),
        _ if voided => refused("HOLD_VOIDED"),
        ("duitnow", _) => Some(Ok(PaymentState::Awaiting)),
        (_, NONE | ABROAD) => refused("WALLET_NOT_FOUND"),
        (_, buyer) if buyer == RICH.0 => Some(Ok(PaymentState::Held)),
        _ => None,
    }
}

async fn holds_come_at_once(till: &Till, seed: u64) {
    let mut dice = Dice(seed);
    let mut requests: Vec<AuthoriseRequest> = (0..60).map(|_| request(till, &mut dice)).collect();
    let voided: Vec<String> = requests.iter().step_by(11).map(|request| request.hold_id.clone()).collect();
    for request in requests.iter().step_by(11) {
        let void = proto::payment::internal::v1::VoidRequest {
            hold_id: request.hold_id.clone(),
            order_id: request.order_id.clone(),
            reason: "test".to_owned(),
        };
        till.holds().void(void).await.unwrap();
    }
    let again: Vec<AuthoriseRequest> = requests.iter().step_by(3).cloned().collect();
    requests.extend(again);
    let before = till.available(POOR.0).await;
    let answers = till.authorise_all(&requests).await;
    let after = till.available(POOR.0).await;
    let mut held: BTreeMap<&str, i64> = BTreeMap::new();
    for (request, answer) in requests.iter().zip(&answers) {
        let amount = request.amount.as_ref().unwrap().minor_units;
        if let Some(expected) = expected(request, voided.contains(&request.hold_id)) {
            assert_eq!(answer, &expected, "{request:?}");
        } else if let Err(reason) = answer {
            // As the last of all it is refused as well: so there is an order in which each was answered so.
            assert_eq!(reason, "INSUFFICIENT_FUNDS");
            assert!(amount > after, "{amount} was refused, and {after} is left");
        } else {
            held.insert(&request.hold_id, amount);
        }
        let is_there = answer.is_ok() || voided.contains(&request.hold_id);
        assert_eq!(till.is_there(&request.hold_id).await, is_there, "{request:?}: {answer:?}");
    }
    assert_eq!(before - after, held.values().sum::<i64>());
    // Alone each is answered as among others.
    for (request, answer) in requests.iter().zip(answers) {
        assert_eq!(till.authorise_all(std::slice::from_ref(request)).await, [answer]);
    }
}

/// Transactions that wait at a [`Gate`].
const AT_THE_GATE: &str = "select count(*) from pg_locks where not granted and relation = 'holds'::regclass";

/// What no new hold passes before it opens, on PostgreSQL.
struct Gate {
    closed: Semaphore,
    open: Semaphore,
}

impl Till {
    async fn closes(&self, gate: Arc<Gate>) {
        let closing = self.hub.db.write(move |tx| {
            let gate = gate.clone();
            Box::pin(async move {
                db::execute!(tx, "lock table holds in share row exclusive mode")?;
                gate.closed.add_permits(1);
                gate.open.acquire().await.unwrap().forget();
                Ok::<(), db::Error>(())
            })
        });
        closing.await.unwrap();
    }

    async fn available(&self, buyer: &str) -> i64 {
        minor(&self.list_wallets(buyer).await[0]).0
    }
}

/// What becomes of a confirmed order.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Captured,
    /// Its consignments come to something else.
    Sum,
    /// A consignment is in escrow for another order.
    Twice,
    /// Its hold was voided.
    Voided,
    /// It names another's hold.
    OfAnother,
}

fn confirmed(sale: &Sale, fate: Fate, other: &Sale) -> OrderConfirmed {
    let mut event = sale.confirmed();
    match fate {
        Fate::Captured | Fate::Voided => {}
        Fate::Sum => event.consignments[0].price.as_mut().unwrap().total = Some(myr(PRICE + 1)),
        Fate::Twice => event.consignments[0].consignment_id = other.consignments[0].consignment_id.clone(),
        Fate::OfAnother => event.hold_id = other.hold_id.to_string(),
    }
    event
}

/// Orders of two buyers, authorised.
async fn orders(till: &Till, count: usize) -> Vec<Sale> {
    let sales: Vec<Sale> = (0..count).map(|place| till.sale(1 + place % 2)).collect();
    let buyer = |place: usize| if place.is_multiple_of(3) { RICH.0 } else { BUYER };
    let requests: Vec<AuthoriseRequest> = sales
        .iter()
        .enumerate()
        .map(|(place, sale)| AuthoriseRequest { buyer: buyer(place).to_owned(), ..sale.authorise() })
        .collect();
    assert!(till.authorise_all(&requests).await.into_iter().all(|answer| answer == Ok(PaymentState::Held)));
    sales
}

on_both! {
    async fn holds_that_come_at_once_are_held_as_in_turn(database: Database) {
        let till = Till::open(&database).await;
        for (buyer, amount) in [RICH, POOR] {
            let wallet = till.open_wallet(buyer, "MYR").await;
            till.top_up(buyer, &wallet, myr(amount)).await;
        }
        till.open_wallet(ABROAD, "THB").await;
        for seed in 1..4 {
            holds_come_at_once(&till, seed).await;
            let wallet = till.list_wallets(POOR.0).await.remove(0);
            till.top_up(POOR.0, &wallet, myr(POOR.1)).await;
        }
        let pending = till.count("select count(*) from transfers where state = 'pending'").await;
        let held = till.count("select count(*) from holds where state = 'held'").await;
        assert_eq!(pending, held);
        // They have the time of their batch.
        let times = till.count("select count(distinct created_at) from holds where state = 'held'").await;
        assert!(times < held, "{held} holds at {times} times: none were held together");
        till.close().await;
    }

    async fn two_processes_that_hold_the_same_do_not_deadlock(database: Database) {
        if database.url().starts_with("sqlite:") {
            return;
        }
        let (one, other) = (Till::open(&database).await, Till::open(&database).await);
        let buyers = ["a", "b", "c", "d", "e", BUYER];
        for buyer in buyers {
            let wallet = one.open_wallet(buyer, "MYR").await;
            one.top_up(buyer, &wallet, myr(1_000_000)).await;
        }
        for _ in 0..4 {
            let ask = |buyer: &&str| AuthoriseRequest { buyer: (*buyer).to_owned(), ..one.sale(1).authorise() };
            let requests: Vec<AuthoriseRequest> = buyers.iter().cycle().take(48).map(ask).collect();
            let backwards: Vec<AuthoriseRequest> = requests.iter().rev().cloned().collect();
            // The first of each and those behind it begin at the same moment.
            let gate = Arc::new(Gate { closed: Semaphore::new(0), open: Semaphore::new(0) });
            let asking = async {
                gate.closed.acquire().await.unwrap().forget();
                join(one.authorise_all(&requests), other.authorise_all(&backwards)).await
            };
            let opening = async {
                let waiting = async || (one.count(AT_THE_GATE).await >= 2).then_some(());
                testkit::eventually("both are at the gate", waiting).await;
                gate.open.add_permits(1);
            };
            let ((held, again), (), ()) = futures::join!(asking, opening, one.closes(gate.clone()));
            assert!(held.into_iter().chain(again).all(|answer| answer == Ok(PaymentState::Held)));
        }
        let held = one.count("select cast(sum(held_minor) as bigint) from wallets").await;
        assert_eq!(held, 4 * 48 * PRICE);
        // PostgreSQL ends a deadlock by failing one of the two, which is run again.
        assert_eq!([&one, &other].map(|till| till.hub.hub.statistics()["payment"].retries), [0, 0]);
        other.hub.stop().await;
        one.close().await;
    }

    async fn a_wallet_is_held_to_its_last_unit_by_those_who_come_at_once(database: Database) {
        let till = Till::open(&database).await;
        till.funded(myr(8 * PRICE - 1)).await;
        till.funded(money("THB", PRICE)).await;
        let sales: Vec<Sale> = (0..40).map(|_| till.sale(1)).collect();
        let requests: Vec<AuthoriseRequest> = sales.iter().map(Sale::authorise).collect();
        let answers = till.authorise_all(&requests).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 7);
        assert_eq!(till.count("select count(*) from holds").await, 7);
        assert_eq!(till.count("select cast(sum(held_minor) as bigint) from wallets where currency = 'MYR'").await, 7 * PRICE);
        assert_eq!(till.count("select cast(sum(held_minor) as bigint) from wallets where currency = 'THB'").await, 0);
        till.close().await;
    }

    async fn orders_confirmed_at_once_are_captured_and_none_for_another(database: Database) {
        let till = Till::open(&database).await;
        let before = till.bought(1).await;
        for buyer in [BUYER, RICH.0] {
            let wallet = till.open_wallet(buyer, "MYR").await;
            till.top_up(buyer, &wallet, myr(100 * PRICE)).await;
        }
        let sales = orders(&till, 40).await;
        let fate = |place: usize| match place {
            7 => Fate::Sum,
            16 => Fate::Twice,
            25 => Fate::Voided,
            33 => Fate::OfAnother,
            _ => Fate::Captured,
        };
        till.void(&sales[25]).await;
        let events = sales.iter().enumerate().map(|(place, sale)| {
            let other = if fate(place) == Fate::Twice { &before } else { &sales[0] };
            sale.event(&till, "order.confirmed.v1", &confirmed(sale, fate(place), other))
        });
        let events: Vec<_> = events.collect();
        let telling = join_all(events.iter().map(|event| till.hub.tell("order", event)));
        // Meanwhile others want money of the same wallets.
        let (_, later) = join(telling, orders(&till, 40)).await;
        let mut captured = PRICE;
        for (place, sale) in sales.iter().enumerate() {
            let state = match fate(place) {
                Fate::Captured => PaymentState::Captured,
                Fate::Voided => PaymentState::Voided,
                Fate::Sum | Fate::Twice | Fate::OfAnother => PaymentState::Held,
            };
            assert_eq!(till.state(sale).await, state, "{place}");
            captured += if state == PaymentState::Captured { sale.amount.minor_units } else { 0 };
        }
        assert_eq!((till.parked().await.len(), till.balance("escrow", "MYR").await), (4, captured));
        assert_eq!(till.balance("holding", "MYR").await, 0);
        let told: Vec<_> = till.hub.told().await;
        let told: Vec<_> = told.iter().filter(|event| event.kind == "payment.escrow_held.v1").collect();
        let times: BTreeSet<_> = told.iter().map(|event| event.occurred_at).collect();
        assert_eq!(told.len(), 1 + 36);
        assert!(times.len() < told.len(), "none were captured together");
        let held: i64 = [7, 16, 33].iter().map(|place| sales[*place].amount.minor_units).sum::<i64>()
            + later.iter().map(|sale| sale.amount.minor_units).sum::<i64>();
        assert_eq!(till.count("select cast(sum(held_minor) as bigint) from wallets").await, held);
        till.close().await;
    }
}
