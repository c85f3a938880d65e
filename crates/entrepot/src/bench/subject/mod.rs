//! What is measured: a hub in processes of its own, a service within this process, or two databases with a bus between.

mod component;
mod whole_hub;

use anyhow::Result;

use super::counters::Counters;
use crate::fleet::Usage;

pub(super) use component::{CallerEvents, Component, engine, settings};
pub(super) use whole_hub::WholeHub;

/// Something that runs, and can be asked what it has cost.
pub(super) trait Subject: Sized {
    /// What it is, in a sentence: the heading of the table.
    fn heading(&self) -> String;

    /// What its databases were asked so far.
    async fn counters(&self) -> Result<Counters>;

    /// What its processes use; `None`: it runs within this one.
    fn usage(&self) -> Option<Usage>;

    /// Waits until nothing is under way.
    async fn settle(&self) -> Result<()>;

    /// Ends it, in good order.
    async fn stop(self) -> Result<()>;
}
