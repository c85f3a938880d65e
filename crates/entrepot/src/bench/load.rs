//! Callers who call again as soon as they are answered, or at a rate of their own, whatever the answers take.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::tally::Tally;
use super::work::Work;

/// What may be under way of an open loop at once; more is not begun, and is told.
const UNDER_WAY_MAX: usize = 5_000;
/// How many callers an open loop has.
const OPEN_CALLERS: usize = 256;

/// How much is asked at once.
#[derive(Debug, Clone, Copy)]
pub(super) enum Load {
    /// So many callers, each of whom waits for its answer.
    Closed { callers: u32, name: &'static str },
    /// So much a second.
    Open { rate: u32 },
}

impl Load {
    /// Those who call.
    pub(super) fn callers(self) -> Result<usize> {
        match self {
            Self::Closed { callers, .. } => Ok(usize::try_from(callers)?),
            Self::Open { .. } => Ok(OPEN_CALLERS),
        }
    }

    /// Puts it on, for so long.
    pub(super) async fn put_on<W: Work>(self, work: &Arc<W>, lasts: Duration) -> Result<Tally> {
        match self {
            Self::Closed { callers, .. } => closed(work, usize::try_from(callers)?, lasts).await,
            Self::Open { rate } => open(work, rate, lasts).await,
        }
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { callers, name } => write!(f, "{callers} {name}"),
            Self::Open { rate } => write!(f, "{rate}/s"),
        }
    }
}

/// Each caller calls, and again when it is answered, for so long.
pub(super) async fn closed<W: Work>(work: &Arc<W>, callers: usize, lasts: Duration) -> Result<Tally> {
    let end = Instant::now() + lasts;
    let mut calling = JoinSet::new();
    for caller in 0..callers {
        let work = work.clone();
        calling.spawn(async move {
            let (mut tally, mut random) = (Tally::new(W::UNIT.parts.len())?, fastrand::Rng::new());
            while Instant::now() < end {
                let due = Instant::now();
                let outcome = work.once(caller, &mut random).await;
                tally.ended(due.elapsed(), outcome);
            }
            anyhow::Ok(tally)
        });
    }
    let mut all = Tally::new(W::UNIT.parts.len())?;
    while let Some(one) = calling.join_next().await {
        all.add(&one??)?;
    }
    Ok(all)
}

/// So much is begun a second, for so long. Its time counts from when it was to begin: a hub that stands still for a
/// second does not keep its clients from being counted.
async fn open<W: Work>(work: &Arc<W>, rate: u32, lasts: Duration) -> Result<Tally> {
    let every = Duration::from_secs(1) / rate;
    let begin = Instant::now();
    let under_way = Arc::new(AtomicUsize::new(0));
    let mut calling = JoinSet::new();
    let mut tally = Tally::new(W::UNIT.parts.len())?;
    let mut due = begin;
    for call in 0.. {
        if due - begin >= lasts {
            break;
        }
        tokio::time::sleep_until(due).await;
        if under_way.load(Ordering::Relaxed) >= UNDER_WAY_MAX {
            tally.not_begun += 1;
        } else {
            let (work, under_way) = (work.clone(), under_way.clone());
            under_way.fetch_add(1, Ordering::Relaxed);
            calling.spawn(async move {
                let outcome = work.once(call % OPEN_CALLERS, &mut fastrand::Rng::new()).await;
                under_way.fetch_sub(1, Ordering::Relaxed);
                (due.elapsed(), outcome)
            });
        }
        while let Some(ended) = calling.try_join_next() {
            let (after, outcome) = ended?;
            tally.ended(after, outcome);
        }
        due += every;
    }
    while let Some(ended) = calling.join_next().await {
        let (after, outcome) = ended?;
        tally.ended(after, outcome);
    }
    Ok(tally)
}
