//! A hub in processes of its own, called through its ports.

use anyhow::Result;
use proof::Hub;

use super::Subject;
use crate::bench::counters::Counters;
use crate::bench::{Plan, SETTLE_PATIENCE};
use crate::configuration::Shape;
use crate::fleet::{Fleet, Ground, Usage};

/// The hub.
pub(in crate::bench) struct WholeHub {
    fleet: Fleet,
    /// As its clients see it.
    pub(in crate::bench) hub: Hub,
    heading: String,
}

impl WholeHub {
    /// Starts it. Parcels stand still: what is measured is what clients do, and what follows from it at once.
    pub(in crate::bench) async fn start(plan: &Plan<'_>) -> Result<Self> {
        let config = "[sandbox]\nenabled = true\nday_length = \"24h\"\n";
        let ground = Ground::new(plan.configuration, plan.instances, plan.folder, "bench", config)?;
        let fleet = match plan.preload {
            Some(preload) => preload.start(plan.configuration, &ground).await?,
            None => Fleet::start(&ground).await?,
        };
        let hub = fleet.hub()?;
        let heading = match plan.configuration.process.shape {
            Shape::Embedded => "Embedded: one process, SQLite files, every commit on the disk.".to_owned(),
            Shape::Production => format!(
                "Production: {} processes, {} of each service, on PostgreSQL and Kafka.",
                fleet.processes().len(),
                plan.instances
            ),
        };
        Ok(Self { fleet, hub, heading })
    }
}

impl Subject for WholeHub {
    fn heading(&self) -> String {
        self.heading.clone()
    }

    async fn counters(&self) -> Result<Counters> {
        Counters::shown(&self.fleet).await
    }

    fn usage(&self) -> Option<Usage> {
        Some(self.fleet.usage())
    }

    async fn settle(&self) -> Result<()> {
        proof::invariants::settle(&self.hub, SETTLE_PATIENCE).await
    }

    async fn stop(self) -> Result<()> {
        self.fleet.stop().await
    }
}
