//! Holds a hub to what its clients remember, through gRPC alone: beside the hub's own invariants, which may all hold at
//! a hub that has forgotten an order.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use proof::Session;
use proof::invariants::{Check, Report};
use proto::logistics::v1::ListShipmentsRequest;
use proto::order::v1::{Consignment, ConsignmentState, ListOrdersRequest, Order, OrderState};
use proto::types::v1::Money;

use super::broker_return::BrokerReturn;
use super::purchase_log::PurchaseLog;
use super::retry::repeated;
use super::town::{Buyer, Town};

const PAGE_SIZE: i32 = 200;
/// An absence of the broker in which some buyer must have come by.
const LONG_ABSENCE: Duration = Duration::from_secs(3);

/// What came of buying while the hub was broken.
pub(super) struct Bought {
    pub(super) buyers: Vec<Buyer>,
    /// Units put on the shelves, by variant.
    pub(super) filled: BTreeMap<usize, i64>,
    /// The broker's absences, with the orders that were taken meanwhile.
    pub(super) without_broker: Vec<(Duration, u64)>,
    /// How soon events went out after its returns, where that was measured.
    pub(super) returns: Vec<BrokerReturn>,
}

/// A buyer's memory beside what the hub says.
struct BuyerRecord<'a> {
    book: &'a PurchaseLog,
    name: &'a str,
    orders: BTreeMap<String, Order>,
    /// Parcels by order.
    parcels: BTreeMap<String, usize>,
    /// What the wallet can spend and what of it is held, in minor units.
    wallet: (i64, i64),
}

/// The checks. `escrow_before`: the hub's escrow before the first order, in minor units of its currency.
pub(super) async fn checks(
    town: &Town,
    bought: &Bought,
    escrow_before: i64,
    report: &Report,
) -> Result<Vec<Check>> {
    let mut accounts = Vec::new();
    for buyer in &bought.buyers {
        accounts.push(repeated(async || account(town, buyer).await).await?);
    }
    let escrow = escrow(report, &town.currency) - escrow_before;
    Ok(vec![
        answers(&bought.buyers),
        acknowledged(&accounts),
        wallets(&accounts),
        shelves(town, &accounts, &bought.filled).await?,
        parcels(&accounts),
        escrowed(&accounts, escrow),
        returned(&accounts),
        without_broker(&bought.without_broker),
    ])
}

/// An order needs no event to be taken.
fn without_broker(absences: &[(Duration, u64)]) -> Check {
    let long = absences.iter().filter(|(away, _)| *away >= LONG_ABSENCE);
    let violations = long
        .filter(|(_, orders)| *orders == 0)
        .map(|(away, _)| format!("no order was taken in {:.1} s without the broker", away.as_secs_f32()))
        .collect();
    let seen = format!("{} absences", absences.len());
    Check { name: "orders are taken without the broker", seen, violations }
}

async fn account<'a>(town: &Town, buyer: &'a Buyer) -> Result<BuyerRecord<'a>> {
    let session = &buyer.session;
    let wallet = proof::purchase::wallet(session, &town.currency).await?;
    let minor = |money: Option<Money>| money.map_or(0, |money| money.minor_units);
    Ok(BuyerRecord {
        book: &buyer.book,
        name: &session.subject,
        orders: orders(session).await?,
        parcels: parcels_of(session).await?,
        wallet: (minor(wallet.available), minor(wallet.held)),
    })
}

async fn orders(session: &Session) -> Result<BTreeMap<String, Order>> {
    let mut request = ListOrdersRequest { page_size: PAGE_SIZE, ..ListOrdersRequest::default() };
    let mut orders = BTreeMap::new();
    loop {
        let page =
            session.orders().list_orders(request.clone()).await.context("listing orders")?.into_inner();
        orders.extend(page.orders.into_iter().map(|order| (order.order_id.clone(), order)));
        if page.next_page_token.is_empty() {
            return Ok(orders);
        }
        request.page_token = page.next_page_token;
    }
}

async fn parcels_of(session: &Session) -> Result<BTreeMap<String, usize>> {
    let mut request = ListShipmentsRequest { page_size: PAGE_SIZE, ..ListShipmentsRequest::default() };
    let mut parcels = BTreeMap::new();
    loop {
        let listed = session.shipments().list_shipments(request.clone()).await;
        let page = listed.context("listing shipments")?.into_inner();
        for shipment in page.shipments {
            *parcels.entry(shipment.order_id).or_default() += 1;
        }
        if page.next_page_token.is_empty() {
            return Ok(parcels);
        }
        request.page_token = page.next_page_token;
    }
}

fn answers(buyers: &[Buyer]) -> Check {
    let violations = buyers.iter().flat_map(|buyer| buyer.book.broken.clone()).collect();
    Check { name: "one request has one answer", seen: format!("{} buyers", buyers.len()), violations }
}

/// Each order that was acknowledged is there with its price, and there is none besides; what was cancelled stays so,
/// and none waits for ever.
fn acknowledged(accounts: &[BuyerRecord<'_>]) -> Check {
    let mut violations = Vec::new();
    for account in accounts {
        for (id, noted) in &account.book.orders {
            let Some(order) = account.orders.get(id) else {
                violations.push(format!("{id} of {} was acknowledged and is lost", account.name));
                continue;
            };
            let price = order.price.as_ref().and_then(|price| price.total.as_ref());
            if price.map(|price| price.minor_units) != Some(noted.price_minor) {
                violations.push(format!(
                    "order {} costs {price:?}, it was quoted at {}",
                    order.number, noted.price_minor
                ));
            }
            if noted.cancelled && order.state() != OrderState::Cancelled {
                violations.push(format!("order {} was cancelled and is {:?}", order.number, order.state()));
            }
        }
        let standing = account.orders.values().filter(|order| is_open(order) || is_stranger(account, order));
        violations.extend(standing.map(|order| {
            format!("order {} of {} is {:?}: no buyer knows it", order.number, account.name, order.state())
        }));
    }
    let count: usize = accounts.iter().map(|account| account.book.orders.len()).sum();
    Check {
        name: "every acknowledged order is there, once",
        seen: format!("{count} acknowledged"),
        violations,
    }
}

fn is_open(order: &Order) -> bool {
    matches!(order.state(), OrderState::Placing | OrderState::AwaitingPayment)
}

/// An order that stands though its buyer was told that it was refused, or was never told of it.
fn is_stranger(account: &BuyerRecord<'_>, order: &Order) -> bool {
    order.state() != OrderState::Cancelled && !account.book.orders.contains_key(&order.order_id)
}

/// What is in a wallet is what was put in, less what was bought and kept.
fn wallets(accounts: &[BuyerRecord<'_>]) -> Check {
    let mut violations = Vec::new();
    for account in accounts {
        let spent: i64 =
            account.kept().filter(|(_, noted)| noted.by_wallet).map(|(order, _)| paid_minor(order)).sum();
        let expected = account.book.topped_up_minor - spent;
        let (available, held) = account.wallet;
        if (available, held) != (expected, 0) {
            violations.push(format!(
                "the wallet of {} has {available} and {held} held; put in {}, spent {spent}: {expected} should be there",
                account.name, account.book.topped_up_minor
            ));
        }
    }
    let topped_up: i64 = accounts.iter().map(|account| account.book.topped_up_minor).sum();
    Check { name: "no buyer is charged twice", seen: format!("{topped_up} minor units put in"), violations }
}

/// What lies on a shelf is what was put there, less what was sold, plus what came back.
async fn shelves(town: &Town, accounts: &[BuyerRecord<'_>], filled: &BTreeMap<usize, i64>) -> Result<Check> {
    let (mut violations, mut sold_in_all) = (Vec::new(), 0);
    for (place, units) in filled {
        let of_it = accounts.iter().flat_map(BuyerRecord::kept).filter(|(_, noted)| noted.place == *place);
        let sold: i64 = of_it.map(|(_, noted)| noted.units).sum();
        let back: i64 = accounts.iter().filter_map(|account| account.book.restocked.get(place)).sum();
        let shelf = repeated(async || town.market.shelf(*place).await).await?;
        let expected = units - sold + back;
        if (shelf.on_hand, shelf.reserved) != (expected, 0) {
            violations.push(format!(
                "shelf {} has {} units, {} reserved; put there {units}, sold {sold}, back {back}: {expected} should be there",
                shelf.sku, shelf.on_hand, shelf.reserved
            ));
        }
        sold_in_all += sold;
    }
    Ok(Check { name: "no unit is sold twice or lost", seen: format!("{sold_in_all} units sold"), violations })
}

/// One parcel for each consignment of an order that stands.
fn parcels(accounts: &[BuyerRecord<'_>]) -> Check {
    let (mut violations, mut count) = (Vec::new(), 0);
    for account in accounts {
        for (order, _) in account.kept() {
            let parcels = account.parcels.get(&order.order_id).copied().unwrap_or_default();
            count += parcels;
            if parcels != order.consignments.len() {
                violations.push(format!("order {} has {parcels} parcels", order.number));
            }
        }
    }
    Check { name: "one parcel for each consignment", seen: format!("{count} parcels"), violations }
}

/// What is in escrow is what was paid for consignments that are not released, less refunds.
fn escrowed(accounts: &[BuyerRecord<'_>], escrow: i64) -> Check {
    let consignments = accounts.iter().flat_map(BuyerRecord::kept).flat_map(|(order, _)| &order.consignments);
    let expected: i64 = consignments.map(unreleased_minor).sum();
    let mut violations = Vec::new();
    if escrow != expected {
        violations.push(format!("{escrow} minor units are in escrow; by the orders {expected} should be"));
    }
    Check { name: "escrow holds what the orders say", seen: format!("{escrow} minor units"), violations }
}

/// What went back whole was refunded whole, in however many parts it went; and nothing was refunded that did not go back.
fn returned(accounts: &[BuyerRecord<'_>]) -> Check {
    let (mut violations, mut count) = (Vec::new(), 0);
    for (order, noted) in accounts.iter().flat_map(BuyerRecord::kept) {
        let refunded = order.refunded.as_ref().map_or(0, |refunded| refunded.minor_units);
        count += usize::from(noted.returned > 0);
        let holds = match noted.returned {
            0 => refunded == 0,
            units if units == noted.units => refunded == noted.price_minor,
            _ => (1..noted.price_minor).contains(&refunded),
        };
        if !holds {
            violations.push(format!(
                "{refunded} of {} were refunded for order {}, of which {} of {} units went back",
                noted.price_minor, order.number, noted.returned, noted.units
            ));
        }
    }
    Check { name: "what goes back is refunded, to the whole", seen: format!("{count} orders"), violations }
}

fn unreleased_minor(consignment: &Consignment) -> i64 {
    if matches!(consignment.state(), ConsignmentState::Released | ConsignmentState::Cancelled) {
        return 0;
    }
    let price = consignment.quoted.as_ref().and_then(|quoted| quoted.price.as_ref());
    let total = price.and_then(|price| price.total.as_ref()).map_or(0, |total| total.minor_units);
    total - consignment.refunded.as_ref().map_or(0, |refunded| refunded.minor_units)
}

fn paid_minor(order: &Order) -> i64 {
    let total =
        order.price.as_ref().and_then(|price| price.total.as_ref()).map_or(0, |total| total.minor_units);
    total - order.refunded.as_ref().map_or(0, |refunded| refunded.minor_units)
}

/// What is in escrow, in minor units of a currency.
pub(super) fn escrow(report: &Report, currency: &str) -> i64 {
    let in_escrow = report.balance.balances.iter().filter(|line| line.kind == "escrow");
    in_escrow
        .filter_map(|line| line.balance.as_ref())
        .filter(|money| money.currency == currency)
        .map(|money| money.minor_units)
        .sum()
}

impl BuyerRecord<'_> {
    /// Acknowledged orders that stand, with what the buyer remembers.
    fn kept(&self) -> impl Iterator<Item = (&Order, &super::purchase_log::Acknowledged)> {
        let known = self.book.orders.iter().filter_map(|(id, noted)| Some((self.orders.get(id)?, noted)));
        known.filter(|(order, _)| order.state() != OrderState::Cancelled)
    }
}
