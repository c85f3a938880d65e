//! Measuring: the work is done under each load, and what it cost is asked before and after.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use indicatif::ProgressBar;
use tokio::time::Instant;

use super::Plan;
use super::load::{self, Load};
use super::report::{self, Measured};
use super::subject::Subject;
use super::work::{Findings, Work};
use crate::fleet::Usage;

/// Before anything is counted.
const WARM_UP: Duration = Duration::from_secs(3);
const WARM_UP_CALLERS: usize = 16;

/// Starts what is measured, measures it under each load of the plan, and shows it.
pub(super) async fn run<W: Work>(plan: &Plan<'_>) -> Result<()> {
    let subject = W::start(plan).await?;
    println!("{}", subject.heading());
    let measured = measure_all::<W>(plan, &subject).await;
    let stopped = subject.stop().await;
    let (measured, found) = measured?;
    print!("{}", report::table(&W::UNIT, &measured));
    found.tell()?;
    stopped
}

async fn measure_all<W: Work>(plan: &Plan<'_>, subject: &W::Subject) -> Result<(Vec<Measured>, Findings)> {
    let callers = plan
        .loads
        .iter()
        .map(|load| load.callers())
        .try_fold(0, |most, callers| anyhow::Ok(usize::max(most, callers?)))?;
    let work = Arc::new(waiting("preparing", W::prepare(subject, callers)).await?);
    waiting("warming up", load::closed(&work, callers.min(WARM_UP_CALLERS), WARM_UP)).await?;
    subject.settle().await?;
    let mut all = Vec::new();
    for load in &plan.loads {
        all.push(measure(subject, &work, *load, plan.lasts).await?);
    }
    let found = waiting("checking the books", work.check(subject)).await?;
    Ok((all, found))
}

async fn measure<W: Work>(
    subject: &W::Subject,
    work: &Arc<W>,
    load: Load,
    lasts: Duration,
) -> Result<Measured> {
    let (before, hub_before, own_before) = (subject.counters().await?, subject.usage(), own()?);
    let (begun, machine_before) = (Instant::now(), Usage::of_machine()?);
    let tally = waiting(&load.to_string(), load.put_on(work, lasts)).await?;
    let took = begun.elapsed();
    let settling = Instant::now();
    waiting("letting it finish", subject.settle()).await?;
    let settled_in = settling.elapsed();
    // What the work has begun is a part of what it costs.
    let counted = subject.counters().await?.since(&before);
    Ok(Measured {
        load,
        took,
        tally,
        hub: subject.usage().zip(hub_before).map(|(now, before)| now.since(&before)),
        own: own()?.since(&own_before),
        machine: Usage::of_machine()?.saturating_sub(machine_before),
        counted,
        settled_in,
    })
}

fn own() -> Result<Usage> {
    Usage::of(std::process::id()).context("what this process uses")
}

/// Shows that something is going on.
async fn waiting<T>(what: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    let spinner = ProgressBar::new_spinner().with_message(what.to_owned());
    spinner.enable_steady_tick(Duration::from_millis(100));
    let done = work.await;
    spinner.finish_and_clear();
    done
}
