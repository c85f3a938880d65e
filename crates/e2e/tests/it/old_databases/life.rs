//! What happened at the hub of a fixture: something of each kind that a hub stores, in each state that it can be in.

mod firms;

use chrono::{DateTime, Duration, Utc};
use kernel::{Clock, SellerId};
use proto::logistics::v1::ShipmentState;
use proto::order::v1::{
    CancelOrderRequest, CancelOrderResponse, CreateQuoteRequest, OrderState, PaymentMethod, QuoteLine,
    RejectReturnRequest, RejectReturnResponse, Return, ReturnCause, ReturnState,
};
use proto::payment::internal::v1::{
    ListSuspenseRequest, ListSuspenseResponse, ReportReceiptRequest, ReportReceiptResponse,
    ResolveSuspenseRequest, ResolveSuspenseResponse,
};
use proto::payment::v1::{OpenWalletRequest, OpenWalletResponse, TopUpWalletRequest, TopUpWalletResponse};
use proto::types::v1::{Money, Permit};
use testkit::eventually;

use super::calls::{NOBODY, OPERATOR};
use super::player::Player;
use crate::town::PATIENCE;

pub(crate) use firms::Goods;

/// When it happens: a hub's clock goes forward only, and what is old is deleted, so that a fixture can be opened until
/// then alone.
const YEAR: &str = "2046-11-27T01:00:00Z";
/// The most that one call moves a hub's clock.
const MOVE_MAX: Duration = Duration::days(400);
pub(crate) const AISYAH: &str = "buyer:aisyah";
pub(crate) const BALA: &str = "buyer:bala";
/// Has next to nothing in the wallet.
pub(crate) const CHONG: &str = "buyer:chong";
/// A guest's own.
pub(crate) const SECRET: &str = "0c5d3b0e-1a52-4b7e-9f55-3c1f6f0ad2c1";
const WALLET_MINOR: i64 = 900_000;
const BARE_MINOR: i64 = 100;

/// Who lived there, and what they were quoted.
pub(crate) struct Lived {
    pub(crate) sellers: Vec<String>,
    pub(crate) buyers: Vec<&'static str>,
    /// Who, quote, guest's secret.
    pub(crate) quotes: Vec<(String, String, String)>,
}

/// So many units of a variant.
pub(crate) fn units(variant_id: &str, quantity: i64) -> QuoteLine {
    QuoteLine { variant_id: variant_id.to_owned(), quantity, permit: None }
}

/// Lives it all.
pub(crate) async fn live(player: &Player<'_>, hub: &proof::Hub) -> Lived {
    let until: DateTime<Utc> = YEAR.parse().unwrap();
    let mut left = until - Clock::system().now();
    while left > Duration::zero() {
        player.advance(left.min(MOVE_MAX)).await;
        left -= MOVE_MAX;
    }
    let goods = firms::open(player, hub).await;
    for (who, amount) in [(AISYAH, WALLET_MINOR), (BALA, WALLET_MINOR), (CHONG, BARE_MINOR)] {
        wallet(player, who, "MYR", amount).await;
    }
    wallet(player, BALA, "SGD", BARE_MINOR).await;
    of_last_week(player, hub, &goods).await;
    // Answers that told of a quote are not kept for so long.
    player.made.borrow_mut().retain(|(_, rpc, _)| !rpc.ends_with("/CreateQuote"));
    firms::change(player, &goods).await;
    payments(player, &goods).await;
    on_the_way(player, &goods).await;
    going_back(player, &goods).await;
    let quotes = quotes(player, &goods).await;
    Lived {
        sellers: firms::NAMES.iter().map(|name| firms::id(name)).collect(),
        buyers: vec![AISYAH, BALA, CHONG],
        quotes,
    }
}

/// The seller of this name.
pub(crate) fn seller(name: &str) -> String {
    let id: SellerId = proof::shop::SellerEntry::thai(name).seller_id();
    format!("seller:{id}")
}

async fn wallet(player: &Player<'_>, who: &str, currency: &str, minor_units: i64) {
    let request = OpenWalletRequest { request_id: proof::request_id(), currency: currency.to_owned() };
    let opened: OpenWalletResponse = player.change(who, "payment.v1.WalletService/OpenWallet", request).await;
    let request = TopUpWalletRequest {
        request_id: proof::request_id(),
        wallet_id: opened.wallet.unwrap().wallet_id,
        amount: Some(Money { currency: currency.to_owned(), minor_units }),
    };
    let _: TopUpWalletResponse = player.change(who, "payment.v1.WalletService/TopUpWallet", request).await;
}

/// An order whose escrow its timer released, one that was given back afterwards, one that nobody paid in time; money that
/// fits no order.
async fn of_last_week(player: &Player<'_>, hub: &proof::Hub, goods: &Goods) {
    let lines = || vec![units(&goods.scarf, 2), units(&goods.jam, 1)];
    for name in ["released by its timer", "received and given back"] {
        let order = player.order(AISYAH, lines(), PaymentMethod::Wallet, name).await;
        player.carry(AISYAH, &order, ShipmentState::Delivered).await;
        player.becomes(AISYAH, name, |order| order.state() == OrderState::Delivered).await;
        if name == "received and given back" {
            player.receive(AISYAH, &order, "").await;
        }
    }
    let unpaid =
        player.order(BALA, vec![units(&goods.scarf, 1)], PaymentMethod::Duitnow, "not paid in time").await;
    player.advance(Duration::minutes(16)).await;
    player.becomes(BALA, "not paid in time", |order| order.state() == OrderState::Cancelled).await;
    assert!(!player.pay(&unpaid, "late").await.matched);
    suspense(player).await;
    later(player, hub, Duration::days(8)).await;
    for name in ["released by its timer", "received and given back"] {
        player.becomes(AISYAH, name, |order| order.state() == OrderState::Completed).await;
    }
    let order = player.named(AISYAH, "received and given back").await;
    let given_back =
        player.give_back(AISYAH, &order, 1, ReturnCause::WrongOrDamaged, "after the release").await;
    player.approve(&given_back).await;
    player.take_back(&given_back, false).await;
    refunded(player, AISYAH, &given_back).await;
    later(player, hub, Duration::days(3)).await;
}

/// Days later: by then whatever had happened was heard of.
async fn later(player: &Player<'_>, hub: &proof::Hub, by: Duration) {
    proof::invariants::settle(hub, PATIENCE).await.unwrap();
    player.advance(by).await;
}

async fn suspense(player: &Player<'_>) {
    let request = ReportReceiptRequest {
        provider_reference: "of nothing".to_owned(),
        order_reference: "MY0000000".to_owned(),
        amount: Some(Money { currency: "MYR".to_owned(), minor_units: 1_234 }),
    };
    let rpc = "payment.internal.v1.ProviderService/ReportReceipt";
    let _: ReportReceiptResponse = player.change(OPERATOR, rpc, request).await;
    let request = ListSuspenseRequest { page_size: 50, page_token: String::new() };
    let rpc = "/entrepot.payment.internal.v1.LedgerService/ListSuspense";
    let listed: ListSuspenseResponse = player.line.call(OPERATOR, rpc, &request).await;
    assert_eq!(listed.receipts.len(), 2);
    let request = ResolveSuspenseRequest {
        request_id: proof::request_id(),
        receipt_id: listed.receipts[0].receipt_id.clone(),
        note: "sent back".to_owned(),
    };
    let rpc = "payment.internal.v1.LedgerService/ResolveSuspense";
    let _: ResolveSuspenseResponse = player.change(OPERATOR, rpc, request).await;
}

/// Orders that wait for their payment, were paid, were cancelled before and after, or could not be paid.
async fn payments(player: &Player<'_>, goods: &Goods) {
    let scarves = |count| vec![units(&goods.scarf, count)];
    let qr = PaymentMethod::Duitnow;
    player.order(BALA, scarves(3), qr, "awaiting payment").await;
    let order = player.order(BALA, scarves(1), qr, "paid by QR").await;
    assert!(player.pay(&order, "in time").await.matched);
    player.becomes(BALA, "paid by QR", |order| order.state() == OrderState::Confirmed).await;
    let unpaid = player.order(BALA, scarves(1), qr, "cancelled before its payment").await;
    let paid = player.order(BALA, scarves(1), PaymentMethod::Wallet, "cancelled after its payment").await;
    player.parcels(BALA, &paid).await;
    for order in [unpaid, paid] {
        let request = CancelOrderRequest {
            request_id: proof::request_id(),
            order_id: order.order_id,
            reason: "changed my mind".to_owned(),
        };
        let _: CancelOrderResponse = player.change(BALA, "order.v1.OrderService/CancelOrder", request).await;
    }
    let wanted = CreateQuoteRequest { lines: scarves(1), ..Default::default() };
    let quote = player.quote(CHONG, wanted).await;
    let request = Player::placing(&quote.quote_id, PaymentMethod::Wallet, "short", "");
    player.refused(CHONG, "order.v1.OrderService/PlaceOrder", request).await;
}

/// Orders on their way, and where they come.
async fn on_the_way(player: &Player<'_>, goods: &Goods) {
    let both = |count| vec![units(&goods.scarf, count), units(&goods.jam, 2)];
    for (name, state) in [
        ("booked", None),
        ("picked up", Some(ShipmentState::PickedUp)),
        ("at customs", Some(ShipmentState::ImportAssessed)),
        ("out for delivery", Some(ShipmentState::OutForDelivery)),
        ("delivered", Some(ShipmentState::Delivered)),
        ("received in part", Some(ShipmentState::Delivered)),
        ("completed", Some(ShipmentState::Delivered)),
    ] {
        let lines = if name == "at customs" { of_every_kind(goods) } else { both(2) };
        let order = player.order(AISYAH, lines, PaymentMethod::Wallet, name).await;
        match state {
            None => drop(player.parcels(AISYAH, &order).await),
            Some(state) => player.carry(AISYAH, &order, state).await,
        }
        if state == Some(ShipmentState::Delivered) {
            player.becomes(AISYAH, name, |order| order.state() == OrderState::Delivered).await;
        }
    }
    let order = player.named(AISYAH, "received in part").await;
    let first = order.consignments[0].quoted.as_ref().unwrap().consignment_id.clone();
    player.receive(AISYAH, &order, &first).await;
    let order = player.named(AISYAH, "completed").await;
    player.receive(AISYAH, &order, "").await;
    player.becomes(AISYAH, "completed", |order| order.state() == OrderState::Completed).await;
}

/// A delivered order with a return in each state.
async fn going_back(player: &Player<'_>, goods: &Goods) {
    let name = "going back";
    let order = player.order(BALA, vec![units(&goods.scarf, 9)], PaymentMethod::Wallet, name).await;
    player.carry(BALA, &order, ShipmentState::Delivered).await;
    let order = player.becomes(BALA, name, |order| order.state() == OrderState::Delivered).await;
    let mind = ReturnCause::ChangeOfMind;
    player.give_back(BALA, &order, 1, mind, "requested").await;
    let approved = player.give_back(BALA, &order, 2, ReturnCause::WrongOrDamaged, "approved").await;
    player.approve(&approved).await;
    let rejected = player.give_back(BALA, &order, 1, mind, "rejected").await;
    let request = RejectReturnRequest {
        request_id: proof::request_id(),
        return_id: rejected.return_id,
        answer: "it was worn".to_owned(),
    };
    let who = seller(firms::NAMES[0]);
    let _: RejectReturnResponse = player.change(&who, "order.v1.ReturnService/RejectReturn", request).await;
    let came = player.give_back(BALA, &order, 1, mind, "refunded").await;
    player.approve(&came).await;
    player.take_back(&came, true).await;
    refunded(player, BALA, &came).await;
}

/// Until the buyer has the money.
pub(crate) async fn refunded(player: &Player<'_>, who: &str, given_back: &Return) {
    let request = proto::order::v1::GetReturnRequest { return_id: given_back.return_id.clone() };
    let (rpc, request) = ("/entrepot.order.v1.ReturnService/GetReturn", &request);
    eventually("a refund", || async {
        let found: proto::order::v1::GetReturnResponse = player.line.call(who, rpc, request).await;
        (found.r#return.unwrap().state() == ReturnState::Refunded).then_some(())
    })
    .await;
}

/// From two countries, with a certificate, with a permit.
fn of_every_kind(goods: &Goods) -> Vec<QuoteLine> {
    let permit = Permit {
        number: "KKM-2046-117".to_owned(),
        authority: "Ministry of Health".to_owned(),
        expires_on: "2047-12-31".to_owned(),
    };
    let balm = QuoteLine { permit: Some(permit), ..units(&goods.balm, 1) };
    vec![units(&goods.shawl, 3), balm, units(&goods.jam, 1)]
}

/// Quotes that nobody has ordered by yet, in two currencies; a guest's, and one that a guest ordered once signed in.
async fn quotes(player: &Player<'_>, goods: &Goods) -> Vec<(String, String, String)> {
    let own = CreateQuoteRequest { lines: of_every_kind(goods), ..Default::default() };
    let abroad = CreateQuoteRequest { currency: "SGD".to_owned(), ..own.clone() };
    let own = player.quote(AISYAH, own).await;
    let abroad = player.quote(AISYAH, abroad).await;
    let guest = |variant_id: &str| CreateQuoteRequest {
        lines: vec![units(variant_id, 1)],
        guest_secret: SECRET.to_owned(),
        ..Default::default()
    };
    let a_guests = player.quote(NOBODY, guest(&goods.scarf)).await;
    let ordered = player.quote(NOBODY, guest(&goods.jam)).await;
    let request = Player::placing(&ordered.quote_id, PaymentMethod::Wallet, "a guest's quote", SECRET);
    let _: proto::order::v1::PlaceOrderResponse =
        player.change(BALA, "order.v1.OrderService/PlaceOrder", request).await;
    vec![
        (AISYAH.to_owned(), own.quote_id, String::new()),
        (NOBODY.to_owned(), a_guests.quote_id, SECRET.to_owned()),
        (NOBODY.to_owned(), ordered.quote_id, SECRET.to_owned()),
        (AISYAH.to_owned(), abroad.quote_id, String::new()),
    ]
}
