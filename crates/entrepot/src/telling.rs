//! What the process tells of its work: logs to standard error, traces to a collector.

use anyhow::Result;
use telemetry::{Logs, Telemetry, Traces};

use crate::Command;

/// What is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Telling {
    /// What is logged to standard error, such as `info` or `warn,order=debug`; `warn` when absent, and `error` for
    /// prove, which breaks what others would be warned of.
    #[arg(long, global = true, env = "ENTREPOT_LOG")]
    log: Option<String>,
    /// Log a JSON object a line.
    #[arg(long, global = true)]
    log_json: bool,
    /// Where traces go: a collector that takes OTLP over gRPC, such as http://collector:4317. Nowhere when absent.
    #[arg(long, global = true, env = "ENTREPOT_TRACES_URL", value_name = "URL")]
    traces: Option<String>,
    /// Keep one trace in so many.
    #[arg(long, global = true, env = "ENTREPOT_TRACES_ONE_IN", default_value = "1", value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    traces_one_in: u32,
}

impl Telling {
    /// Begins to tell.
    pub(crate) fn begin(&self, command: &Command) -> Result<Telemetry> {
        let usual = if matches!(command, Command::Prove(_)) { "error" } else { "warn" };
        let logs = Logs { filter: self.log.as_deref().unwrap_or(usual), json: self.log_json };
        telemetry::init(logs, self.traces(command))
    }

    fn traces(&self, command: &Command) -> Option<Traces> {
        let url = self.traces.clone().filter(|url| !url.is_empty())?;
        let all = Traces {
            url,
            one_in: self.traces_one_in,
            service: "entrepot".to_owned(),
            hub: None,
            instance: None,
        };
        match command {
            Command::Up(_) => Some(all),
            Command::Serve(args) => Some(Traces {
                service: args.names("-"),
                hub: args.hub_code(),
                instance: args.instance(),
                ..all
            }),
            // These come and go.
            _ => None,
        }
    }
}
