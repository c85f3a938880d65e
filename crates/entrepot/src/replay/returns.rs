//! The returns: each negative row is matched to goods of the same description that the same customer bought before,
//! newest first; what is matched goes back the whole road, the rest is counted.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use futures::StreamExt as _;
use proof::{Session, returns};
use proto::order::v1::{ListReturnsRequest, Order, OrderState, Return, ReturnLine, ReturnState};

use super::buyers::{Play, find};
use super::plan::{Invoice, Plan, ReturnRow};
use super::summary::Tally;

/// Customers served at once.
const CUSTOMERS_AT_ONCE: usize = 32;
/// How long one refund may take.
const REFUND_PATIENCE: Duration = Duration::from_secs(120);

/// Counts of one customer.
#[derive(Default)]
struct Counts {
    returned: u64,
    before: u64,
    unmatched: Vec<String>,
}

/// Plays every return.
pub(crate) async fn return_all(
    play: &Arc<Play>,
    plan: &Plan,
    wholesaler: &Session,
    tally: &mut Tally,
) -> Result<()> {
    let mut by_customer: HashMap<&str, (Vec<&ReturnRow>, Vec<&Invoice>)> = HashMap::new();
    for back in &plan.returns {
        by_customer.entry(&back.customer).or_default().0.push(back);
    }
    for invoice in &plan.invoices {
        if let Some((_, invoices)) = by_customer.get_mut(&*invoice.customer) {
            invoices.push(invoice);
        }
    }
    let bar = super::bar(plan.returns.len(), "returning");
    let mut counts = futures::stream::iter(by_customer.into_values())
        .map(|(rows, invoices)| customer(play, wholesaler, rows, invoices, &bar))
        .buffer_unordered(CUSTOMERS_AT_ONCE);
    while let Some(counts) = counts.next().await {
        tally.returned += counts.returned;
        tally.returned_before += counts.before;
        for reason in counts.unmatched {
            *tally.unmatched.entry(reason).or_default() += 1;
        }
    }
    bar.finish_and_clear();
    Ok(())
}

/// An order of the customer's with what could still go back of it.
struct Bought {
    time: chrono::NaiveDateTime,
    order: Order,
    /// What went back of it in a run before.
    returns: Vec<Return>,
}

async fn customer(
    play: &Play,
    wholesaler: &Session,
    rows: Vec<&ReturnRow>,
    invoices: Vec<&Invoice>,
    bar: &indicatif::ProgressBar,
) -> Counts {
    let mut counts = Counts::default();
    let bought = match look_up(play, &rows, &invoices).await {
        Ok(bought) => bought,
        Err(error) => {
            counts.unmatched.extend(rows.iter().map(|_| format!("BROKEN: {error:#}")));
            return counts;
        }
    };
    for back in rows {
        match one(play, wholesaler, back, &bought).await {
            Ok(Some(true)) => counts.returned += 1,
            Ok(Some(false)) => counts.before += 1,
            Ok(None) => counts.unmatched.push("not bought before in that number".to_owned()),
            Err(error) => counts.unmatched.push(format!("BROKEN: {error:#}")),
        }
        bar.inc(1);
    }
    counts
}

/// The customer's completed orders that sold what comes back, newest first.
async fn look_up(play: &Play, rows: &[&ReturnRow], invoices: &[&Invoice]) -> Result<Vec<Bought>> {
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let buyer = play.buyer(&first.customer)?;
    let mut bought = Vec::new();
    for invoice in invoices {
        let sold =
            |back: &&ReturnRow| invoice.lines.keys().any(|(description, _)| *description == back.description);
        if !rows.iter().any(sold) {
            continue;
        }
        if let Some(order) =
            find(&buyer, invoice).await?.filter(|order| order.state() == OrderState::Completed)
        {
            let request = ListReturnsRequest {
                order_id: order.order_id.clone(),
                page_size: 200,
                page_token: String::new(),
            };
            let returns = buyer.returns().list_returns(request).await?.into_inner().returns;
            bought.push(Bought { time: invoice.time, order, returns });
        }
    }
    bought.sort_by_key(|bought| std::cmp::Reverse(bought.time));
    Ok(bought)
}

/// `Some(true)`: returned now; `Some(false)`: in a run before; `None`: unmatched.
async fn one(play: &Play, wholesaler: &Session, back: &ReturnRow, bought: &[Bought]) -> Result<Option<bool>> {
    let buyer = play.buyer(&back.customer)?;
    let reference = format!("retail return {}", back.line);
    let mut before = bought.iter().flat_map(|bought| &bought.returns);
    if let Some(before) = before.find(|before| before.client_reference == reference) {
        finish(&buyer, wholesaler, before).await?;
        return Ok(Some(false));
    }
    for candidate in bought.iter().filter(|bought| bought.time <= back.time) {
        for consignment in &candidate.order.consignments {
            let Some(quoted) = &consignment.quoted else { continue };
            let line = quoted
                .lines
                .iter()
                .find(|line| *line.title == *back.description && line.quantity >= back.quantity);
            let Some(line) = line else { continue };
            let lines = vec![ReturnLine { variant_id: line.variant_id.clone(), quantity: back.quantity }];
            let asked = returns::request(
                &buyer,
                &candidate.order.order_id,
                &quoted.consignment_id,
                lines,
                &reference,
            )
            .await;
            match asked {
                Ok(asked) => {
                    returns::accept(wholesaler, &asked.return_id, true).await?;
                    returns::refunded(&buyer, &asked.return_id, REFUND_PATIENCE).await?;
                    return Ok(Some(true));
                }
                Err(status) if rpc::status::reason(&status).as_deref() == Some("QUANTITY_EXCEEDED") => {}
                Err(status) => return Err(status.into()),
            }
        }
    }
    Ok(None)
}

/// A run before may have been stopped between the asking and the refund.
async fn finish(buyer: &Session, wholesaler: &Session, before: &Return) -> Result<()> {
    if before.state() == ReturnState::Requested {
        returns::accept(wholesaler, &before.return_id, true).await?;
    }
    if before.state() == ReturnState::Approved {
        returns::receive(wholesaler, &before.return_id, true).await?;
    }
    if before.state() != ReturnState::Rejected {
        returns::refunded(buyer, &before.return_id, REFUND_PATIENCE).await?;
    }
    Ok(())
}
