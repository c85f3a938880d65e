//! Samples for the tests of the domain.

use chrono::{DateTime, Duration, Utc};
use hub::{FreightSpread, PaymentMethodCode};
use kernel::{ConsignmentId, ProductId, QuoteId, SellerId, VariantId};
use money::{Currency, Money};
use rust_decimal::Decimal;
use trade::{Address, ExchangeRate, Price};

use super::order::{Checkout, Order};
use super::pricing::{Group, GroupLine, LandedCost, Offer, consignment};
use super::quote::{Carriage, Quote};

pub(crate) fn myr(minor: i64) -> Money {
    Money::new(minor, Currency::MYR).unwrap()
}

pub(crate) fn thb(minor: i64) -> Money {
    Money::new(minor, Currency::THB).unwrap()
}

pub(crate) fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap() + Duration::minutes(minutes)
}

pub(crate) fn offer(seller_id: SellerId, from_country: &str, unit_price: Money) -> Offer {
    Offer {
        variant_id: VariantId::new(),
        product_id: ProductId::new(),
        seller_id,
        seller_name: "Baan Silk".to_owned(),
        seller_tax_registered: true,
        sku: "SILK-1".to_owned(),
        title: "Silk scarf".to_owned(),
        category: "scarves".to_owned(),
        unit_price,
        hs_code: "621410".to_owned(),
        origin: "TH".to_owned(),
        from_country: from_country.to_owned(),
        weight_grams: 120,
        size_mm: Some([200, 150, 30]),
        preference: String::new(),
        certificate: None,
        stock_units: 1,
        permit: None,
    }
}

pub(crate) fn landed(lines: &[[i64; 6]]) -> LandedCost {
    let lines: Vec<Price> = lines.iter().map(|parts| Price::new(parts.map(myr)).unwrap()).collect();
    LandedCost {
        carriage: Carriage {
            carrier: "asean-post".to_owned(),
            service: "tracked".to_owned(),
            title: "Tracked post".to_owned(),
            transport: None,
            chargeable_grams: 500,
            days_min: 4,
            days_max: 9,
            zone: Some(String::new()),
        },
        price: Price::sum(&lines, Currency::MYR).unwrap(),
        charges: lines
            .iter()
            .map(|line| [3, 4, 5].map(|place: usize| line.parts()[place].to_decimal()))
            .collect(),
        lines,
        customs_value: myr(1),
        seller_collected_tax: myr(0),
        rules: Vec::new(),
        customs_rate: None,
        warnings: Vec::new(),
    }
}

/// A rate in millionths.
pub(crate) fn rate(from: Currency, to: Currency, millionths: i64) -> ExchangeRate {
    ExchangeRate {
        from,
        to,
        rate: Decimal::new(millionths, 6),
        reference_rate: Decimal::new(millionths, 6),
        as_of: "2026-09-01".parse().unwrap(),
        source: "test".to_owned(),
        rate_id: String::new(),
    }
}

/// The quote that an order is of.
pub(crate) fn quote_of(order: &Order) -> Quote {
    Quote { id: order.terms.quote_id, consignments: order.terms.consignments.clone(), ..quote(0) }
}

/// A quote of `consignments` consignments, each of a seller of its own with two lines.
pub(crate) fn quote(consignments: usize) -> Quote {
    let consignments = (0..consignments)
        .map(|_| {
            let seller_id = SellerId::new();
            let line = |price, quantity| GroupLine::new(offer(seller_id, "TH", thb(price)), quantity);
            let lines = vec![line(10_000, 3), line(5_555, 7)];
            let group = Group { seller_id, from_country: "TH".to_owned(), currency: Currency::THB, lines };
            let landed = landed(&[[3_900, 800, 100, 390, 401, 50], [5_063, 1_200, 150, 506, 520, 50]]);
            let rates = [rate(Currency::THB, Currency::MYR, 130_211)];
            consignment(group, landed, FreightSpread::Value, &rates, Currency::MYR).unwrap()
        })
        .collect();
    Quote {
        id: QuoteId::new(),
        owner: None,
        currency: Currency::MYR,
        postcode: String::new(),
        consignments,
        warnings: Vec::new(),
        profile_hash: "hash".to_owned(),
        created_at: at(0),
        expires_at: at(30),
    }
}

pub(crate) fn address() -> Address {
    Address {
        recipient: "Aisyah".to_owned(),
        line1: "1 Jalan Merdeka".to_owned(),
        line2: String::new(),
        city: "Kuala Lumpur".to_owned(),
        state: String::new(),
        postcode: "50050".to_owned(),
        country: "MY".parse().unwrap(),
        phone: String::new(),
    }
}

pub(crate) fn checkout() -> Checkout {
    Checkout {
        buyer: "aisyah".to_owned(),
        address: address(),
        method: PaymentMethodCode::WALLET,
        client_reference: None,
        attributes: std::collections::BTreeMap::new(),
    }
}

/// An order that is being placed.
pub(crate) fn order(consignments: usize) -> Order {
    Order::place(checkout(), quote(consignments), at(1)).unwrap()
}

pub(crate) fn consignment_id(order: &Order, place: usize) -> ConsignmentId {
    order.terms.consignments[place].id
}
