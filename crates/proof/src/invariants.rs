//! What must hold at a hub whatever happened to it: no order lost, no unit oversold, no double charge, no consignment
//! that costs the hub more than was paid for it, debits equal credits in every currency, every saga settled, no event parked or left behind.

use std::fmt;
use std::time::Duration;

use anyhow::{Context as _, Result};
use proto::catalog::internal::v1::AuditStockRequest;
use proto::operator::internal::v1::{GetBacklogRequest, GetBacklogResponse, ListParkedEventsRequest};
use proto::order::internal::v1::{AuditOrdersRequest, ListSagasRequest};
use proto::payment::internal::v1::{ListSuspenseRequest, TrialBalanceRequest, TrialBalanceResponse};
use tonic::Request;

use crate::Hub;

/// How often a hub is asked whether it has come to rest.
const POLL: Duration = Duration::from_millis(100);
/// How long an audit may take: it reads all that there is.
const AUDIT_MAX: Duration = Duration::from_secs(3600);

/// One invariant and what was found.
#[derive(Debug, Clone)]
pub struct Check {
    /// What must hold, in words.
    pub name: &'static str,
    /// What was looked at, such as "412 orders".
    pub seen: String,
    /// What does not hold, a sentence each.
    pub violations: Vec<String>,
}

impl Check {
    /// Whether it holds.
    pub fn holds(&self) -> bool {
        self.violations.is_empty()
    }
}

/// The state of a hub's books.
#[derive(Debug, Clone)]
pub struct Report {
    /// Each invariant.
    pub checks: Vec<Check>,
    /// The trial balance that was checked.
    pub balance: TrialBalanceResponse,
}

impl Report {
    /// Whether all hold.
    pub fn holds(&self) -> bool {
        self.checks.iter().all(Check::holds)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.checks {
            let mark = if check.holds() { "holds " } else { "BROKEN" };
            writeln!(f, "  {mark}  {:<44} {}", check.name, check.seen)?;
            for violation in &check.violations {
                writeln!(f, "          {violation}")?;
            }
        }
        Ok(())
    }
}

/// Waits until nothing is under way: every saga settled, every outbox empty, every event taken. A hub that cannot say
/// is asked again: an engine may still be on its way back. Errors after `patience`, saying what did not settle.
pub async fn settle(hub: &Hub, patience: Duration) -> Result<()> {
    until_quiet(|| unsettled(hub), patience).await
}

/// As [`settle`], of the events of one service, where the others do not run.
pub async fn settle_service(hub: &Hub, service: &str, patience: Duration) -> Result<()> {
    until_quiet(|| undelivered(hub, service), patience).await
}

async fn until_quiet(look: impl AsyncFn() -> Result<String>, patience: Duration) -> Result<()> {
    let mut under_way = String::new();
    let waiting = async {
        // Twice in a row: an event handled in between may have begun something new.
        let mut quiet = 0;
        while quiet < 2 {
            under_way = look().await.unwrap_or_else(|error| format!("{error:#}"));
            quiet = if under_way.is_empty() { quiet + 1 } else { 0 };
            tokio::time::sleep(POLL).await;
        }
    };
    match tokio::time::timeout(patience, waiting).await {
        Ok(()) => Ok(()),
        Err(_) => anyhow::bail!("the hub did not settle within {} s: {under_way}", patience.as_secs()),
    }
}

async fn unsettled(hub: &Hub) -> Result<String> {
    let request = ListSagasRequest { stuck_only: false, page_size: 1, page_token: String::new() };
    let sagas = hub.sagas()?.list_sagas(request).await.context("listing sagas")?.into_inner().unsettled_count;
    if sagas > 0 {
        return Ok(format!("{sagas} sagas are not settled"));
    }
    for service in hub.services() {
        let undelivered = undelivered(hub, service).await?;
        if !undelivered.is_empty() {
            return Ok(undelivered);
        }
    }
    Ok(String::new())
}

async fn undelivered(hub: &Hub, service: &str) -> Result<String> {
    let backlog = backlog(hub, service).await?;
    if backlog.unpublished_count > 0 {
        return Ok(format!("{} events of {service} are not published", backlog.unpublished_count));
    }
    let behind = backlog.consumers.iter().find(|consumer| consumer.waiting_count > 0);
    Ok(behind.map_or_else(String::new, |behind| {
        format!("{} events wait for {}", behind.waiting_count, behind.consumer)
    }))
}

pub(crate) async fn backlog(hub: &Hub, service: &str) -> Result<GetBacklogResponse> {
    let request = GetBacklogRequest { service: service.to_owned() };
    let backlog = hub.operations(service)?.get_backlog(request).await;
    Ok(backlog.with_context(|| format!("the backlog of {service}"))?.into_inner())
}

/// Checks every invariant. Let the hub [`settle`] first.
pub async fn check(hub: &Hub) -> Result<Report> {
    let (balance, [balanced, ledger]) = books(hub).await?;
    let checks = vec![
        balanced,
        ledger,
        stock(hub).await?,
        orders(hub).await?,
        events(hub).await?,
        suspense(hub).await?,
    ];
    Ok(Report { checks, balance })
}

/// The trial balance, and what the ledger says of itself.
pub async fn books(hub: &Hub) -> Result<(TrialBalanceResponse, [Check; 2])> {
    let balance = hub
        .ledger()?
        .trial_balance(patient(TrialBalanceRequest {}))
        .await
        .context("the trial balance")?
        .into_inner();
    let checks = [balanced(&balance), ledger(&balance)];
    Ok((balance, checks))
}

fn patient<T>(audit: T) -> Request<T> {
    let mut request = Request::new(audit);
    request.set_timeout(AUDIT_MAX);
    request
}

fn balanced(balance: &TrialBalanceResponse) -> Check {
    let violations = balance
        .differences
        .iter()
        .filter(|difference| difference.minor_units != 0)
        .map(|difference| format!("{} differ by {} minor units", difference.currency, difference.minor_units))
        .collect();
    let seen = format!("{} currencies", balance.differences.len());
    Check { name: "debits equal credits in every currency", seen, violations }
}

fn ledger(balance: &TrialBalanceResponse) -> Check {
    let accounts: i64 = balance.balances.iter().map(|line| line.accounts).sum();
    Check {
        name: "nothing is charged twice, refunded or exchanged beyond what was paid",
        seen: format!("{accounts} accounts"),
        violations: balance.violations.clone(),
    }
}

/// Every shelf against its movements and its reservations.
pub async fn stock(hub: &Hub) -> Result<Check> {
    let audit = hub
        .catalog_operator()?
        .audit_stock(patient(AuditStockRequest {}))
        .await
        .context("the stock audit")?
        .into_inner();
    let seen = format!(
        "{} stock items: {} on hand, {} reserved, {} dispatched",
        audit.stock_items, audit.on_hand, audit.reserved, audit.dispatched
    );
    Ok(Check { name: "no unit sold twice", seen, violations: audit.violations })
}

async fn orders(hub: &Hub) -> Result<Check> {
    let audit = hub
        .sagas()?
        .audit_orders(patient(AuditOrdersRequest {}))
        .await
        .context("the orders' audit")?
        .into_inner();
    let mut violations = audit.violations;
    if audit.unsettled > 0 {
        violations.push(format!("{} sagas are not settled", audit.unsettled));
    }
    let mut states: Vec<String> =
        audit.by_state.iter().map(|(state, count)| format!("{count} {}", state.to_lowercase())).collect();
    states.sort();
    let seen = format!("{} orders: {}", audit.orders, states.join(", "));
    Ok(Check { name: "no order lost, every saga settled", seen, violations })
}

async fn events(hub: &Hub) -> Result<Check> {
    let mut violations = Vec::new();
    for service in hub.services() {
        let request = ListParkedEventsRequest {
            service: service.to_owned(),
            page_size: 200,
            page_token: String::new(),
        };
        let parked = hub
            .operations(service)?
            .list_parked_events(request)
            .await
            .context("listing parked events")?
            .into_inner();
        violations.extend(parked.events.iter().map(|event| {
            format!("{service} parked {} of {}: {}", event.kind, event.aggregate_id, event.reason)
        }));
        let waiting = backlog(hub, service).await?.unpublished_count;
        if waiting > 0 {
            violations.push(format!("{waiting} events of {service} were not published"));
        }
    }
    Ok(Check {
        name: "no event parked or left behind",
        seen: format!("{} services", hub.services().count()),
        violations,
    })
}

async fn suspense(hub: &Hub) -> Result<Check> {
    let request = ListSuspenseRequest { page_size: 200, page_token: String::new() };
    let listed = hub.ledger()?.list_suspense(request).await.context("listing suspense")?.into_inner();
    // Money in suspense is no fault of the hub: it is shown, not counted as a violation.
    let seen = format!("{} receipts in suspense", listed.receipts.len());
    Ok(Check { name: "every receipt matched or shown in suspense", seen, violations: Vec::new() })
}
