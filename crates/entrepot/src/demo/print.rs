//! What a person watching sees.

use proto::order::v1::{Consignment, ConsignmentState, Order, OrderState, Quote, QuotedConsignment};
use proto::payment::internal::v1::Transfer;
use proto::types::v1::{AppliedRule, PriceParts};

use crate::trial_balance::maybe;

/// A heading.
pub(super) fn title(text: &str) {
    println!("\n━━ {text}");
}

/// One thing that happened, with its subject.
pub(super) fn event(subject: &str, text: &str) {
    println!("  {subject:<16} {text}");
}

/// A landed price with its parts and the rules behind each.
pub(super) fn quote(quote: &Quote) {
    println!("  The landed price is {}", total(quote.price.as_ref()));
    for consignment in &quote.consignments {
        println!();
        self::consignment(consignment);
    }
    for warning in &quote.warnings {
        println!("  note: {warning}");
    }
    println!();
}

fn total(price: Option<&PriceParts>) -> String {
    maybe(price.and_then(|price| price.total.as_ref()))
}

fn consignment(quoted: &QuotedConsignment) {
    println!("  from {} ({}): {}", quoted.seller_name, quoted.from_country, total(quoted.price.as_ref()));
    for line in &quoted.lines {
        println!("    {} × {} at {}", line.quantity, line.title, maybe(line.unit_price.as_ref()));
    }
    if let Some(rate) = &quoted.goods_rate {
        let (from, to) = (&rate.from_currency, &rate.to_currency);
        println!(
            "    1 {from} = {} {to} with the hub's spread (reference {} of {})",
            rate.rate, rate.reference_rate, rate.as_of
        );
    }
    if let Some(price) = &quoted.price {
        parts(price);
    }
    if let Some(carriage) = &quoted.carriage {
        println!(
            "    carried as {}, {} g charged, {} to {} days",
            carriage.title, carriage.chargeable_grams, carriage.days_min, carriage.days_max
        );
    }
    println!("    customs value {}", maybe(quoted.customs_value.as_ref()));
    quoted.rules.iter().for_each(rule);
}

fn parts(price: &PriceParts) {
    let parts = [
        ("goods", &price.goods),
        ("carriage", &price.carriage),
        ("insurance", &price.insurance),
        ("duty", &price.duty),
        ("tax", &price.tax),
        ("fees", &price.fees),
    ];
    for (name, part) in parts {
        if let Some(part) =
            part.as_ref().filter(|part| part.minor_units != 0 || matches!(name, "duty" | "tax"))
        {
            println!("      {name:<10} {:>16}", crate::trial_balance::amount(part));
        }
    }
}

fn rule(rule: &AppliedRule) {
    let assumed = if rule.assumed { " (assumed)" } else { "" };
    println!("    rule {}{assumed}: {}", rule.rule_id, rule.title);
    println!("         {}", rule.explanation);
    println!("         {}", rule.source);
}

/// What is new in a version of an order since the one before.
pub(super) fn changes(before: Option<&Order>, order: &Order) {
    for consignment in &order.consignments {
        let known = before.and_then(|before| same(before, consignment));
        parcel(known, consignment);
    }
    let is_news = before.is_none_or(|before| before.state != order.state);
    if is_news && order.state() != OrderState::Placing {
        let state = words(order.state().as_str_name(), "ORDER_STATE_");
        event(&order.number, &format!("is {state}"));
    }
}

/// `ORDER_STATE_AWAITING_PAYMENT` as `awaiting payment`.
pub(super) fn words(name: &str, prefix: &str) -> String {
    name.trim_start_matches(prefix).to_lowercase().replace('_', " ")
}

fn same<'a>(order: &'a Order, consignment: &Consignment) -> Option<&'a Consignment> {
    let id =
        |consignment: &Consignment| consignment.quoted.as_ref().map(|quoted| quoted.consignment_id.clone());
    order.consignments.iter().find(|other| id(other) == id(consignment))
}

fn parcel(before: Option<&Consignment>, consignment: &Consignment) {
    let subject = &consignment.tracking_number;
    if !subject.is_empty() && before.is_none_or(|before| before.tracking_number.is_empty()) {
        let seller = consignment.quoted.as_ref().map(|quoted| quoted.seller_name.clone()).unwrap_or_default();
        event(subject, &format!("is the S10 number of {seller}'s consignment; its declaration is drawn up"));
    }
    let known = before.map_or(0, |before| before.steps.len());
    for step in consignment.steps.iter().skip(known) {
        event(subject, &format!("{} ({})", step.status.replace('_', " "), step.place));
    }
    let released = ConsignmentState::Released;
    if consignment.state() == released && before.is_none_or(|before| before.state() != released) {
        event(subject, "escrow was released");
    }
}

/// The movements of money behind an order, oldest first.
pub(super) fn transfers(transfers: &[Transfer]) {
    println!("\n  The movements of money behind it");
    for transfer in transfers {
        println!(
            "    {:<18} {:>16}  {} → {}",
            transfer.kind.replace('_', " "),
            maybe(transfer.amount.as_ref()),
            transfer.debit_kind.replace('_', " "),
            transfer.credit_kind.replace('_', " ")
        );
    }
}
